import {
  add,
  div,
  keep,
  maximum,
  minimum,
  mul,
  type Scalar,
  scalar,
  sqrt,
  square,
  sum,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { type Json, TrainingCallback } from '../core/callback.js';
import { argumentError, requireNumber } from '../core/checks.js';
import { hookOptimizer, type WeightGradient } from '../core/optimizer_hook.js';

/** Options of {@link GradientClip}: one of the two. */
export interface GradientClipConfig {
  /** Largest Euclidean norm of all gradients together; longer ones are scaled to it. */
  norm?: number;
  /** Largest absolute value of each entry; NaN stays NaN. */
  value?: number;
}

/** What torch adds to the norm before it divides. */
const EPSILON = 1e-6;

/**
 * Euclidean norm of several float32 tensors of any shape taken as one vector; a scalar, 0 for an empty list. Gradients
 * flow (the one at 0 is not finite).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { globalNorm } from 'tfjs-llf';
 *
 * globalNorm([tf.tensor1d([3, 0]), tf.tensor2d([[4]])]).print(); // 5
 * ```
 */
export function globalNorm(tensors: readonly Tensor[]): Scalar {
  return tidy(() => {
    const squares = tensors.map((one) => sum(square(one)));
    return sqrt(squares.reduce<Tensor>((total, one) => add(total, one), scalar(0)));
  }) as Scalar;
}

/**
 * Scales several tensors by one factor so that their global norm is at most `norm`; a shorter list is returned with the
 * same values. float32 tensors of any shape in, the same shapes out; nothing is read back from the device.
 *
 * The factor is `min(1, norm / (globalNorm + 1e-6))`, as in torch's `clip_grad_norm_`. A non-finite gradient makes all
 * of them zero or NaN, as there.
 *
 * @throws If `norm` is not a positive number.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { clipByGlobalNorm } from 'tfjs-llf';
 *
 * const [a, b] = clipByGlobalNorm([tf.tensor1d([3, 0]), tf.tensor1d([4])], 1); // [0.6, 0] and [0.8]
 * ```
 */
export function clipByGlobalNorm(tensors: readonly Tensor[], norm: number): Tensor[] {
  requireNumber('clipByGlobalNorm', 'norm', norm, Number.MIN_VALUE);
  if (tensors.length === 0) return [];
  return tidy(() => scaled(tensors, globalNorm(tensors), norm));
}

function scaled(tensors: readonly Tensor[], length: Scalar, norm: number): Tensor[] {
  // In this order: on WASM minimum(1, NaN) is 1 (see https://github.com/tensorflow/tfjs/issues/4883).
  const factor = minimum(div(norm, add(length, EPSILON)), 1);
  return tensors.map((one) => mul(one, factor));
}

/**
 * A callback that clips the gradients before the optimizer sees them, all together by their global norm or each entry by
 * its value.
 *
 * It acts first in the optimizer step (before a coupled {@link WeightDecay}), in `fit` and `fitDataset`, touches no slot
 * and no weight by itself, and reports the epoch's mean norm before clipping as `gradientClip/norm`. The order among
 * callbacks does not matter, except between two `GradientClip`s. The optimizer is left as it was when training ends or
 * throws.
 *
 * Source: Pascanu et al., "On the difficulty of training recurrent neural networks" (2013), algorithm 1; numbers as
 * torch's `clip_grad_norm_` and `clip_grad_value_`.
 *
 * @throws At construction unless exactly one of `norm` and `value` is given, a positive number.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { GradientClip } from 'tfjs-llf';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
 * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
 * await model.fit(tf.ones([8, 2]), tf.fill([8, 1], 1e6), { verbose: 0, callbacks: [new GradientClip({ norm: 1 })] });
 * ```
 */
export class GradientClip extends TrainingCallback {
  override readonly name = 'gradientClip';
  private readonly norm: number | undefined;
  private readonly value: number | undefined;
  /** Sum of the epoch's norms, on the device. */
  private total: Scalar | undefined;
  private steps = 0;

  constructor({ norm, value }: GradientClipConfig) {
    super();
    const owner = 'GradientClip';
    if ((norm === undefined) === (value === undefined)) {
      throw argumentError(owner, 'norm', 'given if value is not, and only then', norm);
    }
    if (norm !== undefined) requireNumber(owner, 'norm', norm, Number.MIN_VALUE);
    if (value !== undefined) requireNumber(owner, 'value', value, Number.MIN_VALUE);
    this.norm = norm;
    this.value = value;
  }

  override getConfig(): { readonly [key: string]: Json } {
    return { norm: this.norm ?? null, value: this.value ?? null };
  }

  protected override started(): void {
    this.undoLater(() => this.forget());
    this.undoLater(hookOptimizer(this.model.optimizer, this.model, { clip: (gradients) => this.clip(gradients) }));
  }

  protected override epochStarted(): void {
    this.forget();
  }

  protected override async epochEnded(_epoch: number, log: (key: string, value: number) => void): Promise<void> {
    if (!this.total) return;
    const [total] = await this.total.data();
    log('gradientClip/norm', (total as number) / this.steps);
  }

  private clip(gradients: readonly WeightGradient[]): Tensor[] {
    const tensors = gradients.map(({ gradient }) => gradient);
    if (tensors.length === 0) return [];
    const length = globalNorm(tensors);
    this.count(length);
    const { norm, value } = this;
    if (norm !== undefined) return scaled(tensors, length, norm);
    const limit = value as number;
    // On WASM clipByValue turns NaN into the lower limit; these two, in this order, leave it NaN.
    return tensors.map((one) => minimum(maximum(one, -limit), limit));
  }

  private count(length: Scalar): void {
    const total = keep(this.total ? add(this.total, length) : add(length, 0)) as Scalar;
    this.total?.dispose();
    this.total = total;
    this.steps++;
  }

  private forget(): void {
    this.total?.dispose();
    this.total = undefined;
    this.steps = 0;
  }
}
