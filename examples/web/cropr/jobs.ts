/** What the page on Cropr asks its worker for. The worker keeps a net: the one that comes along, or the one trained last. */

export type CroprJobs = {
  pick: { order: { digits: string; count: number }; progress: never; result: Picked };
  look: { order: LookOrder; progress: never; result: Look };
  time: { order: LookOrder; progress: never; result: Times };
  judge: { order: { digits: string; rate: number }; progress: never; result: Point };
  /** Goes back to the net that came along. */
  goBack: { order: undefined; progress: never; result: undefined };
  train: { order: TrainOrder; progress: TrainProgress; result: { steps: number } };
};

/** Scenes of digits that no net has learned from, always the same. */
export interface Picked {
  /** Ink from 0 to 1, row by row, and what the digit in it is. */
  scenes: { scene: Float32Array; label: number }[];
  /** Fragments alone, for a digit of one's own. */
  clutter: Float32Array[];
}

export interface LookOrder {
  scene: Float32Array;
  /** Share of the patches that are gone before the last block. */
  rate: number;
}

export interface Look {
  /** For each router the patches that are left behind it, row by row from 0. */
  kept: number[][];
  /** Of the ten digits. */
  probabilities: number[];
}

/** Images per second at a rate, and unpruned, timed in turns. */
export interface Times {
  speed: number;
  unpruned: number;
}

/** What pruning costs and saves. */
export interface Point {
  /** Share of held-back scenes that are read rightly. */
  accuracy: number;
  /** Images per second, in batches. */
  speed: number;
}

export interface TrainOrder {
  /** Where the digits lie. */
  digits: string;
  steps: number;
  seed: number;
  /** What to look at meanwhile; a wish of this form takes its place. */
  look: LookOrder;
}

export interface TrainProgress {
  step: number;
  /** Of the net, and the mean over the heads of its routers. */
  loss: number;
  routerLoss: number;
  /** From time to time. */
  look: Look | undefined;
}
