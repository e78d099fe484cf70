/** What the page on Cropr asks its worker for. The worker keeps the net that it has trained last. */

export type CroprJobs = {
  train: { order: TrainOrder; progress: TrainProgress; result: { points: Point[] } };
  look: { order: LookOrder; progress: never; result: Look };
};

export interface TrainOrder {
  /** Where the digits lie. */
  digits: string;
  epochs: number;
  seed: number;
}

export interface TrainProgress {
  step: number;
  steps: number;
  loss: number;
}

/** What pruning costs and saves. */
export interface Point {
  /** Share of the patches that are gone before the last block. */
  rate: number;
  /** Share of held-back digits that are read rightly. */
  accuracy: number;
  /** Images per second, in batches. */
  speed: number;
}

export interface LookOrder {
  /** Ink from 0 to 1, row by row. */
  ink: Float32Array;
  rate: number;
}

export interface Look {
  /** For each router the patches that are left behind it, row by row from 0. */
  kept: number[][];
  /** Of the ten digits. */
  probabilities: number[];
  /** Images per second at this rate, and unpruned, timed in turns. */
  speed: number;
  unpruned: number;
}
