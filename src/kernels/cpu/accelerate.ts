import { getBackend, ready } from '@tensorflow/tfjs-core';
import { type Acceleration, install } from '../install.js';
import { localLaplacianKernels } from './local_laplacian.js';

/**
 * Installs plain loops in the cpu backend of tfjs, for the local Laplacian filter: what hundreds of operations with an image
 * between each two did, forward and with gradients. Call it once after `tf.setBackend('cpu')`; a second call returns the
 * first handle.
 *
 * Results are those of the composed operations within float32 rounding.
 *
 * @throws If the current backend is not `cpu`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { localLaplacian } from 'tfjs-llf';
 * import { accelerateCpu } from 'tfjs-llf/kernels';
 *
 * await tf.setBackend('cpu');
 * const handle = await accelerateCpu();
 * console.log(handle.kernels, localLaplacian(tf.randomUniform([1, 64, 64, 1])).shape);
 * handle.dispose();
 * ```
 */
export async function accelerateCpu(): Promise<Acceleration> {
  await ready();
  if (getBackend() !== 'cpu')
    throw new Error(
      `accelerateCpu: backend must be "cpu" (call tf.setBackend('cpu') first), received "${getBackend()}".`,
    );
  return install('cpu', localLaplacianKernels);
}
