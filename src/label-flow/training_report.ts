/** A signal that the training could not hold to its bound, or a part of the rows that it could not give its mean. */
export interface BrokenBound {
  /** Place of the signal among the votes of a row, or of the rule among its groups. */
  signal: number;
  /** The class that the bound is for, or the part. */
  class: number;
  /** Error of the signal against the labels that the flow predicts, or the mean that it predicts for the part. */
  error: number;
  /** The error that it should not exceed, or the mean that was given. */
  bound: number;
}

/** What a training of {@link labelFlow} came to. */
export interface LabelFlowReport {
  /** The loss of each epoch. */
  loss: number[];
  /**
   * Bounds that the labels exceed by more than 0.05 after training, or means that they miss by more than 0.05 of the range;
   * the worst first. If there are any, no labels satisfy all signals at once, or training was too short: loosen these
   * bounds, or drop the signal.
   */
  broken: BrokenBound[];
}

const TOLERANCE = 0.05;

/** Those of all numbers that go too far beyond what was given for them, the worst first. */
export function brokenBounds(
  errors: readonly (readonly number[])[],
  bounds: readonly (readonly number[])[],
  excess: (error: number, bound: number) => number,
): BrokenBound[] {
  const beyond = ({ error, bound }: BrokenBound): number => excess(error, bound);
  return errors
    .flatMap((row, signal) =>
      row.map((error, c) => ({ signal, class: c, error, bound: bounds[signal]?.[c] as number })),
    )
    .filter((one) => beyond(one) > TOLERANCE)
    .sort((a, b) => beyond(b) - beyond(a));
}

/** The mean of the labels in each part of each division: `groups [N][M]` names the part of a row, `means` their numbers. */
export function partMeans(
  labels: readonly number[],
  groups: readonly (readonly number[])[],
  means: readonly (readonly number[])[],
): number[][] {
  return means.map((parts, m) =>
    parts.map((_, part) => {
      const own = labels.filter((_, n) => groups[n]?.[m] === part);
      return own.reduce((sum, label) => sum + label / own.length, 0);
    }),
  );
}
