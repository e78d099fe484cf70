import { addN, concat, reshape, slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Remap, RemapGradients } from './remap.js';

/** Parts that an image is taken in where its remap function makes many tensors on the way. */
const STRIPS = 8;

/** Works through the numbers of tensors of one size, part by part, so that what is made on the way is small. */
function inStrips(tensors: readonly Tensor[], remap: Remap, work: (...parts: Tensor[]) => Tensor[]): Tensor[][] {
  if (remap.name === 'gauss') return [work(...tensors)];
  const [{ size }] = tensors as [Tensor];
  const flat = tensors.map((tensor) => reshape(tensor, [size]));
  const step = Math.ceil(size / STRIPS);
  return Array.from({ length: Math.ceil(size / step) }, (_, i) => {
    const count = Math.min(step, size - i * step);
    return tidy(() => work(...flat.map((tensor) => slice(tensor, [i * step], [count]))));
  });
}

/** The strips together again. */
function joined(strips: readonly Tensor[], shape: number[]): Tensor {
  return reshape(strips.length === 1 ? (strips[0] as Tensor) : concat([...strips]), shape);
}

/** m of the details. */
export function remapped(remap: Remap, detail: Tensor, parameters: readonly Tensor[]): Tensor {
  return tidy(() => {
    const strips = inStrips([detail], remap, (part) => [remap.value(part as Tensor, parameters)]);
    return joined(strips.flat(), detail.shape);
  });
}

/** The gradients of a remap function. */
export function remapGradients(
  remap: Remap,
  detail: Tensor,
  dy: Tensor,
  parameters: readonly Tensor[],
): RemapGradients {
  const strips = inStrips([detail, dy], remap, (x, dx) => {
    const found = remap.gradient(x as Tensor, dx as Tensor, parameters);
    return [found.detail, ...found.parameters];
  });
  const details = strips.map(([first]) => first as Tensor);
  const sums = parameters.map((_, i) => addN(strips.map((list) => list[i + 1] as Tensor)));
  return { detail: joined(details, detail.shape), parameters: sums };
}
