/** What the page on X-ray styles asks its workers for: one learns, the other reads files and filters meanwhile. */
import type { GreyImage } from '../../data/grey_image.js';
import type { StyleName } from './samples.js';

export type XrayJobs = {
  read: { order: ReadOrder; progress: never; result: GreyImage };
  finish: { order: { image: GreyImage; style: StyleName }; progress: never; result: GreyImage };
  learn: { order: LearnOrder; progress: LearnProgress; result: Learned };
  apply: { order: ApplyOrder; progress: never; result: GreyImage };
};

/** A file: of these bytes, or at this address; or a drawn image. */
export type ReadOrder = { bytes: Uint8Array } | { url: string } | { phantom: number };

export interface LearnOrder {
  before: GreyImage;
  after: GreyImage;
  /** Three numbers, or a network of six layers. */
  form: 'gauss' | 'network';
  steps: number;
  seed: number;
}

/** A filter as numbers. */
export interface Learned {
  /** Details from -1 to 1, and what they become. */
  curve: { detail: readonly number[]; remapped: readonly number[] };
  /** Of the grey values behind the filter. */
  gain: number;
  bias: number;
}

export interface LearnProgress extends Learned {
  step: number;
  loss: number;
  /** What the filter makes of the image, from time to time. */
  image: GreyImage | undefined;
}

export interface ApplyOrder {
  image: GreyImage;
  /** Evenly spaced from -1 to 1. */
  table: readonly number[];
  gain: number;
  bias: number;
}
