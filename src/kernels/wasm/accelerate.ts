import {
  backend as currentBackend,
  findBackend,
  getBackend,
  getGradient,
  ready,
  registerGradient,
  unregisterGradient,
} from '@tensorflow/tfjs-core';
import { attentionKernels } from './attention_kernels.js';
import { missingInternals } from './backend.js';
import { batchNormKernels } from './batch_norm_kernels.js';
import { convKernels } from './conv_kernels.js';
import { borrowCpuKernels } from './cpu_kernels.js';
import { depthwiseKernels } from './depthwise_kernels.js';
import { einsumKernels } from './einsum_kernels.js';
import { gatherKernels } from './gather_kernels.js';
import { hostOf, releaseHost } from './host.js';
import { currentKernel, putKernel, type WasmKernel } from './kernel.js';
import { localLaplacianKernels } from './local_laplacian_kernels.js';
import { matmulKernels } from './matmul_kernels.js';
import { type Simd, supportedSimd, unpackKernels } from './module.js';
import { normKernels } from './norm_kernels.js';
import { optimizerKernels } from './optimizer_kernels.js';
import { accelerateOptimizers } from './optimizers.js';
import { pointwiseKernels } from './pointwise_kernels.js';
import { reduceKernels } from './reduce_kernels.js';
import { rotaryKernels } from './rotary_kernels.js';
import { sliceKernels } from './slice_kernels.js';
import { softmaxKernels } from './softmax_kernels.js';
import { freeFailedTapes } from './tape.js';
import { tileKernels } from './tile_kernels.js';
import { topkKernels } from './topk_kernels.js';
import { transposeKernels } from './transpose_kernels.js';

const KERNELS: readonly WasmKernel[] = [
  ...batchNormKernels,
  ...convKernels,
  ...depthwiseKernels,
  ...einsumKernels,
  ...gatherKernels,
  ...localLaplacianKernels,
  ...matmulKernels,
  ...normKernels,
  ...optimizerKernels,
  ...pointwiseKernels,
  ...reduceKernels,
  ...rotaryKernels,
  ...sliceKernels,
  ...softmaxKernels,
  ...attentionKernels,
  ...tileKernels,
  ...topkKernels,
  ...transposeKernels,
];

/** What {@link accelerateWasm} did, and how to take it back. */
export interface WasmAcceleration {
  /** Names of the kernels that are installed; empty if none could be. */
  readonly kernels: readonly string[];
  /** Instructions in use: plain SIMD, or relaxed SIMD with its fused multiply-add. Undefined if no kernel could be installed. */
  readonly simd: Simd | undefined;
  /** Why nothing was installed, in one sentence; empty if all is well. */
  readonly warning: string;
  /** Puts the stock kernels back. A second call does nothing. */
  dispose(): void;
}

let installed: WasmAcceleration | undefined;

/**
 * Installs fast kernels in the WASM backend of tfjs, and those that it lacks for training, for every tfjs model in the
 * program. Call it once after `tf.setBackend('wasm')`; a second call returns the first handle.
 *
 * The kernels work in the backend's own memory, on float32; other dtypes go to the stock kernels. What those cannot either
 * (complex numbers, products of integers, ragged tensors, ...) the cpu backend computes, where the program has it, slowly, on
 * copies; `@tensorflow/tfjs` brings it along. Where the backend's internals are not those of tfjs 4.22, or SIMD or a page's
 * content security policy is missing, the stock kernels stay and the handle's `warning` says why.
 *
 * Where memory ends, an operation throws and says how many bytes it wanted; its tensors are freed, and others stay as they
 * are. That goes for stock kernels too, as far as they take memory for their outputs.
 *
 * @throws If the current backend is not `wasm`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import '@tensorflow/tfjs-backend-wasm';
 * import { accelerateWasm } from 'tfjs-llf/wasm';
 *
 * await tf.setBackend('wasm');
 * const handle = await accelerateWasm();
 * console.log(handle.simd, handle.kernels, handle.warning);
 * handle.dispose();
 * ```
 */
export async function accelerateWasm(): Promise<WasmAcceleration> {
  await ready();
  if (getBackend() !== 'wasm')
    throw new Error(
      `accelerateWasm: backend must be "wasm" (call tf.setBackend('wasm') first), received "${getBackend()}".`,
    );
  try {
    await unpackKernels();
  } catch (failure) {
    return stay(`the kernels could not be unpacked (${(failure as Error).message})`);
  }
  return installed ?? install();
}

function install(): WasmAcceleration {
  const simd = supportedSimd();
  if (!simd) return stay('this machine runs no WASM SIMD');
  const backend = currentBackend();
  const missing = missingInternals(backend);
  if (missing) return stay(`this version of the WASM backend differs from 4.22: ${missing} was not found`);
  try {
    hostOf(backend, simd);
  } catch (failure) {
    return stay(`the kernels could not be compiled (${(failure as Error).message})`);
  }
  const undo = [
    freeFailedTapes(),
    accelerateOptimizers(),
    // Below the kernels, so that it gets only what they leave.
    borrowCpuKernels(),
    ...KERNELS.map((kernel) => replace(kernel, simd)),
  ];
  const handle: WasmAcceleration = {
    kernels: KERNELS.map(({ name }) => name),
    simd,
    warning: '',
    dispose: () => {
      if (installed !== handle) return;
      installed = undefined;
      for (const one of undo.reverse()) one();
      const last = findBackend('wasm');
      if (last) releaseHost(last);
    },
  };
  installed = handle;
  return handle;
}

function stay(reason: string): WasmAcceleration {
  return { kernels: [], simd: undefined, warning: `The stock kernels stay: ${reason}.`, dispose: () => {} };
}

/** Puts a kernel in the place of the stock one, if there is one; the returned function puts that back. */
function replace({ name, run, gradient }: WasmKernel, simd: Simd): () => void {
  const stock = currentKernel(name);
  const putBack = putKernel(name, (call) => {
    const { inputs, attrs = {}, backend } = call;
    const host = hostOf(backend, simd);
    const output = host?.run(() => run({ inputs, attrs, host }));
    if (output !== undefined) return output;
    if (stock) return stock.kernelFunc(call);
    throw new Error(`accelerateWasm: ${name} must be given float32 tensors, received others.`);
  });
  const isNew = gradient !== undefined && getGradient(name) === undefined;
  if (isNew) registerGradient({ kernelName: name, saveAllInputs: true, gradFunc: gradient });
  return () => {
    if (isNew && getGradient(name)?.gradFunc === gradient) unregisterGradient(name);
    putBack();
  };
}
