/** The fast local Laplacian filter as plain TypeScript loops over typed arrays: Gauss remap, pyramid `lin`. */

/** One level of a pyramid. */
interface Level {
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** Weight of the samples that stand inside, for a place of the coarser level and the length of the finer one. */
function tapSum(k: number, n: number): number {
  const place = 2 * k;
  let sum = 0.4;
  if (place >= 1) sum += 0.25;
  if (place >= 2) sum += 0.05;
  if (place + 1 < n) sum += 0.25;
  if (place + 2 < n) sum += 0.05;
  return sum;
}

/** Halves an image, columns first, into the given level; `line` has room for two samples on each side. */
function halve(source: Level, target: Level, line: Float32Array): void {
  const { height, width, values } = source;
  const { height: rows, width: columns, values: result } = target;
  for (let r = 0; r < rows; r++) {
    const y = 2 * r;
    const scale = 1 / tapSum(r, height);
    const a = Math.max(y - 2, 0) * width;
    const b = Math.max(y - 1, 0) * width;
    const c = y * width;
    const d = Math.min(y + 1, height - 1) * width;
    const e = Math.min(y + 2, height - 1) * width;
    const outer0 = y >= 2 ? 0.05 * scale : 0;
    const inner0 = y >= 1 ? 0.25 * scale : 0;
    const middle = 0.4 * scale;
    const inner1 = y + 1 < height ? 0.25 * scale : 0;
    const outer1 = y + 2 < height ? 0.05 * scale : 0;
    for (let x = 0; x < width; x++) {
      line[x + 2] =
        outer0 * (values[a + x] as number) +
        inner0 * (values[b + x] as number) +
        middle * (values[c + x] as number) +
        inner1 * (values[d + x] as number) +
        outer1 * (values[e + x] as number);
    }
    line[width + 2] = 0;
    line[width + 3] = 0;
    for (let k = 0; k < columns; k++) {
      const x = 2 * k;
      result[r * columns + k] =
        0.05 * ((line[x] as number) + (line[x + 4] as number)) +
        0.25 * ((line[x + 1] as number) + (line[x + 3] as number)) +
        0.4 * (line[x + 2] as number);
    }
    const last = r * columns + columns - 1;
    result[r * columns] = (result[r * columns] as number) / tapSum(0, width);
    if (columns > 1) result[last] = (result[last] as number) / tapSum(columns - 1, width);
  }
}

/** Row y of a finer level by linear interpolation, into `line`. */
function raiseRow({ height, width, values }: Level, y: number, fine: number, line: Float32Array): void {
  const top = (y >> 1) * width;
  const below = y & 1 ? Math.min((y >> 1) + 1, height - 1) * width : top;
  let left = ((values[top] as number) + (values[below] as number)) / 2;
  for (let k = 0; k < width; k++) {
    const next = k + 1 < width ? ((values[top + k + 1] as number) + (values[below + k + 1] as number)) / 2 : left;
    line[2 * k] = left;
    if (2 * k + 1 < fine) line[2 * k + 1] = (left + next) / 2;
    left = next;
  }
}

/** Parameters of the filter. */
export interface PlainSetting {
  readonly sigma: number;
  readonly alpha: number;
  readonly beta: number;
  readonly samples: number;
  readonly levels: number;
}

/** Remaps all pixels around a sample. */
function remap(values: Float32Array, node: number, { sigma, alpha, beta }: PlainSetting, target: Float32Array): void {
  const exponent = -1 / (2 * sigma * sigma);
  for (let i = 0; i < values.length; i++) {
    const d = (values[i] as number) - node;
    target[i] = d * (beta + alpha * Math.exp(d * d * exponent));
  }
}

/** Adds what a level has and the next one has not, where the local mean is near the sample. */
function addDifferences(
  mean: Level,
  own: Level,
  coarse: Level,
  sum: Level,
  last: number,
  k: number,
  line: Float32Array,
): void {
  const { height, width } = own;
  for (let y = 0; y < height; y++) {
    raiseRow(coarse, y, width, line);
    const start = y * width;
    for (let x = 0; x < width; x++) {
      const place = (mean.values[start + x] as number) * last;
      const share = 1 - Math.abs((place < 0 ? 0 : place > last ? last : place) - k);
      if (share > 0)
        sum.values[start + x] =
          (sum.values[start + x] as number) + share * ((own.values[start + x] as number) - (line[x] as number));
    }
  }
}

/** Filters an image with values in [0, 1]. */
export function plainLocalLaplacian(
  values: Float32Array,
  height: number,
  width: number,
  setting: PlainSetting,
): Float32Array {
  const { samples, levels } = setting;
  const empty = (): Level[] => {
    const list: Level[] = [];
    let [h, w] = [height, width];
    for (let l = 0; l < levels; l++) {
      list.push({ height: h, width: w, values: new Float32Array(h * w) });
      [h, w] = [(h + 1) >> 1, (w + 1) >> 1];
    }
    return list;
  };
  const [means, remapped, sums, line] = [empty(), empty(), empty(), new Float32Array(width + 8)];
  const fill = (list: readonly Level[]): void => {
    for (let l = 0; l + 1 < levels; l++) {
      line.fill(0);
      halve(list[l] as Level, list[l + 1] as Level, line);
    }
  };
  means[0]?.values.set(values);
  fill(means);
  for (let k = 0; k < samples; k++) {
    remap(values, k / (samples - 1), setting, (remapped[0] as Level).values);
    fill(remapped);
    for (let l = 0; l + 1 < levels; l++) {
      const [mean, own, coarse, sum] = [means[l], remapped[l], remapped[l + 1], sums[l]] as [
        Level,
        Level,
        Level,
        Level,
      ];
      addDifferences(mean, own, coarse, sum, samples - 1, k, line);
    }
  }
  let result = means[levels - 1] as Level;
  for (let l = levels - 2; l >= 0; l--) {
    const level = sums[l] as Level;
    for (let y = 0; y < level.height; y++) {
      raiseRow(result, y, level.width, line);
      const start = y * level.width;
      for (let x = 0; x < level.width; x++)
        level.values[start + x] = (level.values[start + x] as number) + (line[x] as number);
    }
    result = level;
  }
  return result.values;
}
