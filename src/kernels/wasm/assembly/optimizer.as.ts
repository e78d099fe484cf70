import { loadSome, storeSome } from './tail.as';
import { at } from './vector.as';

/**
 * Optimizer steps: one pass over the memory of a weight, its gradient and its slots. Each number is rounded as in the
 * composed steps of tfjs, so that both give the same weights; products are not fused with sums for this reason. Results
 * go to new memory: the stock kernels keep packed copies of weights by tensor, so a weight must not change in place.
 */

/** value' = value + factor · gradient; `factor` points to the negative learning rate. */
export function sgdStep(value: usize, gradient: usize, factor: usize, newValue: usize, size: i32): void {
  const scale = v128.load32_splat(factor);
  for (let i = 0; i < size; i += 4) {
    const left = size - i;
    const step = f32x4.mul(scale, loadSome(at(gradient, i), left));
    storeSome(at(newValue, i), f32x4.add(step, loadSome(at(value, i), left)), left);
  }
}

/**
 * slot' = momentum · slot + gradient, value' = value + factor · slot'; Nesterov: + factor · (gradient + momentum · slot').
 * `factor` and `momentum` point to numbers.
 */
export function momentumStep(
  value: usize,
  gradient: usize,
  slot: usize,
  factor: usize,
  momentum: usize,
  newValue: usize,
  newSlot: usize,
  size: i32,
  nesterov: i32,
): void {
  const scale = v128.load32_splat(factor);
  const keep = v128.load32_splat(momentum);
  for (let i = 0; i < size; i += 4) {
    const left = size - i;
    const g = loadSome(at(gradient, i), left);
    const m = normalOrZero(f32x4.add(f32x4.mul(keep, loadSome(at(slot, i), left)), g));
    const step = f32x4.mul(scale, nesterov ? f32x4.add(g, f32x4.mul(m, keep)) : m);
    storeSome(at(newSlot, i), m, left);
    storeSome(at(newValue, i), f32x4.add(step, loadSome(at(value, i), left)), left);
  }
}

/**
 * Adam: m' = beta1 · m + (1 - beta1) · gradient, v' = beta2 · v + (1 - beta2) · gradient²,
 * value' = value - rate · (m' / (1 - power1)) / (sqrt(v' / (1 - power2)) + epsilon).
 * `power1` and `power2` point to the powers of beta1 and beta2 of this step.
 */
export function adamStep(
  value: usize,
  gradient: usize,
  first: usize,
  second: usize,
  power1: usize,
  power2: usize,
  newValue: usize,
  newFirst: usize,
  newSecond: usize,
  size: i32,
  rate: f32,
  beta1: f32,
  beta2: f32,
  share1: f32,
  share2: f32,
  epsilon: f32,
): void {
  const correction1 = f32x4.splat(<f32>1 - load<f32>(power1));
  const correction2 = f32x4.splat(<f32>1 - load<f32>(power2));
  const factor = f32x4.splat(-rate);
  const small = f32x4.splat(epsilon);
  for (let i = 0; i < size; i += 4) {
    const left = size - i;
    const g = loadSome(at(gradient, i), left);
    const m = normalOrZero(
      f32x4.add(f32x4.mul(loadSome(at(first, i), left), f32x4.splat(beta1)), f32x4.mul(g, f32x4.splat(share1))),
    );
    const v = normalOrZero(
      f32x4.add(
        f32x4.mul(loadSome(at(second, i), left), f32x4.splat(beta2)),
        f32x4.mul(f32x4.mul(g, g), f32x4.splat(share2)),
      ),
    );
    storeSome(at(newFirst, i), m, left);
    storeSome(at(newSecond, i), v, left);
    const spread = f32x4.add(f32x4.sqrt(f32x4.div(v, correction2)), small);
    const step = f32x4.mul(f32x4.div(f32x4.div(m, correction1), spread), factor);
    storeSome(at(newValue, i), f32x4.add(step, loadSome(at(value, i), left)), left);
  }
}

/** Denormal numbers become 0: a slot whose gradient stays 0 would else slow down every step. NaN stays NaN. */
// @ts-ignore: decorator
@inline
function normalOrZero(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(1.17549435e-38)));
}
