import {
  abs,
  add,
  cast,
  clipByValue,
  denseBincount,
  div,
  exp,
  floor,
  gather,
  less,
  log,
  maximum,
  mul,
  reshape,
  scalar,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tidy,
  where,
} from '@tensorflow/tfjs-core';

/** Gradients through a remap function. */
export interface RemapGradients {
  readonly detail: Tensor;
  readonly parameters: Tensor[];
}

/** Names of the remap functions of three numbers. */
export const REMAP_FORMS: readonly ('gauss' | 'paris')[] = ['gauss', 'paris'];

/** A remap function m of details d = pixel − local mean, with its derivatives; without a tape. */
export interface Remap {
  /** What the fused kernels call it. */
  readonly name: 'gauss' | 'paris' | 'parisBlended' | 'table' | 'custom';
  /** m(d), number by number. */
  value(detail: Tensor, parameters: readonly Tensor[]): Tensor;
  /** For the gradient of m(d): that of d, and that of each parameter, summed. */
  gradient(detail: Tensor, dy: Tensor, parameters: readonly Tensor[]): RemapGradients;
}

/** The parameters of both functions that are formulas. */
type Three = readonly [sigma: Tensor, alpha: Tensor, beta: Tensor];

/** exp(-40) is the smallest factor worth keeping: products that become denormal cost 4x on WASM. */
const SMALLEST_EXPONENT = -40;

function bell(detail: Tensor, sigma: Tensor): Tensor {
  return tidy(() => exp(maximum(div(square(detail), mul(square(sigma), -2)), SMALLEST_EXPONENT)));
}

/** m(d) = beta d + alpha d exp(-d² / (2 sigma²)), of parameters [sigma, alpha, beta]. */
export const gaussRemap: Remap = {
  name: 'gauss',
  value: (detail, [sigma, alpha, beta]) =>
    mul(detail, add(mul(bell(detail, sigma as Tensor), alpha as Tensor), beta as Tensor)),
  gradient: (detail, dy, parameters) => {
    const [sigma, alpha, beta] = parameters as Three;
    const weight = bell(detail, sigma);
    const ratio = tidy(() => div(square(detail), square(sigma)));
    const slope = (): Tensor => add(mul(mul(weight, sub(1, ratio)), alpha), beta);
    const along = mul(dy, detail);
    const bent = mul(along, weight);
    return {
      detail: tidy(() => mul(dy, slope())),
      parameters: [
        tidy(() => total(mul(bent, ratio), sigma, div(alpha, sigma))),
        total(bent, alpha),
        total(along, beta),
      ],
    };
  },
};

/** The sum of all numbers, times a factor, in the shape of a parameter of one number. */
function total(x: Tensor, parameter: Tensor, factor?: Tensor): Tensor {
  const all = reshape(sum(x), parameter.shape);
  return factor ? mul(all, factor) : all;
}

/** Details below this many intensity units are noise: `alpha` below 1 does not raise them, up to twice as many less. */
const NOISE = 0.01;
/** u^alpha with alpha below 1 has no slope at 0: that of smaller details is taken here. */
const SMALLEST_SLOPE_AT = 1e-6;
/** The logarithm of a smaller detail may not be finite. */
const SMALLEST_DETAIL = 1e-30;

/** Numbers of size 1, or 0, with the signs of others. On WASM tfjs's own `sign` takes all below 1e-7 for 0. */
export function signOf(x: Tensor): Tensor {
  return tidy(() => div(x, maximum(abs(x), SMALLEST_DETAIL)));
}

interface ParisParts {
  readonly size: Tensor;
  readonly isDetail: Tensor;
  /** |d| / sigma. */
  readonly share: Tensor;
  /** share^alpha, and by how much it exceeds the share. */
  readonly power: Tensor;
  readonly excess: Tensor;
  /** How much of the excess the blend leaves, 1 without one, and the slope of that by the detail. */
  readonly tau: Tensor | number;
  readonly slope: Tensor | number;
}

function parisParts(detail: Tensor, [sigma, alpha]: Three, isBlended: boolean, smallest: number): ParisParts {
  return tidy(() => {
    const size = abs(detail);
    const share = div(maximum(size, smallest), sigma);
    const power = exp(mul(alpha, log(share)));
    const parts = { size, isDetail: less(size, sigma), share, power, excess: sub(power, share) };
    if (!isBlended) return { ...parts, tau: 1, slope: 0 };
    const ramp = clipByValue(div(sub(size, NOISE), NOISE), 0, 1);
    const root = mul(ramp, sub(2, ramp));
    // Only an alpha below 1 raises noise; there the blend is part of the function.
    const raises = less(alpha, 1);
    const slope = where(raises, mul(mul(root, sub(1, ramp)), 4 / NOISE), 0);
    return { ...parts, tau: where(raises, square(root), 1), slope };
  });
}

/**
 * The remap function of Paris et al., of parameters [sigma, alpha, beta]: below sigma sgn(d) sigma (|d| / sigma)^alpha,
 * beyond sgn(d) (sigma + beta (|d| - sigma)).
 */
export function parisRemap(isBlended: boolean): Remap {
  return {
    name: isBlended ? 'parisBlended' : 'paris',
    value: (detail, parameters) => {
      const [sigma, , beta] = parameters as Three;
      const { size, isDetail, share, excess, tau } = parisParts(
        detail,
        parameters as Three,
        isBlended,
        SMALLEST_DETAIL,
      );
      const edge = add(mul(sub(size, sigma), beta), sigma);
      return mul(signOf(detail), where(isDetail, mul(add(share, mul(excess, tau)), sigma), edge));
    },
    gradient: (detail, dy, parameters) => {
      const [sigma, alpha, beta] = parameters as Three;
      const { size, isDetail, share, power, excess, tau, slope } = parisParts(
        detail,
        parameters as Three,
        isBlended,
        SMALLEST_SLOPE_AT,
      );
      // By the share; the blend depends on the detail itself, not on the share.
      const rate = tidy(() => add(1, mul(sub(mul(div(power, share), alpha), 1), tau)));
      const inside = tidy(() => where(isDetail, mul(dy, signOf(detail)), 0));
      const outside = tidy(() => sub(mul(dy, signOf(detail)), inside));
      const bySigma = (): Tensor => {
        const gap = sub(add(share, mul(excess, tau)), mul(share, rate));
        return add(mul(inside, gap), mul(outside, sub(1, beta)));
      };
      return {
        detail: tidy(() => mul(dy, where(isDetail, add(rate, mul(mul(excess, slope), sigma)), beta))),
        parameters: [
          tidy(() => total(bySigma(), sigma)),
          tidy(() => total(mul(inside, mul(mul(mul(power, log(share)), sigma), tau)), alpha)),
          tidy(() => total(mul(outside, sub(size, sigma)), beta)),
        ],
      };
    },
  };
}

interface Cells {
  readonly cell: Tensor;
  /** From the left end of the cell, in its widths; beyond [0, 1] where the table is continued. */
  readonly place: Tensor;
}

/** The entries to the left of places in a table, by the numbers of their cells, and how far it rises from there to the right. */
export function cellEnds(table: Tensor, cell: Tensor): [left: Tensor, rise: Tensor] {
  const left = gather(table, cell);
  return [left, sub(gather(table, add(cell, scalar(1, 'int32'))), left)];
}

/** A table of one function over the details in `[-span, span]`, straight between its nodes and beyond its ends. */
export function tableRemap(span: number): Remap {
  const cells = (detail: Tensor, nodes: number): Cells => {
    const at = mul(add(reshape(detail, [-1]), span), (nodes - 1) / (2 * span));
    const cell = clipByValue(floor(at), 0, nodes - 2);
    return { cell: cast(cell, 'int32'), place: sub(at, cell) };
  };
  return {
    name: 'table',
    value: (detail, [table]) => {
      const nodes = reshape(table as Tensor, [-1]);
      const { cell, place } = cells(detail, nodes.size);
      const [left, rise] = cellEnds(nodes, cell);
      return reshape(add(left, mul(rise, place)), detail.shape);
    },
    gradient: (detail, dy, [table]) => {
      const nodes = reshape(table as Tensor, [-1]);
      const { cell, place } = cells(detail, nodes.size);
      const slope = mul(cellEnds(nodes, cell)[1], (nodes.size - 1) / (2 * span));
      const flat = reshape(dy, [-1]);
      const toRight = mul(flat, place);
      const bins = (places: Tensor, weights: Tensor): Tensor =>
        denseBincount(places as Tensor1D, weights as Tensor1D, nodes.size);
      return {
        detail: reshape(mul(flat, slope), detail.shape),
        parameters: [
          reshape(
            add(bins(cell, sub(flat, toRight)), bins(add(cell, scalar(1, 'int32')), toRight)),
            (table as Tensor).shape,
          ),
        ],
      };
    },
  };
}
