import { loadSome, storeSome } from './tail.as';
import { at } from './vector.as';

/**
 * Optimizer steps: one pass over the memory of a weight, its gradient and its slots. At last the step is blended with the
 * old value: `decay` is the share of it that is lost, `scale` the factor of the whole update. Each number is rounded as in the
 * composed steps of tfjs, so that both give the same weights; products are not fused with sums for this reason. Results
 * go to new memory: the stock kernels keep packed copies of weights by tensor, so a weight must not change in place.
 */

/** value' = value + factor · gradient; `factor` points to the negative learning rate. */
export function sgdStep(value: usize, gradient: usize, factor: usize, newValue: usize, size: i32, decay: f32, scale: f32): void {
  const rate = v128.load32_splat(factor);
  let i = 0;
  for (; i + 8 <= size; i += 8) {
    const step0 = f32x4.mul(rate, v128.load(gradient));
    const step1 = f32x4.mul(rate, v128.load(gradient, 16));
    v128.store(newValue, blended(step0, v128.load(value), decay, scale));
    v128.store(newValue, blended(step1, v128.load(value, 16), decay, scale), 16);
    value += 32;
    gradient += 32;
    newValue += 32;
  }
  for (; i < size; i += 4) {
    const step = f32x4.mul(rate, loadSome(gradient, size - i));
    storeSome(newValue, blended(step, loadSome(value, size - i), decay, scale), size - i);
    value += 16;
    gradient += 16;
    newValue += 16;
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
  decay: f32,
  scale: f32,
): void {
  const rate = v128.load32_splat(factor);
  const keep = v128.load32_splat(momentum);
  const ahead = i32x4.splat(nesterov ? -1 : 0);
  let i = 0;
  for (; i + 8 <= size; i += 8) {
    const g = v128.load(gradient);
    const m = normalOrZero(f32x4.add(f32x4.mul(keep, v128.load(slot)), g));
    v128.store(newSlot, m);
    v128.store(newValue, blended(f32x4.mul(rate, stepOf(g, m, keep, ahead)), v128.load(value), decay, scale));
    const h = v128.load(gradient, 16);
    const n = normalOrZero(f32x4.add(f32x4.mul(keep, v128.load(slot, 16)), h));
    v128.store(newSlot, n, 16);
    v128.store(newValue, blended(f32x4.mul(rate, stepOf(h, n, keep, ahead)), v128.load(value, 16), decay, scale), 16);
    value += 32;
    gradient += 32;
    slot += 32;
    newValue += 32;
    newSlot += 32;
  }
  for (; i < size; i += 4) {
    const left = size - i;
    const g = loadSome(gradient, left);
    const m = normalOrZero(f32x4.add(f32x4.mul(keep, loadSome(slot, left)), g));
    storeSome(newSlot, m, left);
    storeSome(newValue, blended(f32x4.mul(rate, stepOf(g, m, keep, ahead)), loadSome(value, left), decay, scale), left);
    value += 16;
    gradient += 16;
    slot += 16;
    newValue += 16;
    newSlot += 16;
  }
}

@inline
function stepOf(gradient: v128, slot: v128, momentum: v128, ahead: v128): v128 {
  return v128.bitselect(f32x4.add(gradient, f32x4.mul(slot, momentum)), slot, ahead);
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
  decay: f32,
  scale: f32,
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
    storeSome(at(newValue, i), blended(step, loadSome(at(value, i), left), decay, scale), left);
  }
}

/** old + scale · (old + step - decay · old - old), each operation left out where its number has no effect. */
@inline
function blended(step: v128, old: v128, decay: f32, scale: f32): v128 {
  let value = f32x4.add(step, old);
  if (decay != 0) value = f32x4.sub(value, f32x4.mul(old, f32x4.splat(decay)));
  if (scale != 1) value = f32x4.add(old, f32x4.mul(f32x4.sub(value, old), f32x4.splat(scale)));
  return value;
}

/** Denormal numbers become 0: a slot whose gradient stays 0 would else slow down every step. NaN stays NaN. */
@inline
function normalOrZero(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(1.17549435e-38)));
}
