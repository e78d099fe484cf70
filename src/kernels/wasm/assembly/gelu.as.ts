import { bell, tailOverBell } from './normal.as';
import { loadSome, storeSome } from './tail.as';

/** y = x · Φ(x): exact GELU. Sixteen numbers at a time: the engine then loads each constant once for four vectors. */
export function gelu(x: usize, y: usize, size: i32): void {
  let i = 0;
  for (; i + 16 <= size; i += 16) {
    v128.store(y, geluOf(v128.load(x)));
    v128.store(y, geluOf(v128.load(x, 16)), 16);
    v128.store(y, geluOf(v128.load(x, 32)), 32);
    v128.store(y, geluOf(v128.load(x, 48)), 48);
    x += 64;
    y += 64;
  }
  for (; i < size; i += 4) {
    storeSome(y, geluOf(loadSome(x, size - i)), size - i);
    x += 16;
    y += 16;
  }
}

/** dx = dy · (Φ(x) + x · φ(x)): the gradient of {@link gelu}, with the normal density φ. */
export function geluGrad(x: usize, dy: usize, dx: usize, size: i32): void {
  let i = 0;
  for (; i + 16 <= size; i += 16) {
    v128.store(dx, f32x4.mul(v128.load(dy), slopeOf(v128.load(x))));
    v128.store(dx, f32x4.mul(v128.load(dy, 16), slopeOf(v128.load(x, 16))), 16);
    v128.store(dx, f32x4.mul(v128.load(dy, 32), slopeOf(v128.load(x, 32))), 32);
    v128.store(dx, f32x4.mul(v128.load(dy, 48), slopeOf(v128.load(x, 48))), 48);
    x += 64;
    dy += 64;
    dx += 64;
  }
  for (; i < size; i += 4) {
    storeSome(dx, f32x4.mul(loadSome(dy, size - i), slopeOf(loadSome(x, size - i))), size - i);
    x += 16;
    dy += 16;
    dx += 16;
  }
}

/** x · Φ(x) = max(x, 0) - |x| · (1 - Φ(|x|)). */
@inline
function geluOf(x: v128): v128 {
  const a = distanceOf(x);
  const lost = f32x4.mul(f32x4.mul(a, bell(a)), tailOverBell(a));
  return f32x4.sub(f32x4.pmax(x, f32x4.splat(0)), lost);
}

/** With d = |x| φ(x) - (1 - Φ(|x|)): 1 + d from 0 on, -d below. */
@inline
function slopeOf(x: v128): v128 {
  const a = distanceOf(x);
  // 1 / sqrt(2 π)
  const d = f32x4.mul(f32x4.sub(f32x4.mul(a, f32x4.splat(0.3989422804014327)), tailOverBell(a)), bell(a));
  const negative = f32x4.lt(x, f32x4.splat(0));
  const signed = v128.xor(d, v128.and(negative, f32x4.splat(-0.0)));
  return f32x4.add(v128.andnot(f32x4.splat(1), negative), signed);
}

/** |x|, but 30 at most: no infinity may meet the zeros out there. */
@inline
function distanceOf(x: v128): v128 {
  return f32x4.pmin(f32x4.abs(x), f32x4.splat(30));
}
