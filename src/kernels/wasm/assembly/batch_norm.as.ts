import { at, fma } from './vector.as';

/**
 * out[i, c] = (x[i, c] − mean[c]) / √(variance[c] + epsilon) · scale[c] + offset[c] for a matrix `[rows, channels]`.
 *
 * `offset` and `scale` may be 0: none. `scratch` has room for `2 · channels` floats.
 */
export function batchNorm(
  x: usize,
  out: usize,
  mean: usize,
  variance: usize,
  offset: usize,
  scale: usize,
  epsilon: f32,
  rows: i32,
  channels: i32,
  scratch: usize,
): void {
  const shifts = at(scratch, channels);
  for (let c = 0; c < channels; c++) {
    const gain: f32 = scale == 0 ? 1 : load<f32>(at(scale, c));
    store<f32>(at(scratch, c), gain / sqrt<f32>(load<f32>(at(variance, c)) + epsilon));
    store<f32>(at(shifts, c), offset == 0 ? 0 : load<f32>(at(offset, c)));
  }
  for (let i = 0; i < rows; i++) {
    let c = 0;
    for (; c + 4 <= channels; c += 4) {
      const centred = f32x4.sub(v128.load(at(x, c)), v128.load(at(mean, c)));
      v128.store(at(out, c), fma(centred, v128.load(at(scratch, c)), v128.load(at(shifts, c))));
    }
    for (; c < channels; c++) {
      const centred = load<f32>(at(x, c)) - load<f32>(at(mean, c));
      store<f32>(at(out, c), centred * load<f32>(at(scratch, c)) + load<f32>(at(shifts, c)));
    }
    x = at(x, channels);
    out = at(out, channels);
  }
}
