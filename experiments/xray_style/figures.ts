/** What a style looks like: its curve, and an image before, after and as it should be. */
import { writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import type { RemapCurve } from 'tfjs-llf';
import { fromTensor, type GreyImage, toTensor } from '../../examples/data/grey_image.js';
import { writePng } from '../../examples/data/png.js';
import { lineChart } from '../../examples/plot/line_chart.js';
import type { Learned } from './contenders.js';
import type { Pair } from './data.js';
import type { Style } from './styles.js';

/** Details beyond it are rare in radiographs. */
export const SHOWN = 0.5;

/**
 * The curve that was learned beside the hidden one, as far as details are found; less its value at 0, since a constant in
 * it changes no image.
 */
export function curveChart(style: Style, { detail, remapped }: RemapCurve): string {
  const middle = remapped[(detail.length - 1) / 2] as number;
  const shown = detail.flatMap((d, i) =>
    Math.abs(d) <= SHOWN ? [[d, (remapped[i] as number) - middle] as const] : [],
  );
  return lineChart({
    title: `Style "${style.name}": what becomes of a detail`,
    xLabel: 'detail (grey value less local mean)',
    yLabel: 'remapped',
    series: [
      { name: 'learned by a network', points: shown },
      { name: 'hidden', points: shown.map(([d]) => [d, style.remap(d)]), dashed: true },
      { name: 'unchanged', points: shown.map(([d]) => [d, d]), dashed: true },
    ],
  });
}

/** Images of one height, side by side. */
function beside(images: readonly GreyImage[]): GreyImage {
  const { height, width } = images[0] as GreyImage;
  const values = new Float32Array(height * width * images.length);
  images.forEach((image, i) => {
    for (let y = 0; y < height; y++) {
      values.set(image.values.subarray(y * width, (y + 1) * width), (y * images.length + i) * width);
    }
  });
  return { height, width: width * images.length, values };
}

/** Writes a picture of an image before, after and as it should be. */
export async function writeExample(file: string, { apply }: Learned, { source, target }: Pair): Promise<void> {
  const image = toTensor(source);
  const result = await apply(image);
  await writeFile(file, writePng(beside([source, await fromTensor(result), target])));
  tf.dispose([image, result]);
}
