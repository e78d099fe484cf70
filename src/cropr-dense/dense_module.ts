import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { AttentionPruner } from '../cropr/attention_pruner_layer.js';
import { AuxHead } from '../cropr/aux_head_layer.js';
import { CroprPruner } from '../cropr/cropr_pruner_layer.js';
import { LastLayerFusion } from '../cropr/last_layer_fusion_layer.js';
import { RandomPruner } from '../cropr/random_pruner_layer.js';
import { LogitFusion } from './logit_fusion_layer.js';
import { TokenGrid } from './token_grid_layer.js';

/** Scores `[B, M]` of the tokens that are left, from the image and the ids `[B, M]` of those tokens; 0 is the class token's. */
export type TokenScores = (image: SymbolicTensor, ids: SymbolicTensor) => SymbolicTensor;

/**
 * How tokens are chosen: by learned queries, one per patch, at random, by the class token's attention, or by scores of your
 * own, of which the highest stay.
 */
export type DenseRouter = 'cropr' | 'random' | 'attention' | TokenScores;

/**
 * What becomes of pruned tokens: they return before the last block (`'lastLayer'`, the paper's) or behind it (`'end'`),
 * keep what the auxiliary head of that moment predicted (`'logits'`, as DToP has it), or are gone (`'none'`: zeros).
 */
export type DenseFusion = 'lastLayer' | 'end' | 'logits' | 'none';

/** Pruning of a {@link segmentationTransformer}. */
export interface DensePruningConfig {
  /** Tokens that each module removes: one number R (the first R + 1), or a list with one number per module. */
  prune: number | readonly number[];
  /** 0-based blocks that a module follows. Default: all but the last two, without `'lastLayer'` fusion but the last. */
  after?: readonly number[];
  /** Default `'lastLayer'`. `'logits'` asks for the router `'cropr'`. */
  fusion?: DenseFusion;
  /** Default `'cropr'`. */
  router?: DenseRouter;
}

/** All routers with a name, and all ways of fusion. */
export const ROUTERS: readonly Exclude<DenseRouter, TokenScores>[] = ['cropr', 'random', 'attention'];
export const FUSIONS: readonly DenseFusion[] = ['lastLayer', 'end', 'logits', 'none'];

/** The sequence between two blocks. */
export interface Sequence {
  tokens: SymbolicTensor;
  ids: SymbolicTensor;
}

/** What a pruning module took out, and what it predicted. */
export interface Removed extends Sequence {
  auxLogits?: SymbolicTensor;
}

/** Name and seed of a layer. */
export type Named = (name: string) => { name: string; seed: number };

/** One pruning module behind a block: what is left, and what is removed. `scores` for a router that does not make its own. */
export function pruneTokens(
  router: DenseRouter,
  prune: number,
  { tokens, ids }: Sequence,
  scores: SymbolicTensor | undefined,
  { queries, units, named }: { queries: number; units: number; named: Named },
): { left: Sequence; removed: Removed } {
  const args = { prune, ...named('router') };
  if (router !== 'cropr') {
    const layer = router === 'random' ? new RandomPruner(args) : new AttentionPruner(args);
    const routed = layer.apply(scores ? [tokens, scores, ids] : [tokens, ids]) as SymbolicTensor[];
    const [kept, pruned, , keptIds, prunedIds] = routed as [SymbolicTensor, SymbolicTensor, ...SymbolicTensor[]];
    return split(kept, pruned, keptIds, prunedIds);
  }
  const outputs = new CroprPruner({ ...args, queries }).apply([tokens, ids]) as SymbolicTensor[];
  const [kept, pruned, , logits, keptIds, prunedIds] = outputs as [SymbolicTensor, SymbolicTensor, ...SymbolicTensor[]];
  const head = new AuxHead({ units, ...named('aux') });
  const auxLogits = head.apply([tokens, logits as SymbolicTensor]) as SymbolicTensor;
  const { left, removed } = split(kept, pruned, keptIds, prunedIds);
  return { left, removed: { ...removed, auxLogits } };
}

function split(
  kept: SymbolicTensor,
  pruned: SymbolicTensor,
  keptIds: SymbolicTensor | undefined,
  prunedIds: SymbolicTensor | undefined,
): { left: Sequence; removed: Sequence } {
  return {
    left: { tokens: kept, ids: keptIds as SymbolicTensor },
    removed: { tokens: pruned, ids: prunedIds as SymbolicTensor },
  };
}

/** All tokens again, in their order. */
export function fuseAll({ tokens, ids }: Sequence, removed: readonly Sequence[]): SymbolicTensor {
  const parts = [tokens, ...removed.map((one) => one.tokens), ids, ...removed.map((one) => one.ids)];
  return new LastLayerFusion({ name: 'fusion', restoreOrder: true }).apply(parts) as SymbolicTensor;
}

/** The tokens that are left at their places, zeros elsewhere. */
export function placeTokens({ tokens, ids }: Sequence, count: number): SymbolicTensor {
  return new TokenGrid({ name: 'fusion', tokens: count }).apply([tokens, ids]) as SymbolicTensor;
}

/** Final logits of the tokens that are left, early ones of the others. */
export function fusePredictions(logits: Sequence, removed: readonly Removed[]): SymbolicTensor {
  const early = removed.flatMap(({ auxLogits, ids }) => [auxLogits as SymbolicTensor, ids]);
  return new LogitFusion({ name: 'fusion' }).apply([logits.tokens, logits.ids, ...early]) as SymbolicTensor;
}
