import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { argumentError, requireOneOf } from '../core/checks.js';
import { AttentionPruner } from './attention_pruner_layer.js';
import { AuxHead } from './aux_head_layer.js';
import { CroprPruner, type CroprPrunerConfig } from './cropr_pruner_layer.js';
import { RandomPruner } from './random_pruner_layer.js';
import { TokenMerger } from './token_merger_layer.js';
import type { BlockOutput } from './transformer.js';
import { VariancePruner } from './variance_pruner_layer.js';

/**
 * How tokens are chosen: by learned queries (`'cropr'`), its inverse (`'nonSalient'`), at random, by the variance of their
 * features, by the class token's attention, or merged by similarity (`'tome'`).
 */
export type Router = 'cropr' | 'random' | 'variance' | 'attention' | 'nonSalient' | 'tome';

/** Pruning of a {@link visionTransformer}. */
export interface PruningConfig {
  /**
   * Tokens that each module removes: one number R (R by each, R + 1 by the first, as in the paper), or a list with one
   * number per module.
   */
  prune: number | readonly number[];
  /**
   * 0-based blocks that a module follows. Default: all but the last, and with fusion all but the last two. One block and
   * a high count is the aggressive one-step schedule.
   */
  after?: readonly number[];
  /** Last Layer Fusion: the last block sees all tokens again. Default true; `'tome'` drops no token and has none. */
  fusion?: boolean;
  /** Default `'cropr'`. */
  router?: Router;
  /** Options of the scorers and their aux heads; of use with `'cropr'` and `'nonSalient'` only. */
  scorer?: Pick<CroprPrunerConfig, 'heads' | 'queryProjection' | 'keyProjection' | 'preNorm'> & {
    /** Learned values in the aux heads. Default false. */
    valueProjection?: boolean;
  };
}

/** What each router wants to know from the block before it. */
export const BLOCK_OUTPUT: Readonly<Record<Router, BlockOutput>> = {
  cropr: 'none',
  nonSalient: 'none',
  random: 'none',
  variance: 'none',
  attention: 'classAttention',
  tome: 'keys',
};

/** The sequence between two blocks. */
export interface Sequence {
  tokens: SymbolicTensor;
  /** How many patches each token stands for, once tokens were merged. */
  sizes?: SymbolicTensor | undefined;
}

/** What a pruning module leaves behind. */
export interface Routed extends Sequence {
  pruned?: SymbolicTensor | undefined;
  auxLogits?: SymbolicTensor;
}

/** The router asked for, once it fits the other options. */
export function chosenRouter(owner: string, { router = 'cropr', fusion, scorer }: PruningConfig): Router {
  requireOneOf(owner, 'pruning.router', router, Object.keys(BLOCK_OUTPUT) as Router[]);
  if (router === 'tome' && fusion === true)
    throw argumentError(owner, 'pruning.fusion', 'false for "tome", which drops no token', fusion);
  if (scorer !== undefined && router !== 'cropr' && router !== 'nonSalient')
    throw argumentError(owner, 'pruning.scorer', `left out for "${router}", which scores without queries`, scorer);
  return router;
}

/** One pruning module behind a block. */
export function applyRouter(
  router: Router,
  { scorer = {} }: PruningConfig,
  prune: number,
  { tokens, sizes, extra }: Sequence & { extra: SymbolicTensor | undefined },
  classes: number,
  named: (name: string) => { name: string; seed: number },
): Routed {
  const args = { prune, ...named('router') };
  const apply = (layer: AttentionPruner | RandomPruner | VariancePruner, inputs: SymbolicTensor[]): Routed => {
    const [kept, pruned] = layer.apply(
      inputs.length === 1 ? (inputs[0] as SymbolicTensor) : inputs,
    ) as SymbolicTensor[];
    return { tokens: kept as SymbolicTensor, pruned };
  };
  const block = extra ? [tokens, extra] : [tokens];
  if (router === 'random') return apply(new RandomPruner(args), block);
  if (router === 'variance') return apply(new VariancePruner(args), block);
  if (router === 'attention') return apply(new AttentionPruner(args), block);
  if (router === 'tome') {
    const merger = new TokenMerger({ prune, name: args.name });
    const [merged, counts] = merger.apply(sizes ? [...block, sizes] : block) as [SymbolicTensor, SymbolicTensor];
    return { tokens: merged, sizes: counts };
  }
  const { valueProjection = false, ...scorerOptions } = scorer;
  const pruner = new CroprPruner({ ...args, ...scorerOptions, keep: router === 'cropr' ? 'salient' : 'nonSalient' });
  const [kept, pruned, , attention, normalized] = pruner.apply(tokens) as SymbolicTensor[];
  const head = new AuxHead({
    units: classes,
    valueProjection,
    heads: pruner.options.heads,
    detach: normalized === undefined,
    ...named('aux'),
  });
  const auxLogits = head.apply([normalized ?? tokens, attention as SymbolicTensor]) as SymbolicTensor;
  return { tokens: kept as SymbolicTensor, pruned, auxLogits };
}
