import { decode, type Recorded } from '../cropr/golden.js';

/** A recorded table with its splits and signals. */
export interface Table {
  d: number;
  X: Recorded;
  y_int: Recorded;
  splits: {
    seed: number;
    simulation_idx: Recorded;
    train_idx: Recorded;
    test_idx: Recorded;
    signals: { feature: number; coef: number; intercept: number; train_error_bound: number; train_acc: number }[];
  }[];
}

/** One split of a table, scaled as the authors do: by the rows that are not for the test. */
export interface Split {
  simulation: { x: number[][]; y: number[] };
  train: { x: number[][]; y: number[] };
  test: { x: number[][]; y: number[] };
  /** Soft votes of the recorded signals on the rows for training, and their recorded bounds. */
  votes: number[][][];
  bounds: number[];
}

export function splitOf(table: Table, seed: number): Split {
  const split = table.splits.find((one) => one.seed === seed);
  if (!split) throw new Error(`The table has no split ${seed}.`);
  const [values, labels] = [Array.from(decode(table.X).values), Array.from(decode(table.y_int).values)];
  const rows = ({ int32 = [] }: Recorded): number[] => int32;
  const row = (n: number): number[] => values.slice(n * table.d, (n + 1) * table.d);
  const known = [...rows(split.simulation_idx), ...rows(split.train_idx)].map(row);
  const mean = row(0).map((_, f) => known.reduce((sum, one) => sum + (one[f] as number) / known.length, 0));
  const deviation = mean.map((m, f) =>
    Math.sqrt(known.reduce((sum, one) => sum + ((one[f] as number) - m) ** 2 / known.length, 0)),
  );
  const scaled = (n: number): number[] =>
    row(n).map((value, f) => (value - (mean[f] as number)) / ((deviation[f] as number) || 1));
  const part = (index: Recorded) => ({ x: rows(index).map(scaled), y: rows(index).map((n) => labels[n] as number) });
  const train = part(split.train_idx);
  const votes = train.x.map((features) =>
    split.signals.map(({ feature, coef, intercept }) => {
      const positive = 1 / (1 + Math.exp(-(coef * (features[feature] as number) + intercept)));
      return [1 - positive, positive];
    }),
  );
  return {
    simulation: part(split.simulation_idx),
    train,
    test: part(split.test_idx),
    votes,
    bounds: split.signals.map(({ train_error_bound }) => train_error_bound),
  };
}

/** Share of equal entries. */
export function accuracy(predicted: ArrayLike<number>, truth: readonly number[]): number {
  return truth.filter((label, n) => predicted[n] === label).length / truth.length;
}
