import {
  add,
  cast,
  clone,
  isFinite as isFiniteOf,
  keep,
  logicalNot,
  mul,
  type Scalar,
  scalar,
  sum,
  type Tensor,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { TrainingCallback } from '../core/callback.js';
import { hookOptimizer, type WeightGradient } from '../core/optimizer_hook.js';

/** Whether all numbers of all tensors are finite, as a scalar on the device. */
function allFinite(tensors: readonly Tensor[]): Tensor {
  // 0 x is 0 unless x is not finite.
  return isFiniteOf(tensors.reduce<Tensor>((total, tensor) => add(total, sum(mul(tensor, 0))), scalar(0)));
}

/**
 * A callback that leaves out the steps whose gradients are not all finite, as a batch with a broken pixel gives them: no
 * weight moves, none becomes NaN.
 *
 * The optimizer sees gradients of zero in such a step, so that its momenta fall as in any other; nothing is read back from
 * the device during training. It acts in `fit` and `fitDataset`, reports the steps of the epoch that were left out as
 * `skipNonFinite/skipped`, and leaves the optimizer as it was when training ends or throws. Its place among callbacks
 * makes no difference.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { SkipNonFinite, TrainableLLF } from 'tfjs-llf';
 *
 * const model = tf.sequential({ layers: [new TrainableLLF({ samples: 8, levels: 3, inputShape: [8, 8, 1] })] });
 * model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanSquaredError' });
 * const broken = tf.fill([1, 8, 8, 1], NaN);
 * const { history } = await model.fit(broken, broken, { verbose: 0, callbacks: [new SkipNonFinite()] });
 * if (history['skipNonFinite/skipped'][0] !== 1) throw new Error('one step was left out');
 * ```
 */
export class SkipNonFinite extends TrainingCallback {
  override readonly name = 'skipNonFinite';
  /** Steps of the epoch that were left out, on the device. */
  private skipped: Scalar | undefined;
  /** Whether the step under way has finite gradients, and the weights before it. */
  private sound: Tensor | undefined;
  private before = new Map<string, Tensor>();

  override getConfig(): Record<string, never> {
    return {};
  }

  protected override started(): void {
    this.undoLater(() => this.forget());
    this.undoLater(
      hookOptimizer(this.model.optimizer, this.model, {
        clip: (gradients) => this.clip(gradients),
        finish: ({ variable }, updated) => {
          const before = this.before.get(variable.name);
          return before && this.sound ? where(this.sound, updated, before) : updated;
        },
      }),
    );
  }

  protected override epochStarted(): void {
    this.forget();
    this.skipped = keep(scalar(0));
  }

  protected override async epochEnded(_epoch: number, log: (key: string, value: number) => void): Promise<void> {
    const [skipped = 0] = (await this.skipped?.data()) ?? [];
    log('skipNonFinite/skipped', skipped);
  }

  private clip(gradients: readonly WeightGradient[]): Tensor[] {
    const sound = allFinite(gradients.map(({ gradient }) => gradient));
    this.sound = sound;
    this.before = new Map(gradients.map(({ weight }) => [weight.variable.name, clone(weight.variable)]));
    const count = keep(add(this.skipped ?? scalar(0), cast(logicalNot(sound), 'float32'))) as Scalar;
    this.skipped?.dispose();
    this.skipped = count;
    return gradients.map(({ gradient }) => where(sound, gradient, zerosLike(gradient)));
  }

  private forget(): void {
    this.skipped?.dispose();
    this.skipped = undefined;
    this.sound = undefined;
    this.before.clear();
  }
}
