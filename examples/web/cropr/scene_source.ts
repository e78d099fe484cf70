/** Scenes without end: one real digit among fragments of others. Plain numbers. */
import type { RandomStream } from 'tfjs-llf';
import { SceneComposer, shrinkDigits } from '../../data/scenes.js';
import { type DigitSet, SIDE } from '../data/digits.js';
import { SCENE } from './net.js';

export class SceneSource {
  private readonly composer: SceneComposer;
  private readonly labels: Uint8Array;

  constructor({ labels, pixels }: DigitSet) {
    this.labels = labels;
    // The last digit is blank: a scene with it is clutter alone.
    const all = new Uint8Array(pixels.length + SIDE * SIDE);
    all.set(pixels);
    this.composer = new SceneComposer(shrinkDigits(all, SCENE.digit), SCENE);
  }

  /** Scenes with digits drawn at random, ink from 0 to 1, and what these digits are. */
  draw(count: number, stream: RandomStream): { scenes: Float32Array; labels: number[] } {
    const indices = Array.from({ length: count }, () => stream.integer(this.labels.length));
    const labels = indices.map((index) => this.labels[index] as number);
    return { scenes: this.composer.compose(indices, stream), labels };
  }

  /** A scene without a digit. */
  clutter(stream: RandomStream): Float32Array {
    return this.composer.compose([this.labels.length], stream);
  }
}
