import { BACKGROUND, BORDER } from '../../examples/data/dense_scenes.js';

/**
 * Lets the digits of label maps `[scenes, canvas, canvas]` grow by one pixel in each of `steps` steps, over background and
 * border: strokes become regions that a network of coarse patches can draw. Two that meet stop; of two that want a pixel
 * the one above, then the one to the left, gets it.
 */
export function growDigits(labels: Int32Array, canvas: number, steps: number): Int32Array {
  let grown = labels;
  for (let step = 0; step < steps; step++) {
    const before = grown;
    grown = before.map((label, pixel) => {
      if (label !== BACKGROUND && label !== BORDER) return label;
      const [row, column] = [Math.floor(pixel / canvas) % canvas, pixel % canvas];
      const around = [
        row > 0 && before[pixel - canvas],
        column > 0 && before[pixel - 1],
        column < canvas - 1 && before[pixel + 1],
        row < canvas - 1 && before[pixel + canvas],
      ];
      const digit = around.find((other) => typeof other === 'number' && other < BACKGROUND);
      return typeof digit === 'number' ? digit : label;
    });
  }
  return grown;
}
