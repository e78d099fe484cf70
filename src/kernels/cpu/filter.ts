import type { Pyramid } from '../../local-laplacian/pyramid_operators.js';
import type { Size } from '../../local-laplacian/size.js';
import { type LevelMaps, levelMaps, shrink, spread } from './bands.js';
import type { RemapLoop } from './remap_loops.js';

/** The fast filter of images of one size. */
export interface Filter {
  /** The sizes of the levels, the image first, and the maps of each to the next. */
  readonly sizes: readonly Size[];
  readonly maps: readonly LevelMaps[];
  readonly samples: number;
  readonly low: number;
  readonly high: number;
  /** The levels `[from, to)` are made, which the residual is none of. */
  readonly from: number;
  readonly to: number;
  readonly remap: RemapLoop;
  readonly gain: number;
}

type Levels = readonly Float32Array[];

/** The maps of each level to the next. */
export function mapsOf(pyramid: Pyramid, sizes: readonly Size[]): LevelMaps[] {
  return sizes.slice(0, -1).map((size) => levelMaps(pyramid, size));
}

/** Pixels of each level; how many those of all but the last are. */
export function risesLength(sizes: readonly Size[]): number {
  return sizes.slice(0, -1).reduce((sum, [height, width]) => sum + height * width, 0);
}

/** Arrays of the sizes of some levels. */
function arrays(sizes: readonly Size[]): Float32Array[] {
  return sizes.map(([height, width]) => new Float32Array(height * width));
}

/** What the gradient needs of the forward pass, a part for each level. */
function levelsOf(rises: Float32Array, sizes: readonly Size[]): Float32Array[] {
  let start = 0;
  return sizes.slice(0, -1).map(([height, width]) => {
    const first = start;
    start += height * width;
    return rises.subarray(first, start);
  });
}

/** The image and coarser levels, each made of the one before. */
function pyramidOf({ sizes, maps }: Filter, image: Float32Array, map: 'down' | 'upAdjoint'): Float32Array[] {
  const levels = [image, ...arrays(sizes.slice(1))];
  for (const [l, one] of maps.entries())
    shrink(one[map], sizes[l] as Size, levels[l] as Float32Array, levels[l + 1] as Float32Array);
  return levels;
}

/** Adds to each level what the next one is spread to, coarse to fine. */
function addUpwards({ sizes, maps }: Filter, levels: Levels, map: 'up' | 'downAdjoint', scratch: Float32Array): void {
  for (let l = levels.length - 2; l >= 0; l--) {
    const fine = levels[l] as Float32Array;
    spread((maps[l] as LevelMaps)[map], sizes[l] as Size, levels[l + 1] as Float32Array, scratch);
    for (let i = 0; i < fine.length; i++) fine[i] = (fine[i] as number) + (scratch[i] as number);
  }
}

function sampleAt({ samples, low, high }: Filter, k: number): number {
  return Math.fround(low + ((high - low) * k) / (samples - 1));
}

/**
 * Filters an image into `output`. For each sample of the local mean the image is remapped, and the bands of the result are
 * added where the mean is near the sample. Into `rises`, if it is given, goes by how much each coefficient rises with the mean.
 */
export function filterImage(filter: Filter, image: Float32Array, output: Float32Array, rises?: Float32Array): void {
  const { sizes, maps, samples, from, to, remap, gain } = filter;
  const means = pyramidOf(filter, image, 'down');
  const sums = [output, ...arrays(sizes.slice(1))];
  const slopes = rises && levelsOf(rises, sizes);
  const remapped = arrays(sizes.slice(0, to + 1));
  const raised = new Float32Array(image.length);
  for (let k = 0; k < samples && from < to; k++) {
    remap.value(image, sampleAt(filter, k), remapped[0] as Float32Array);
    for (let l = 0; l < to; l++) {
      const [size, one] = [sizes[l] as Size, maps[l] as LevelMaps];
      const [fine, coarse] = [remapped[l], remapped[l + 1]] as [Float32Array, Float32Array];
      shrink(one.down, size, fine, coarse);
      if (l < from) continue;
      spread(one.up, size, coarse, raised);
      addBand(filter, k, means[l] as Float32Array, fine, raised, sums[l] as Float32Array, slopes?.[l]);
    }
  }
  const residual = sums[sums.length - 1] as Float32Array;
  for (const [i, mean] of (means[means.length - 1] as Float32Array).entries()) residual[i] = gain * mean;
  addUpwards(filter, sums, 'up', raised);
}

/** Adds the share of sample k in a band, `fine` less `raised`, to a level of the output, and the slope of the share. */
function addBand(
  { samples, low, high }: Filter,
  k: number,
  means: Float32Array,
  fine: Float32Array,
  raised: Float32Array,
  sums: Float32Array,
  rises?: Float32Array,
): void {
  const last = samples - 1;
  const scale = last / (high - low);
  for (let i = 0; i < means.length; i++) {
    const place = ((means[i] as number) - low) * scale;
    const distance = Math.min(Math.max(place, 0), last) - k;
    // One cell on each side; at the far end of the one below the share is 0, but not its slope.
    if (distance < -1 || distance >= 1) continue;
    const band = (fine[i] as number) - (raised[i] as number);
    sums[i] = (sums[i] as number) + (1 - Math.abs(distance)) * band;
    if (rises && place >= 0 && place < last) rises[i] = (rises[i] as number) + (distance < 0 ? scale : -scale) * band;
  }
}

/** Gradients that are summed over the images of a batch. */
export interface ParameterSums {
  readonly gain: Float64Array;
  readonly parameters: readonly Float64Array[];
}

/** Writes the gradient of an image, and adds those of the gain and of the parameters; `rises` is that of the forward pass. */
export function filterGradient(
  filter: Filter,
  image: Float32Array,
  dy: Float32Array,
  rises: Float32Array,
  dImage: Float32Array,
  sums: ParameterSums,
): void {
  const { sizes, maps, samples, from, to, remap, gain } = filter;
  const top = sizes.length - 1;
  const means = pyramidOf(filter, image, 'down');
  const dOutput = pyramidOf(filter, dy, 'upAdjoint');
  const dMeans = [dImage, ...arrays(sizes.slice(1))];
  for (const [l, slopes] of levelsOf(rises, sizes).entries()) {
    const [target, dLevel] = [dMeans[l], dOutput[l]] as [Float32Array, Float32Array];
    for (let i = 0; i < target.length; i++) target[i] = (slopes[i] as number) * (dLevel[i] as number);
  }
  for (const [i, dResidual] of (dOutput[top] as Float32Array).entries()) {
    (dMeans[top] as Float32Array)[i] = gain * dResidual;
    sums.gain[0] = (sums.gain[0] as number) + dResidual * ((means[top] as Float32Array)[i] as number);
  }
  const scratch = new Float32Array(image.length);
  addUpwards(filter, dMeans, 'downAdjoint', scratch);
  const dRemapped = arrays(sizes.slice(0, to + 1));
  const lowered = arrays(sizes.slice(0, to + 1));
  for (let k = 0; k < samples && from < to; k++) {
    for (const level of dRemapped) level.fill(0);
    for (let l = from; l < to; l++) {
      const [own, next] = [dRemapped[l], dRemapped[l + 1]] as [Float32Array, Float32Array];
      const taken = lowered[l + 1] as Float32Array;
      writeShares(filter, k, means[l] as Float32Array, dOutput[l] as Float32Array, scratch);
      shrink((maps[l] as LevelMaps).upAdjoint, sizes[l] as Size, scratch, taken);
      for (let i = 0; i < own.length; i++) own[i] = (own[i] as number) + (scratch[i] as number);
      for (let i = 0; i < next.length; i++) next[i] = (next[i] as number) - (taken[i] as number);
    }
    addUpwards(filter, dRemapped, 'downAdjoint', scratch);
    remap.gradient(image, sampleAt(filter, k), dRemapped[0] as Float32Array, dImage, sums.parameters);
  }
}

/** The gradient of a band of sample k: the share of the sample in the output's. */
function writeShares(
  { samples, low, high }: Filter,
  k: number,
  means: Float32Array,
  dOutput: Float32Array,
  target: Float32Array,
): void {
  const last = samples - 1;
  const scale = last / (high - low);
  for (let i = 0; i < means.length; i++) {
    const place = Math.min(Math.max(((means[i] as number) - low) * scale, 0), last);
    target[i] = Math.max(1 - Math.abs(place - k), 0) * (dOutput[i] as number);
  }
}
