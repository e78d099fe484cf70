import type { LayersModel } from '@tensorflow/tfjs-layers';
import { requireInteger } from '../core/checks.js';
import { resetOptimizer } from '../core/optimizer_state.js';
import { resolveSeed } from '../core/random.js';
import { asOperation, type ForgetFunction, ForgetSession } from './forget_session.js';
import type { ForgetOperation } from './operation.js';

/** Options of {@link startForgetting}. */
export interface StartForgettingOptions {
  /** The optimizer of the loop: masks that hold act in its steps. */
  optimizer: LayersModel['optimizer'];
  /** Number of generations in all. */
  generations: number;
  /** Seed of what is drawn. Default: a fresh one. */
  seed?: number;
}

/** A model that forgets, in a loop of your own. */
export interface Forgetting {
  /** Forgets, at the start of a generation from 1 on; the optimizer forgets too where the operation says so. */
  forget: (generation: number) => Promise<void>;
  /** Lets go of the optimizer and of masks. */
  end: () => void;
}

/**
 * The operations of {@link ForgetRelearn} in a custom training loop: call it before the first step, `forget` at the start
 * of each later generation, `end` at last.
 *
 * It reads and writes the model's weights, in float32, and hooks into `optimizer.applyGradients` until `end`.
 *
 * Source: Zhou et al., "Fortuitous Forgetting in Connectionist Networks" (2022).
 *
 * @throws If the operation does not fit the model, or is none.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { iterativeMagnitudePruning, startForgetting } from 'tfjs-llf';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [2] })] });
 * const optimizer = tf.train.adam(0.01);
 * const operation = iterativeMagnitudePruning({ keep: 0.8 });
 * const { forget, end } = await startForgetting(model, operation, { optimizer, generations: 3 });
 * for (let generation = 0; generation < 3; generation++) {
 *   if (generation > 0) await forget(generation);
 *   optimizer.minimize(() => tf.mean(tf.square(model.apply(tf.ones([8, 2])) as tf.Tensor)));
 * }
 * end();
 * ```
 */
export async function startForgetting(
  model: LayersModel,
  operation: ForgetOperation | ForgetFunction,
  { optimizer, generations, seed }: StartForgettingOptions,
): Promise<Forgetting> {
  const owner = 'startForgetting';
  const checked = asOperation(owner, operation);
  checked.check?.(model);
  const session = new ForgetSession(model, checked, { seed: resolveSeed(seed, owner), generations });
  await session.begin();
  return {
    forget: async (generation) => {
      await session.forget(requireInteger(owner, 'generation', generation, 1));
      if (checked.resetOptimizer) resetOptimizer(optimizer);
    },
    end: session.hook(optimizer),
  };
}
