import { backend_util, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';

/**
 * Complex tensors, which the WASM backend of tfjs does not have: real and imaginary parts by turns, as float32 values of
 * shape `[..., 2]` to the backend, which so reads and frees them by itself.
 */
export function writeComplex(backend: KernelBackend, values: Float32Array, shape: readonly number[]): TensorInfo {
  return { dataId: backend.write(values, [...shape, 2], 'float32'), shape: [...shape], dtype: 'complex64' };
}

/** Joins two float32 tensors. */
export function joinParts(backend: KernelBackend, real: TensorInfo, imag: TensorInfo): TensorInfo {
  const values = backend_util.mergeRealAndImagArrays(floats(backend, real), floats(backend, imag));
  return writeComplex(backend, values, real.shape);
}

/** The real or the imaginary part of a complex tensor, as a float32 one. */
export function partOf(backend: KernelBackend, complex: TensorInfo, part: 'real' | 'imag'): TensorInfo {
  const values = backend_util.splitRealAndImagArrays(floats(backend, complex))[part];
  return { dataId: backend.write(values, complex.shape, 'float32'), shape: complex.shape, dtype: 'float32' };
}

function floats(backend: KernelBackend, { dataId }: TensorInfo): Float32Array {
  return backend.readSync(dataId) as Float32Array;
}
