import { add, div, mean, mul, neg, relu, reshape, square, sub, sum, type Tensor } from '@tensorflow/tfjs-core';

/** Added to counts, so that a signal that abstains everywhere has error 0. */
const EPSILON = 1e-8;

/** Sum over all entries but the first axis, mean over that. */
function meanOfSums(x: Tensor): Tensor {
  return div(sum(x), x.shape[0] as number);
}

/** Squared amount by which labels `y [B, C]` lie below 0, summed over classes, mean over rows. */
export function belowZero(y: Tensor): Tensor {
  return meanOfSums(square(relu(neg(y))));
}

/** The same for labels above 1. */
export function aboveOne(y: Tensor): Tensor {
  return meanOfSums(square(relu(sub(y, 1))));
}

/** Squared deviation of each row's sum from 1, mean over rows. */
export function offSimplex(y: Tensor): Tensor {
  return mean(square(sub(sum(y, 1), 1)));
}

/** A sum over rows and the number of rows in it, which make a mean; `[L, C]` or `[P]`. */
export interface Tally {
  total: Tensor;
  count: Tensor;
}

/** Expected errors of signals: `y [B, C]`, `signals`, `mask [B, L, C]` → `[L, C]`, as sums and counts. */
export function tallyErrors(y: Tensor, signals: Tensor, mask: Tensor): Tally {
  const [batch = 0, , classes = 0] = signals.shape;
  const error = add(signals, mul(reshape(y, [batch, 1, classes]), sub(1, mul(signals, 2))));
  return { total: sum(mul(mask, error), 0), count: sum(mask, 0) };
}

/** Sums of scalar labels over groups: `y [B, 1]`, `members [B, P]` in {0, 1} → `[P]`. */
export function tallyGroups(y: Tensor, members: Tensor): Tally {
  return { total: sum(mul(members, y), 0), count: sum(members, 0) };
}

/** The mean that a tally stands for. */
export function tallied({ total, count }: Tally): Tensor {
  return div(total, add(count, EPSILON));
}

/** Squared amount by which errors exceed their bounds, summed. */
export function aboveBounds(errors: Tensor, bounds: Tensor): Tensor {
  return sum(square(relu(sub(errors, bounds))));
}
