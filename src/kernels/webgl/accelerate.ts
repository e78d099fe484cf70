import { backend as currentBackend, getBackend, ready } from '@tensorflow/tfjs-core';
import { keepsHalfFloats } from '../../ops/half_floats.js';
import { type Acceleration, install } from '../install.js';
import { selfAttention, selfAttentionGrad } from './attention.js';
import { missingInternals } from './backend.js';
import { scatterTokens, takeTokens } from './gather.js';
import { gelu, geluGrad } from './gelu.js';
import { layerNorm, layerNormGrad } from './layer_norm.js';
import { localLaplacian, localLaplacianGrad } from './local_laplacian.js';
import { watchWebgl } from './watch.js';

/**
 * Installs shader programs in the WebGL backend of tfjs: for the local Laplacian filter (three short passes for each level of
 * the pyramid instead of hundreds of operations), and for what transformers are made of: attention, layer normalisation, GELU
 * and the gather of tokens, forward and with gradients. Call it once after `tf.setBackend('webgl')`; a second call returns
 * the first handle. It also makes a lost context an error, as {@link watchWebgl} does.
 *
 * Results are those of the composed operations within float32 rounding. Heads of odd depth and rows of more than 4096 numbers
 * stay with the composed operations. A table as remap function (and so every network) has its gradient summed on the
 * processor, which reads one image for each sample. Where the backend's internals are not those of tfjs 4.22, or the device
 * computes with half floats only, the composed operations stay and the handle's `warning` says why.
 *
 * @throws If the current backend is not `webgl`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { localLaplacian } from 'tfjs-llf';
 * import { accelerateWebgl } from 'tfjs-llf/kernels';
 *
 * if (tf.getBackend() === 'webgl') console.log((await accelerateWebgl()).kernels);
 * console.log(localLaplacian(tf.randomUniform([1, 32, 32, 1])).shape);
 * ```
 */
export async function accelerateWebgl(): Promise<Acceleration> {
  await ready();
  if (getBackend() !== 'webgl')
    throw new Error(
      `accelerateWebgl: backend must be "webgl" (call tf.setBackend('webgl') first), received "${getBackend()}".`,
    );
  const missing = missingInternals(currentBackend());
  const reason = missing
    ? `this version of the WebGL backend differs from 4.22: ${missing} was not found`
    : keepsHalfFloats() && 'this device keeps numbers as half floats, which are too coarse to train with; choose wasm';
  if (reason) return { kernels: [], warning: `The composed operations stay: ${reason}.`, dispose: () => {} };
  watchWebgl();
  return install('webgl', {
    LLFGelu: gelu,
    LLFGeluGrad: geluGrad,
    LLFLayerNorm: layerNorm,
    LLFLayerNormGrad: layerNormGrad,
    LLFLocalLaplacian: localLaplacian,
    LLFLocalLaplacianGrad: localLaplacianGrad,
    LLFScatterTokens: scatterTokens,
    LLFSelfAttention: selfAttention,
    LLFSelfAttentionGrad: selfAttentionGrad,
    LLFTakeTokens: takeTokens,
  });
}
