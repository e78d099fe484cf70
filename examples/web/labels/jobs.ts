/** What the page on labels asks its worker for. */
export type LabelJobs = {
  learn: { order: LearnOrder; progress: LearnProgress; result: LearnResult };
};

export interface LearnOrder {
  /** `[reviews][features]` */
  x: number[][];
  /** `[reviews][rules]`, -1 where a rule abstains. */
  votes: number[][];
  /** Labels that may be looked at to bound the errors of the rules; -1 where not known. Empty: trust the majority. */
  known: number[];
  epochs: number;
  seed: number;
}

export interface LearnProgress {
  epoch: number;
  loss: number;
  /** Of praise, for each review. */
  probabilities: Float32Array;
}

export interface LearnResult {
  epochs: number;
  /** Numbers of the rules whose bounds no labels could meet. */
  broken: number[];
}
