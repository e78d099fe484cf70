import { argumentError, requireInteger } from '../core/checks.js';

/** Which blocks are followed by a pruning module, and how many tokens each module removes. */
export interface PruningPlan {
  /** 0-based indices of the blocks that a module follows. */
  after: number[];
  /** Tokens removed by each module. */
  prune: number[];
}

/**
 * Blocks that a module follows by default: all but the last, and with fusion also not the one before it, whose pruned
 * tokens would come back at once (Token Cropr, network assembly).
 */
export function defaultModuleBlocks(depth: number, fusion: boolean): number[] {
  return Array.from({ length: Math.max(0, depth - (fusion ? 2 : 1)) }, (_, i) => i);
}

/**
 * Tokens removed per module. One number R means the paper's rule: R by each module and R + 1 by the first one, so that
 * the class token's odd one out disappears. A list is taken as it is.
 */
export function pruningRates(prune: number | readonly number[], modules: number): number[] {
  if (typeof prune !== 'number') return [...prune];
  return Array.from({ length: modules }, (_, i) => (i === 0 ? prune + 1 : prune));
}

/**
 * Token counts after each module: `tokenCounts(197, [9, 8])` is `[188, 180]`.
 *
 * @example
 * ```ts
 * import { pruningRates, tokenCounts } from 'tfjs-llf';
 *
 * const counts = tokenCounts(197, pruningRates(8, 22)); // ViT-L/16 at 224 px with fusion
 * if (counts[21] !== 20) throw new Error('20 tokens reach the block before the last');
 * ```
 */
export function tokenCounts(tokens: number, rates: readonly number[]): number[] {
  let left = tokens;
  return rates.map((rate) => {
    left -= rate;
    return left;
  });
}

/** Checks a user's schedule against the depth of the network and returns it in full. */
export function pruningPlan(
  owner: string,
  depth: number,
  prune: number | readonly number[],
  after: readonly number[] | undefined,
  fusion: boolean,
): PruningPlan {
  const last = depth - (fusion ? 3 : 2);
  if (last < 0)
    throw argumentError(owner, 'depth', `at least ${fusion ? '3 with pruning and fusion' : '2 with pruning'}`, depth);
  const blocks = after ? [...after] : defaultModuleBlocks(depth, fusion);
  if (blocks.length === 0) throw argumentError(owner, 'pruning.after', 'a list of at least one block', blocks);
  blocks.forEach((block, i) => {
    requireInteger(owner, `pruning.after[${i}]`, block, 0, last);
    if (i > 0 && block <= (blocks[i - 1] as number))
      throw argumentError(owner, 'pruning.after', 'a strictly increasing list of block indices', blocks);
  });
  if (typeof prune !== 'number' && prune.length !== blocks.length)
    throw argumentError(owner, 'pruning.prune', `a number or a list of ${blocks.length} (one per module)`, prune);
  const rates = pruningRates(
    typeof prune === 'number' ? requireInteger(owner, 'pruning.prune', prune, 0) : prune,
    blocks.length,
  );
  for (const [i, rate] of rates.entries()) requireInteger(owner, `pruning.prune[${i}]`, rate, 0);
  return { after: blocks, prune: rates };
}

/**
 * The paper's curriculum for segmentation: the rate of each epoch rises linearly to `rate` over the first half of the
 * epochs, rounded down, and stays. (The first module prunes one more, also at rate 0.)
 */
export function pruningCurriculum(rate: number, epochs: number): number[] {
  const ramp = Math.floor(epochs / 2);
  return Array.from({ length: epochs }, (_, epoch) =>
    epoch < ramp && ramp > 1 ? Math.floor((rate * epoch) / (ramp - 1)) : rate,
  );
}
