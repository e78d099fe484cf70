import {
  add,
  concat,
  onesLike,
  reshape,
  slice,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { argumentError, requireShape } from '../core/checks.js';

/**
 * Packs weak signals into targets that `fit` takes, for {@link labelFlowLoss}.
 *
 * `signals [N, L, C]` float32 in [0, 1]: the probability by signal l that row n is of class c. `mask [N, L, C]` or `[N, L,
 * 1]`: 0 where the signal abstains, 1 elsewhere (default). Returns `[N, 2 · L · C]`; no gradients.
 *
 * @throws If the shapes do not fit each other.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { packSignals } from 'tfjs-llf';
 *
 * const signals = tf.tensor3d([[[0.1, 0.9], [0.3, 0.7]]]); // one row, two signals, two classes
 * const targets = packSignals(signals);
 * if (targets.shape.join() !== '1,8') throw new Error('signals and mask');
 * ```
 */
export function packSignals(signals: Tensor3D, mask?: Tensor3D): Tensor2D {
  const owner = 'packSignals';
  const [rows, count, classes] = requireShape(owner, 'signals', signals.shape, [
    'rows',
    'signals',
    'classes',
  ]) as number[];
  if (mask)
    requireShape(owner, 'mask', mask.shape, [
      rows as number,
      count as number,
      mask.shape[2] === 1 ? 1 : (classes as number),
    ]);
  return tidy(() => {
    const whole = mask ? add(zerosLike(signals), mask) : onesLike(signals);
    return reshape(concat([signals, whole], 1), [rows as number, -1]);
  });
}

/** Signals and mask `[B, L, C]` out of packed targets, for C classes. */
export function unpackSignals(packed: Tensor, classes: number): [signals: Tensor, mask: Tensor] {
  const [batch = 0, width = 0] = packed.shape;
  const count = width / (2 * classes);
  if (!Number.isInteger(count)) {
    throw argumentError('labelFlowLoss', 'targets', `packed signals of ${classes} classes`, packed.shape);
  }
  const both = reshape(packed, [batch, 2 * count, classes]);
  return [slice(both, [0, 0, 0], [batch, count, classes]), slice(both, [0, count, 0], [batch, count, classes])];
}
