import {
  abs,
  add,
  clipByValue,
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

/** So many samples, or half where the remap function makes many images on the way. */
function groupSize(pass: keyof typeof GROUP, { name }: Remap): number {
  return GROUP[pass] / (name === 'gauss' ? 1 : 2);
}

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
      const [value, rises] = runKernel('LLFLocalLaplacian', inputs, remap, setting, isTraced());
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

/** Whether a gradient is being recorded. */
function isTraced(): boolean {
  return engine().state.gradientDepth > 0;
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

/** The samples `first, first + 1, ...` of a group and their places in the range. */
interface Group {
  readonly first: number;
  readonly nodes: readonly number[];
}

function groupsOf({ samples, range: [low, high], from, to, levels }: FilterSetting, size: number): Group[] {
  if (from >= Math.min(to, levels - 1)) return [];
  const nodes = Array.from({ length: samples }, (_, k) => low + ((high - low) * k) / (samples - 1));
  const starts = Array.from({ length: Math.ceil(samples / size) }, (_, i) => i * size);
  return starts.map((first) => ({ first, nodes: nodes.slice(first, first + size) }));
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

/** For each level in use, where the local mean lies among the samples: 0 is the first, K − 1 the last. */
function placesOf(gaussian: readonly Tensor[], { samples, range: [low, high], from, to }: FilterSetting): Tensor[] {
  const scale = (samples - 1) / (high - low);
  return gaussian.slice(0, -1).map((level, l) => {
    return l < from || l >= to ? level : clipByValue(mul(sub(level, low), scale), 0, samples - 1);
  });
}

/** The share of each sample of a group at each place: 1 on it, falling to 0 on its neighbours. */
function sharesOf(places: Tensor, { first, nodes }: Group): Tensor {
  return hat(
    minusEach(
      places,
      nodes.map((_, i) => first + i),
    ),
  );
}

function hat(x: Tensor): Tensor {
  return tidy(() => relu(sub(1, abs(x))));
}

interface GroupWork {
  readonly operators: PyramidOperators;
  readonly remap: Remap;
  readonly detail: Tensor;
  readonly parameters: readonly Tensor[];
  readonly to: number;
}

/** The Gaussian levels `[0, to]` of the remapped images of a group. */
function remappedLevels(work: GroupWork): Tensor[] {
  const { operators, remap, detail, parameters, to } = work;
  return chain(
    operators.down,
    tidy(() => remap.value(detail, parameters)),
    to + 1,
  );
}

/** A band of them. */
function bandOf({ up }: PyramidOperators, levels: readonly Tensor[], l: number): Tensor {
  const [fine, coarse] = [levels[l], levels[l + 1]] as [Tensor, Tensor];
  return sub(fine, up(coarse, sizeOf(fine)));
}

function forward([image, gain, ...parameters]: Tensor[], remap: Remap, setting: FilterSetting): Tensor {
  const operators = pyramidOperators[setting.pyramid];
  return tidy(() => {
    const { levels, from } = setting;
    const to = Math.min(setting.to, levels - 1);
    const gaussian = chain(operators.down, image as Tensor, levels);
    const places = placesOf(gaussian, setting);
    let sums: Tensor[] = places.map((level) => zerosLike(level));
    for (const group of groupsOf(setting, groupSize('forward', remap))) {
      const last = sums;
      sums = tidy(() => {
        const detail = minusEach(image as Tensor, group.nodes);
        const remapped = remappedLevels({ operators, remap, detail, parameters, to });
        return last.map((level, l) => {
          if (l < from || l >= to) return add(level, 0);
          return tidy(() => {
            const shares = sharesOf(places[l] as Tensor, group);
            return add(level, sum(mul(bandOf(operators, remapped, l), shares), 3, true));
          });
        });
      });
      for (const level of last) level.dispose();
    }
    return collapse(operators.up, [...sums, mul(gaussian[levels - 1] as Tensor, reshape(gain as Tensor, []))]);
  });
}

function backward(dy: Tensor, [image, gain, ...parameters]: Tensor[], remap: Remap, setting: FilterSetting): Tensor[] {
  const operators = pyramidOperators[setting.pyramid];
  return tidy(() => {
    const { levels, samples, range, from } = setting;
    const to = Math.min(setting.to, levels - 1);
    const gaussian = chain(operators.down, image as Tensor, levels);
    const dLevels = chain(operators.upAdjoint, dy, levels);
    const places = placesOf(gaussian, setting);
    const scale = (samples - 1) / (range[1] - range[0]);
    const dResidual = dLevels[levels - 1] as Tensor;
    const dGain = reshape(sum(mul(dResidual, gaussian[levels - 1] as Tensor)), (gain as Tensor).shape);
    // The rise of the output by the local mean, summed over the samples, for each level.
    let rises: Tensor[] = places.map((level) => zerosLike(level));
    let dImage = zerosLike(image as Tensor);
    let dParameters: Tensor[] = parameters.map((parameter) => zerosLike(parameter));
    for (const group of groupsOf(setting, groupSize('backward', remap))) {
      const last = [dImage, ...rises, ...dParameters];
      [dImage, rises, dParameters] = tidy(() => {
        const detail = minusEach(image as Tensor, group.nodes);
        const more = tidy(() => {
          const remapped = remappedLevels({ operators, remap, detail, parameters, to });
          return rises.map((level, l) => {
            if (l < from || l >= to) return add(level, 0);
            const slopes = risesOf(places[l] as Tensor, group);
            return tidy(() => add(level, sum(mul(slopes, bandOf(operators, remapped, l)), 3, true)));
          });
        });
        const dRemapped = tidy(() => {
          const dBands = places.map((place, l) => {
            if (l < from || l >= to) return zerosLike(place);
            return tidy(() => mul(sharesOf(place, group), dLevels[l] as Tensor));
          });
          // A level gives its band what it has, and takes from the band before what the level was raised to.
          const dRemappedLevels = [...dBands.slice(0, to), 0].map((own, l) => {
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
      for (const tensor of last) tensor.dispose();
    }
    const dGaussian = gaussian.map((level, l) => {
      if (l === levels - 1) return mul(dResidual, reshape(gain as Tensor, []));
      const inside = logicalAnd(greaterEqual(level, range[0]), less(level, range[1]));
      return where(inside, mul(mul(rises[l] as Tensor, dLevels[l] as Tensor), scale), zerosLike(level));
    });
    return [add(dImage, collapse(operators.downAdjoint, dGaussian)), dGain, ...dParameters];
  });
}

/** The slope of the share of each sample, from the right: −1 where the place is in the cell above it, +1 in the one below. */
function risesOf(places: Tensor, { first, nodes }: Group): Tensor {
  const cell = floor(places);
  const samples = nodes.map((_, i) => first + i);
  const below = samples.map((k) => k - 1);
  return sub(hat(minusEach(cell, below)), hat(minusEach(cell, samples)));
}
