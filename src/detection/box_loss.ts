import {
  add,
  cast,
  div,
  exp,
  less,
  matMul,
  maximum,
  minimum,
  mul,
  neg,
  slice,
  sub,
  sum,
  type Tensor,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';

/** No image has so many patches along a side; from here on the exponential is cut off. */
const LARGEST = Math.log(1e4);

/** Distances in units of the patch from their logarithms, at most 10,000. */
export function distancesOf(logDistances: Tensor): Tensor {
  return exp(minimum(logDistances, LARGEST));
}

/** From distances `[N, 4]` (top, left, bottom, right) the side across each: width, height, width, height. */
function across(distances: Tensor): Tensor {
  const opposite = tensor2d([0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0], [4, 4]);
  return matMul(distances, opposite);
}

/** Width times height, `[N, 1]`. */
function areaOf(sides: Tensor): Tensor {
  const rows = sides.shape[0] as number;
  return mul(slice(sides, [0, 0], [rows, 1]), slice(sides, [0, 1], [rows, 1]));
}

/**
 * One minus the generalised overlap (GIoU) of boxes around a common point, weighted and summed up: boxes as distances of
 * their sides from the point, predicted ones as logarithms `[N, 4]`, true ones plain `[N, 4]`, weights `[N, 1]`. A scalar.
 *
 * The gradient flows to the logarithms. Where both distances are equal, it counts the predicted one as the larger.
 *
 * Source: Rezatofighi et al., "Generalized Intersection over Union" (2019); the distances are those of FCOS (Tian et al. 2019).
 */
export function boxLoss(logDistances: Tensor, distances: Tensor, weights: Tensor): Tensor {
  return withGradient(
    [logDistances],
    (x) => {
      const found = distancesOf(x);
      const [common, hull] = [minimum(found, distances), maximum(found, distances)];
      const inner = areaOf(across(common));
      const union = sub(add(areaOf(across(found)), areaOf(across(distances))), inner);
      const outer = areaOf(across(hull));
      // 1 - (I / U - (C - U) / C)
      const losses = sub(2, add(div(inner, union), div(union, outer)));
      return {
        value: sum(mul(losses, weights)),
        saved: { found, distances, weights, common, hull, inner, union, outer },
      };
    },
    (dy, { found, distances, weights, common, hull, inner, union, outer }) => {
      const isInner = cast(less(found, distances), 'float32');
      const innerSlope = mul(isInner, across(common));
      const outerSlope = mul(sub(1, isInner), across(hull));
      const unionSlope = sub(across(found), innerSlope);
      const ofUnion = sub(div(div(inner, union), union), div(1, outer));
      const ofOuter = div(div(union, outer), outer);
      const ofInner = neg(div(1, union));
      const slope = add(mul(ofInner, innerSlope), add(mul(ofUnion, unionSlope), mul(ofOuter, outerSlope)));
      // The division comes last: see `withCleanGradient`.
      return [div(mul(mul(slope, mul(found, weights)), dy), 1)];
    },
  );
}
