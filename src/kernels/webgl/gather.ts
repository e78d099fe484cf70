import { type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { reshaped } from './backend.js';
import { inPlanes, packedKernel, packedProgram, type Shape3 } from './packed.js';

/** Token `m` of `X`, two channels of it. */
const ROW = `
  vec2 rowAt(int b, int m, int c) {
    vec4 texel = getX(b, m, c);
    return imod(m, 2) == 0 ? texel.xy : texel.zw;
  }`;

/** A function `name(b, k)`: a number of the matrix `Name`, as an integer. */
function integerCode(name: string, matrix: string): string {
  return `
  int ${name}(int b, int k) {
    return int(floor(getChannel(get${matrix}(0, b, k), vec2(b, k)) + 0.5));
  }`;
}

/** `x [B, M, ...]` with one axis of channels. */
function tokensOf(x: TensorInfo): { tokens: TensorInfo; shape: Shape3 } {
  const [batch = 0, count = 0, ...rest] = x.shape;
  const shape: Shape3 = [batch, count, util.sizeFromShape(rest)];
  return { tokens: reshaped(x, shape), shape };
}

/** `LLFTakeTokens`: rows `indices [B, K]` of each sample of `x [B, M, ...]` → `[B, K, ...]`. */
export const takeTokens: KernelFunc = packedKernel(['x', 'indices'], ({ x, indices }, { run }) => {
  const { tokens, shape } = tokensOf(x);
  const [batch = 0, count = 0] = indices.shape;
  const value = 'vec4(rowAt(b, indexAt(b, r), c), rowAt(b, indexAt(b, r + 1), c))';
  const code = ROW + integerCode('indexAt', 'Indices');
  const program = packedProgram(['X', 'Indices'], [batch, count, shape[2]], value, code);
  return [reshaped(run.run(program, [tokens, inPlanes(indices)], x.dtype), [batch, count, ...x.shape.slice(2)])];
});

/**
 * `LLFScatterTokens`: its gradient; `x [B, K, ...]`, `indices [B, K]` → `[B, tokens, ...]`, summed over copies.
 *
 * A first program makes lists: for each token the first of its copies, and for each copy the next one, or -1. The second
 * walks them, which costs what the copies are, not what the tokens are times the copies.
 */
export const scatterTokens: KernelFunc = packedKernel(['x', 'indices'], ({ x, indices }, { run, attrs }) => {
  const { tokens, shape } = tokensOf(x);
  const [batch, copies, channels] = shape;
  const count = Number(attrs['tokens']);
  const links = `${integerCode('indexAt', 'Indices')}
  float linkOf(int b, int j) {
    int token = j < ${count} ? j : indexAt(b, j - ${count});
    for (int k = 0; k < ${copies}; k++) {
      if (k > j - ${count} && indexAt(b, k) == token) return float(k);
    }
    return -1.0;
  }`;
  const four = 'vec4(linkOf(r, c), linkOf(r, c + 1), linkOf(r + 1, c), linkOf(r + 1, c + 1))';
  const list = run.run(packedProgram(['Indices'], [1, batch, count + copies], four, links), [inPlanes(indices)]);
  const sum = `${ROW}${integerCode('linkAt', 'Links')}
  vec2 sumOf(int b, int m, int c) {
    vec2 sum = vec2(0.0);
    int k = linkAt(b, m);
    for (int i = 0; i < ${copies}; i++) {
      if (k < 0) break;
      sum += rowAt(b, k, c);
      k = linkAt(b, ${count} + k);
    }
    return sum;
  }`;
  const value = 'vec4(sumOf(b, r, c), sumOf(b, r + 1, c))';
  const program = packedProgram(['X', 'Links'], [batch, count, channels], value, sum);
  return [reshaped(run.run(program, [tokens, list]), [batch, count, ...x.shape.slice(2)])];
});
