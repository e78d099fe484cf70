import { describe, expect, it } from 'vitest';
import { BACKGROUND, BORDER } from '../../examples/data/dense_scenes.js';
import { growDigits } from '../../experiments/segmentation/grow.js';

/** Scenes of 5 x 5 pixels from rows of letters: `.` background, `b` border, digits. */
const scenes = (...rows: string[]): Int32Array =>
  Int32Array.from(rows.join(''), (letter) => (letter === '.' ? BACKGROUND : letter === 'b' ? BORDER : Number(letter)));

describe('growDigits', () => {
  it('adds the four neighbours of each digit in each step, over background and border', () => {
    const dot = scenes('.....', '.....', '..3bb', '.....', '.....');
    expect(growDigits(dot, 5, 1)).toEqual(scenes('.....', '..3..', '.333b', '..3..', '.....'));
    expect(growDigits(dot, 5, 2)).toEqual(scenes('..3..', '.333.', '33333', '.333.', '..3..'));
    expect(growDigits(dot, 5, 0)).toEqual(dot);
  });

  it('stops where two digits meet, at the border of a scene, and changes nothing that it is given', () => {
    const two = scenes('1..2.', '.....', '.....', '.....', '....7', '.....', '.....', '.....', '.....', '.....');
    const before = two.slice();
    expect(growDigits(two, 5, 1)).toEqual(
      scenes('11222', '1..2.', '.....', '....7', '...77', '.....', '.....', '.....', '.....', '.....'),
    );
    expect(two).toEqual(before);
    const meeting = growDigits(scenes('1..2.', '.....', '.....', '.....', '.....'), 5, 9);
    expect(new Set(meeting)).toEqual(new Set([1, 2]));
    expect(Array.from(meeting.subarray(0, 5))).toEqual([1, 1, 2, 2, 2]);
  });
});
