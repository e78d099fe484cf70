/** What the page on forgetting asks its workers for, one for each way to train. */

/** One long training; later layers drawn anew in each generation; early layers that climb the loss for a while. */
export const WAYS = [
  ['long', 'Long'],
  ['llf', 'Later-layer forgetting'],
  ['seal', 'SEAL'],
] as const;
export type Way = (typeof WAYS)[number][0];

export type ForgettingJobs = {
  train: { order: TrainOrder; progress: TrainProgress; result: { epochs: number; divergence: string | undefined } };
};

export interface TrainOrder {
  way: Way;
  /** Where the digits lie. */
  digits: string;
  perClass: number;
  /** Share of the labels that are replaced by others. */
  noise: number;
  generations: number;
  epochsPerGeneration: number;
  seed: number;
}

export interface TrainProgress {
  epoch: number;
  loss: number;
  /** Share of held-back digits that are read rightly. */
  accuracy: number;
  /** Share of the wrong labels that the net gives back; NaN if none is wrong. */
  memorised: number;
  /** Mean prediction depth on held-back digits, 0 to the number of probes. */
  depth: number;
}
