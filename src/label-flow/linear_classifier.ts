import type { Matrix } from './features.js';

/** Adam's numbers for a problem as small as this. */
const RATE = 0.05;
const STEPS = 500;

/** Softmax regression in plain numbers: weights `[F + 1, C]`, the bias last. */
export class LinearClassifier {
  readonly weights: Float64Array;
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private step = 0;

  constructor(
    private readonly x: Matrix,
    private readonly classes: number,
  ) {
    const size = (x.columns + 1) * classes;
    [this.weights, this.first, this.second] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  }

  /** Probabilities `[rows, C]` of its rows. */
  probabilities(): Float64Array {
    const { x, classes, weights } = this;
    const all = new Float64Array(x.rows * classes);
    for (let n = 0; n < x.rows; n++) {
      let total = 0;
      for (let c = 0; c < classes; c++) {
        let logit = weights[x.columns * classes + c] as number;
        for (let f = 0; f < x.columns; f++) {
          logit += (x.values[n * x.columns + f] as number) * (weights[f * classes + c] as number);
        }
        const share = Math.exp(Math.max(-50, Math.min(50, logit)));
        all[n * classes + c] = share;
        total += share;
      }
      for (let c = 0; c < classes; c++) all[n * classes + c] = (all[n * classes + c] as number) / total;
    }
    return all;
  }

  /**
   * One step against the gradient for the probabilities `[rows, C]`, and `l2` times the weights; the bias is free of that.
   */
  descend(gradient: ArrayLike<number>, probabilities: ArrayLike<number>, l2: number): void {
    const { x, classes, weights } = this;
    const total = new Float64Array(weights.length);
    for (let i = 0; i < x.columns * classes; i++) total[i] = l2 * (weights[i] as number);
    for (let n = 0; n < x.rows; n++) {
      let mean = 0;
      for (let c = 0; c < classes; c++) mean += at(gradient, n * classes + c) * at(probabilities, n * classes + c);
      for (let c = 0; c < classes; c++) {
        const slope = at(probabilities, n * classes + c) * (at(gradient, n * classes + c) - mean);
        for (let f = 0; f <= x.columns; f++) {
          const value = f < x.columns ? at(x.values, n * x.columns + f) : 1;
          total[f * classes + c] = at(total, f * classes + c) + slope * value;
        }
      }
    }
    this.adam(total);
  }

  private adam(gradient: Float64Array): void {
    const { weights, first, second } = this;
    this.step++;
    gradient.forEach((slope, i) => {
      first[i] = 0.9 * at(first, i) + 0.1 * slope;
      second[i] = 0.999 * at(second, i) + 0.001 * slope * slope;
      const [mean, square] = [at(first, i) / (1 - 0.9 ** this.step), at(second, i) / (1 - 0.999 ** this.step)];
      weights[i] = at(weights, i) - (RATE * mean) / (Math.sqrt(square) + 1e-8);
    });
  }

  /** Fits soft labels `[rows, C]` by cross-entropy, with sklearn's penalty at strength 1. */
  fit(labels: ArrayLike<number>): this {
    const { rows } = this.x;
    for (let i = 0; i < STEPS; i++) {
      const probabilities = this.probabilities();
      const gradient = probabilities.map((share, k) => -at(labels, k) / (share * rows));
      this.descend(gradient, probabilities, 1 / rows);
    }
    return this;
  }
}

function at(values: ArrayLike<number>, place: number): number {
  return values[place] as number;
}
