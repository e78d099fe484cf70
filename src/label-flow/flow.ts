import { add, mul, square, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import {
  applyAffine,
  type Condition,
  type CouplingOptions,
  type CouplingWeights,
  couplingAffine,
  type Rows,
} from './coupling.js';

/** A conditional flow whose conditions are known: its couplings, in the order from noise to label. */
export interface Flow extends CouplingOptions {
  /** Which label dimensions each coupling changes. */
  warps: readonly (readonly number[])[];
  couplings: readonly CouplingWeights[];
  conditions: readonly Condition[];
}

/** Where a flow arrives, and the log-determinant of its Jacobian `[1, P, Q]`. */
export interface Flowed {
  rows: Rows;
  logDet: Tensor;
}

/** From noise to label, or with `back` from label to noise; `each` is told of every coupling's result. */
export function runFlow(start: Rows, flow: Flow, back = false, each?: (rows: Rows, logDet: Tensor) => void): Flowed {
  const { warps, couplings, conditions } = flow;
  let rows = start;
  // The first dimension counts nothing: it gives the sum its shape.
  let logDet = mul(start[0] as Tensor, 0);
  const order = warps.map((_, i) => (back ? warps.length - 1 - i : i));
  for (const place of order) {
    const warp = warps[place] as readonly number[];
    const weights = couplings[place] as CouplingWeights;
    const affine = couplingAffine(rows, warp, place, weights, conditions[place] as Condition, flow);
    rows = applyAffine(rows, warp, affine, back);
    logDet = back ? sub(logDet, affine.logDet) : add(logDet, affine.logDet);
    each?.(rows, affine.logDet);
  }
  return { rows, logDet };
}

/** Log-density of standard normal noise, over all its dimensions: `[1, P, Q]`. */
export function logNormal(rows: Rows): Tensor {
  const squares = rows.map((row) => square(row)).reduce((total, one) => add(total, one));
  return sub(mul(squares, -0.5), (rows.length / 2) * Math.log(2 * Math.PI));
}

/** Sum over all points of each cloud: `[1, P, Q]` → `[P]`. */
export function overPoints(x: Tensor): Tensor {
  return sum(x, [0, 2]);
}
