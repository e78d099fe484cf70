import {
  abs,
  add,
  clipByValue,
  dispose,
  engine,
  floor,
  fused,
  greaterEqual,
  less,
  logicalAnd,
  mul,
  ones,
  relu,
  reshape,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';
import { runFused } from '../ops/fused.js';
import { chain, collapse } from './pyramid.js';
import { type Pyramid, type PyramidOperators, pyramidOperators } from './pyramid_operators.js';
import type { Remap } from './remap.js';
import { sizeOf } from './size.js';

/** How the fast filter works, apart from its remap function. */
export interface FilterSetting {
  readonly pyramid: Pyramid;
  /** Levels, the residual included. */
  readonly levels: number;
  /** Samples K of the local mean, evenly over the range, its ends included. */
  readonly samples: number;
  readonly range: readonly [low: number, high: number];
  /** The levels `[from, to)` that this remap function makes; the others stay empty. */
  readonly from: number;
  readonly to: number;
}

/** Samples that are worked on together, as channels: on WASM four cost little more than one. Backward they need more memory. */
const GROUP = { forward: 4, backward: 2 };

/**
 * The fast local Laplacian filter: `image [B, H, W, 1]` → the same shape.
 *
 * For each of K samples of the local mean, the image is remapped around it; a coefficient of the output lies between the
 * coefficients of the two nearest samples. The residual of the image is added `gain` (one number) times. Gradients flow
 * to the image (through the remapped images, through the places between samples, through the residual), to the gain and
 * to the parameters. One gradient, written by hand: of the forward pass only the inputs are kept, and both passes work
 * through the samples in groups.
 */
export function fastFilter(
  image: Tensor,
  gain: Tensor,
  remap: Remap,
  parameters: readonly Tensor[],
  setting: FilterSetting,
): Tensor {
  return withGradient<Tensor[], Record<string, Tensor>>(
    [image, gain, ...parameters],
    (...inputs) => {
      // A kernel leaves to the backward pass what it would have to make again; without a gradient to come nobody asks.
      const isTraced = engine().state.gradientDepth > 0;
      const [value, rises] = runKernel('LLFLocalLaplacian', inputs, remap, setting, isTraced);
      const saved = { ...Object.fromEntries(inputs.entries()), ...(rises && { rises }) };
      return { value: value ?? forward(inputs, remap, setting), saved };
    },
    (dy, { rises, ...saved }) => {
      const inputs = Object.values(saved);
      const fused = rises ? runKernel('LLFLocalLaplacianGrad', inputs, remap, setting, true, { dy, rises }) : [];
      return fused.length > 0 ? fused : backward(dy, inputs, remap, setting);
    },
  );
}

/** Runs a kernel where the backend has it and it knows the remap function; elsewhere there is no output. */
function runKernel(
  name: string,
  [image, gain, a, b, c]: readonly Tensor[],
  { name: remap }: Remap,
  { range: [low, high], ...numbers }: FilterSetting,
  rises: boolean,
  more: Record<string, Tensor> = {},
): Tensor[] {
  if (remap === 'custom') return [];
  const inputs = { image, gain, a, ...(b && c && { b, c }), ...more } as Record<string, Tensor>;
  return runFused(name, inputs, { ...numbers, low, high, remap, rises });
}

/** The numbers of the samples of a group, and their places in the range. */
interface Group {
  readonly samples: readonly number[];
  readonly nodes: readonly number[];
}

function groupsOf({ samples, range: [low, high] }: FilterSetting, size: number): Group[] {
  return Array.from({ length: Math.ceil(samples / size) }, (_, i) => {
    const own = Array.from({ length: Math.min(size, samples - i * size) }, (_, j) => i * size + j);
    return { samples: own, nodes: own.map((k) => low + ((high - low) * k) / (samples - 1)) };
  });
}

/** One channel, minus each of the numbers: `[B, H, W, 1]` → `[B, H, W, numbers]`. Faster than `sub` on WASM. */
function minusEach(x: Tensor, numbers: readonly number[]): Tensor {
  return fused.conv2d({
    x: x as Tensor4D,
    filter: ones([1, 1, 1, numbers.length]) as Tensor4D,
    bias: tensor(numbers.map((value) => -value)) as Tensor1D,
    strides: 1,
    pad: 'valid',
  });
}

/** What both passes begin with. */
interface Start {
  readonly operators: PyramidOperators;
  /** Local means at all levels. */
  readonly gaussian: Tensor[];
  /** The end of the levels that are made: all but the residual at most. */
  readonly end: number;
  /** Samples in a unit of the image. */
  readonly scale: number;
  /** For each of them, where the local mean lies among the samples: 0 is the first, K − 1 the last. */
  readonly places: Tensor[];
  readonly groups: Group[];
}

function startOf(image: Tensor, remap: Remap, setting: FilterSetting, pass: keyof typeof GROUP): Start {
  const { samples, range, pyramid, levels, from, to } = setting;
  const operators = pyramidOperators[pyramid];
  const gaussian = chain(operators.down, image, levels);
  const end = Math.min(to, levels - 1);
  const scale = (samples - 1) / (range[1] - range[0]);
  const places = gaussian
    .slice(from, end)
    .map((level) => clipByValue(mul(sub(level, range[0]), scale), 0, samples - 1));
  // Half as many at a time where the remap function makes many images on the way.
  const groups = places.length > 0 ? groupsOf(setting, GROUP[pass] / (remap.name === 'gauss' ? 1 : 2)) : [];
  return { operators, gaussian, end, scale, places, groups };
}

/** The share of each sample of a group at each place: 1 on it, falling to 0 on its neighbours. */
function sharesOf(places: Tensor, { samples }: Group): Tensor {
  return hat(minusEach(places, samples));
}

function hat(x: Tensor): Tensor {
  return tidy(() => relu(sub(1, abs(x))));
}

/** A band of the remapped images of a group, weighted, and added up. */
function bandSum({ up }: PyramidOperators, remapped: readonly Tensor[], l: number, weights: Tensor): Tensor {
  const [fine, coarse] = [remapped[l], remapped[l + 1]] as [Tensor, Tensor];
  return sum(mul(sub(fine, up(coarse, sizeOf(fine))), weights), 3, true);
}

function forward([image, gain, ...parameters]: Tensor[], remap: Remap, setting: FilterSetting): Tensor {
  return tidy(() => {
    const { levels, from } = setting;
    const { operators, gaussian, end, places, groups } = startOf(image as Tensor, remap, setting, 'forward');
    let sums: Tensor[] = places.map((place) => zerosLike(place));
    for (const group of groups) {
      const last = sums;
      sums = tidy(() => {
        const first = tidy(() => remap.value(minusEach(image as Tensor, group.nodes), parameters));
        const remapped = chain(operators.down, first, end + 1);
        return places.map((place, i) =>
          tidy(() => add(last[i] as Tensor, bandSum(operators, remapped, from + i, sharesOf(place, group)))),
        );
      });
      dispose(last);
    }
    const made = gaussian.map((level, l) =>
      l === levels - 1 ? mul(level, reshape(gain as Tensor, [])) : (sums[l - from] ?? zerosLike(level)),
    );
    return collapse(operators.up, made);
  });
}

function backward(dy: Tensor, [image, gain, ...parameters]: Tensor[], remap: Remap, setting: FilterSetting): Tensor[] {
  return tidy(() => {
    const { levels, range, from } = setting;
    const { operators, gaussian, end, scale, places, groups } = startOf(image as Tensor, remap, setting, 'backward');
    const dLevels = chain(operators.upAdjoint, dy, levels);
    const dResidual = dLevels[levels - 1] as Tensor;
    const dGain = reshape(sum(mul(dResidual, gaussian[levels - 1] as Tensor)), (gain as Tensor).shape);
    // The rise of the output by the local mean, summed over the samples, for each level.
    let rises: Tensor[] = places.map((place) => zerosLike(place));
    let dImage = zerosLike(image as Tensor);
    let dParameters: Tensor[] = parameters.map((parameter) => zerosLike(parameter));
    for (const group of groups) {
      const last = [dImage, ...rises, ...dParameters];
      [dImage, rises, dParameters] = tidy(() => {
        const detail = minusEach(image as Tensor, group.nodes);
        const more = tidy(() => {
          const first = tidy(() => remap.value(detail, parameters));
          const remapped = chain(operators.down, first, end + 1);
          return places.map((place, i) => {
            const slopes = risesOf(place, group);
            return tidy(() => add(rises[i] as Tensor, bandSum(operators, remapped, from + i, slopes)));
          });
        });
        const dRemapped = tidy(() => {
          const dBands = gaussian.slice(0, end).map((level, l) => {
            const place = places[l - from];
            return place ? tidy(() => mul(sharesOf(place, group), dLevels[l] as Tensor)) : zerosLike(level);
          });
          // A level gives its band what it has, and takes from the band before what the level was raised to.
          const dRemappedLevels = [...dBands, 0].map((own, l) => {
            const before = dBands[l - 1];
            return before ? sub(own, operators.upAdjoint(before)) : own;
          });
          return collapse(operators.downAdjoint, dRemappedLevels as Tensor[]);
        });
        const through = remap.gradient(detail, dRemapped, parameters);
        return [
          add(dImage, sum(through.detail, 3, true)),
          more,
          dParameters.map((total, i) => add(total, through.parameters[i] as Tensor)),
        ];
      });
      dispose(last);
    }
    const dGaussian = gaussian.map((level, l) => {
      if (l === levels - 1) return mul(dResidual, reshape(gain as Tensor, []));
      const rise = rises[l - from];
      if (!rise) return zerosLike(level);
      const inside = logicalAnd(greaterEqual(level, range[0]), less(level, range[1]));
      return where(inside, mul(mul(rise, dLevels[l] as Tensor), scale), zerosLike(level));
    });
    return [add(dImage, collapse(operators.downAdjoint, dGaussian)), dGain, ...dParameters];
  });
}

/** The slope of the share of each sample, from the right: −1 where the place is in the cell above it, +1 in the one below. */
function risesOf(places: Tensor, { samples }: Group): Tensor {
  const cell = floor(places);
  const below = samples.map((k) => k - 1);
  return sub(hat(minusEach(cell, below)), hat(minusEach(cell, samples)));
}
