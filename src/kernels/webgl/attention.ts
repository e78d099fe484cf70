import type { KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { inPlanes, loopCode, packedKernel, packedProgram, type Shape3 } from './packed.js';

/** What the shaders of one attention share. */
interface Heads {
  readonly batch: number;
  readonly heads: number;
  readonly tokens: number;
  /** Channels of one head. */
  readonly depth: number;
  /** Channels of all heads. */
  readonly width: number;
  /** `[batch · heads, tokens, tokens]` */
  readonly square: Shape3;
}

/** Nothing for a head of odd depth: its channels do not begin at a texel. */
function headsOf(qkv: TensorInfo, attrs: NamedAttrMap): Heads | undefined {
  const [batch = 0, tokens = 0, packed = 0] = qkv.shape;
  const heads = Number(attrs['heads']);
  const width = packed / 3;
  const depth = width / heads;
  if (depth % 2 === 1) return undefined;
  return { batch, heads, tokens, depth, width, square: [batch * heads, tokens, tokens] };
}

/** Where head `b` of all images lies: its `image` and the channel that it begins `from`. */
function placeCode({ heads, depth }: Heads): string {
  return `
    int image = b / ${heads};
    int from = (b - image * ${heads}) * ${depth};`;
}

/** The products of rows `r` of `left` with rows `c` of `right`, both at channel `i`, added to `sum`. */
const ROWS_BY_ROWS = 'sum += left.xxzz * right.xzxz; sum += left.yyww * right.ywyw;';
/** Of rows with columns. */
const ROWS_BY_COLUMNS = 'sum += left.xxzz * right.xyxy; sum += left.yyww * right.zwzw;';
/** Of columns with columns. */
const COLUMNS_BY_COLUMNS = 'sum += left.xxyy * right.xyxy; sum += left.zzww * right.zwzw;';

/** A sum over all tokens `i`, in pairs. */
function overTokens({ tokens }: Heads, left: string, right: string, product: string): string {
  return loopCode(tokens, `vec4 left = ${left}; vec4 right = ${right};`, 'right.zw = vec2(0.0);', product);
}

/** `softmax(query · key / sqrt(depth) + bias)`, `[batch · heads, tokens, tokens]`, in three programs. */
function weightsCode(of: Heads, hasBias: boolean): { logits: string; statistics: string } {
  const { depth, width, tokens } = of;
  const bias = `
    vec4 bias = getBias(0, image, c);
    sum += (imod(image, 2) == 0 ? bias.xy : bias.zw).xyxy;`;
  return {
    logits: `
  vec4 logitsOf(int b, int r, int c) {${placeCode(of)}
    vec4 sum = vec4(0.0);
    for (int i = 0; i < ${depth}; i += 2) {
      vec4 left = getQkv(image, r, from + i);
      vec4 right = getQkv(image, c, ${width} + from + i);
      ${ROWS_BY_ROWS}
    }
    sum *= ${(depth ** -0.5).toExponential()};${hasBias ? bias : ''}
    return sum;
  }`,
    statistics: `
  vec4 statisticsOf(int b, int r) {
    vec2 highest = getLogits(b, r, 0).xz;
    ${loopCode(tokens, 'vec4 row = getLogits(b, r, i);', 'row.yw = row.xz;', 'highest = max(highest, max(row.xz, row.yw));')}
    vec2 sum = vec2(0.0);
    ${loopCode(tokens, 'vec4 row = exp(getLogits(b, r, i) - highest.xxyy);', 'row.yw = vec2(0.0);', 'sum += row.xz + row.yw;')}
    return vec4(highest, 1.0 / sum).xzyw;
  }`,
  };
}

/**
 * `LLFSelfAttention`: `qkv [B, M, 3D]`, maybe `bias [B, M]`, attribute `heads` → context `[B, M, D]`, and what the gradient
 * needs: the softmax `[B·heads, M, M]`. Heads are read where they lie in `qkv`, and written where they belong.
 */
export const selfAttention: KernelFunc = packedKernel(['qkv'], ({ qkv }, { run, attrs, inputs: { bias } }) => {
  const of = headsOf(qkv, attrs);
  if (!of) return undefined;
  const { batch, heads, tokens, depth, width, square } = of;
  const code = weightsCode(of, bias !== undefined);
  const logits = run.run(packedProgram(['Qkv', ...(bias ? ['Bias'] : [])], square, 'logitsOf(b, r, c)', code.logits), [
    qkv,
    ...(bias ? [inPlanes(bias)] : []),
  ]);
  const statistics = run.run(packedProgram(['Logits'], [square[0], tokens, 2], 'statisticsOf(b, r)', code.statistics), [
    logits,
  ]);
  const share = 'exp(getLogits(b, r, c) - getStatistics(b, r, 0).xxzz) * getStatistics(b, r, 0).yyww';
  const weights = run.run(packedProgram(['Logits', 'Statistics'], square, share), [logits, statistics]);
  const mixed = `
  vec4 contextOf(int b, int r, int c) {
    int plane = b * ${heads} + c / ${depth};
    vec4 sum = vec4(0.0);
    ${overTokens(of, 'getWeights(plane, r, i)', `getQkv(b, i, ${2 * width} + c)`, ROWS_BY_COLUMNS)}
    return sum;
  }`;
  const context = packedProgram(['Weights', 'Qkv'], [batch, tokens, width], 'contextOf(b, r, c)', mixed);
  return [run.run(context, [weights, qkv]), weights];
});

/** `LLFSelfAttentionGrad`: what `LLFSelfAttention` takes and returns, and the gradient `dy` of the context → that of `qkv`. */
export const selfAttentionGrad: KernelFunc = packedKernel(
  ['qkv', 'context', 'statistics', 'dy'],
  ({ qkv, context, statistics: weights, dy }, { run, attrs }) => {
    const of = headsOf(qkv, attrs);
    if (!of) return undefined;
    const { batch, heads, tokens, depth, width, square } = of;
    // The mean of a row's gradients, by its weights, is the product of context and dy.
    const dLogits = run.run(
      packedProgram(
        ['Qkv', 'Context', 'Weights', 'Dy'],
        square,
        'gradientOf(b, r, c)',
        `
  vec4 gradientOf(int b, int r, int c) {${placeCode(of)}
    vec4 sum = vec4(0.0);
    vec2 average = vec2(0.0);
    for (int i = 0; i < ${depth}; i += 2) {
      vec4 left = getDy(image, r, from + i);
      vec4 right = getQkv(image, c, ${2 * width} + from + i);
      ${ROWS_BY_ROWS}
      vec4 product = left * getContext(image, r, from + i);
      average += product.xz + product.yw;
    }
    return getWeights(b, r, c) * (sum - average.xxyy) * ${(depth ** -0.5).toExponential()};
  }`,
      ),
      [qkv, context, weights, dy],
    );
    const gradient = packedProgram(
      ['Qkv', 'Weights', 'Dy', 'DLogits'],
      [batch, tokens, 3 * width],
      'gradientOf(b, r, c)',
      `
  vec4 gradientOf(int b, int r, int c) {
    int part = c / ${width};
    int at = c - part * ${width};
    int plane = b * ${heads} + at / ${depth};
    vec4 sum = vec4(0.0);
    if (part == 0) {${overTokens(of, 'getDLogits(plane, r, i)', `getQkv(b, i, ${width} + at)`, ROWS_BY_COLUMNS)}
    } else if (part == 1) {${overTokens(of, 'getDLogits(plane, i, r)', 'getQkv(b, i, at)', COLUMNS_BY_COLUMNS)}
    } else {${overTokens(of, 'getWeights(plane, i, r)', 'getDy(b, i, at)', COLUMNS_BY_COLUMNS)}
    }
    return sum;
  }`,
    );
    return [run.run(gradient, [qkv, weights, dy, dLogits])];
  },
);
