import { neg, serialization, type Tensor } from '@tensorflow/tfjs-core';
import { requireBoolean, requireInteger, requireOneOf } from '../core/checks.js';
import { ones, truncatedNormal, zeros } from '../core/laws.js';
import type { Options, Shape } from '../core/layer.js';
import { layerNorm } from '../ops/layer_norm.js';
import { stopGradient } from '../ops/stop_gradient.js';
import { BLOCK_EPSILON } from './aggregation.js';
import { crossAttentionLogits, foldedScores, foldQueries, type Scorer, scoresOf } from './scoring.js';
import { type Scored, TokenPruner, type TokenPrunerConfig } from './token_pruner.js';
import { DENSE, requireWidth } from './weights.js';

/** The weights of a router; those it was not asked for are missing. */
type RouterWeights = Omit<Scorer, 'heads'> & Partial<Record<'gamma' | 'beta', Tensor>>;

/** Configuration of {@link CroprPruner}. */
export interface CroprPrunerConfig extends TokenPrunerConfig {
  /** Learned queries N: 1 for classification, one per grid cell for dense tasks. Default 1. */
  queries?: number;
  /** Heads of the cross-attention; must divide the token width. Default 1. */
  heads?: number;
  /** Learned projection of the queries, without bias. Default false. */
  queryProjection?: boolean;
  /** Learned projection of the tokens to keys, without bias. Default false. */
  keyProjection?: boolean;
  /** Layer norm (epsilon 1e-6) on the tokens that are scored, not on those that are routed. Default false. */
  preNorm?: boolean;
  /** Return the attention logits, which an {@link AuxHead} needs to train the queries. Default true. */
  returnAttention?: boolean;
  /** Which tokens stay: the ones with the highest scores, or (a control) the lowest. Default `'salient'`. */
  keep?: 'salient' | 'nonSalient';
}

/**
 * Router of Token Cropr: keeps the tokens that learned queries attend to and prunes the rest.
 *
 * **Input** tokens `[B, M, D]` float32, or `[tokens, ids]` with ids `[B, M]` int32.
 * **Output** `[kept, pruned, order, attention, normalized?, keptIds?, prunedIds?]`:
 * `kept [B, M - prune, D]` and `pruned [B, prune, D]` sorted by falling score, `order [B, M]` int32 (the ranking, class
 * token first), `attention [B, heads, queries, M]` (unscaled logits; with `returnAttention`), `normalized [B, M, D]` (with
 * `preNorm` and `returnAttention`: feed it to `AuxHead({ detach: false })` instead of the tokens), `keptIds` and
 * `prunedIds` (with ids).
 *
 * **Weights** `queries [N, D]`; `queryKernel`, `keyKernel [D, D]`; `gamma`, `beta [D]` with `preNorm`.
 *
 * **Gradients** What reaches `kept` and `pruned` flows to the tokens. What reaches `attention` flows to this layer's
 * weights and stops there. The ranking passes none. So the auxiliary loss trains the queries and the main loss the
 * backbone.
 *
 * **Errors** at construction for a `prune` that is not a whole number of at least 0; when it is connected for one that
 * leaves no token, for `heads` that do not divide D, for a wrong rank; at the first call for scores that are not finite.
 *
 * Source: Bergner, Lippert, Mahendran, "Token Cropr", CVPR 2025. Equal to the authors' code; a token's score is the sum
 * of its logits over heads and queries, and without `returnAttention` it is computed from the folded queries.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { AuxHead, CroprPruner } from 'tfjs-llf';
 *
 * const tokens = tf.input({ shape: [17, 32] });
 * const [kept, , , attention] = new CroprPruner({ prune: 8 }).apply(tokens) as tf.SymbolicTensor[];
 * const aux = new AuxHead({ units: 10 }).apply([tokens, attention]) as tf.SymbolicTensor;
 * const pooled = tf.layers.globalAveragePooling1d().apply(kept) as tf.SymbolicTensor;
 * const logits = tf.layers.dense({ units: 10 }).apply(pooled) as tf.SymbolicTensor;
 * const model = tf.model({ inputs: tokens, outputs: [logits, aux] });
 * model.summary(80, undefined, () => {});
 * ```
 */
export class CroprPruner extends TokenPruner<Options<CroprPrunerConfig, TokenPrunerConfig>> {
  static readonly className: string = 'LLFCroprPruner';

  constructor(config: CroprPrunerConfig) {
    super(config, 'CroprPruner', {
      queries: requireInteger('CroprPruner', 'queries', config.queries ?? 1, 1),
      heads: requireInteger('CroprPruner', 'heads', config.heads ?? 1, 1),
      queryProjection: requireBoolean('CroprPruner', 'queryProjection', config.queryProjection ?? false),
      keyProjection: requireBoolean('CroprPruner', 'keyProjection', config.keyProjection ?? false),
      preNorm: requireBoolean('CroprPruner', 'preNorm', config.preNorm ?? false),
      returnAttention: requireBoolean('CroprPruner', 'returnAttention', config.returnAttention ?? true),
      keep: requireOneOf('CroprPruner', 'keep', config.keep ?? 'salient', ['salient', 'nonSalient']),
    });
  }

  protected override buildScorer([tokens = []]: Shape[]): void {
    const { queries, heads, queryProjection, keyProjection, preNorm } = this.options;
    const dim = requireWidth(this.owner, tokens, heads);
    this.addWeights({
      queries: [[queries, dim], truncatedNormal(dim ** -0.5)],
      queryKernel: queryProjection && [[dim, dim], DENSE],
      keyKernel: keyProjection && [[dim, dim], DENSE],
      gamma: preNorm && [[dim], ones],
      beta: preNorm && [[dim], zeros],
    });
  }

  /** The vector `[D]` that replaces all queries and projections at inference; the caller disposes it. */
  foldedQuery(): Tensor {
    return foldQueries(this.values());
  }

  protected override score([tokens]: Tensor[]): Scored {
    const { heads, returnAttention } = this.options;
    const { gamma, beta, ...weights } = this.values<RouterWeights>();
    const detached = stopGradient(tokens as Tensor);
    const scored = gamma && beta ? layerNorm(detached, gamma, beta, BLOCK_EPSILON) : detached;
    if (!returnAttention) return { scores: this.signed(foldedScores(scored, foldQueries(weights))), extras: [] };
    const attention = crossAttentionLogits(scored, { ...weights, heads });
    return { scores: this.signed(scoresOf(attention)), extras: gamma ? [attention, scored] : [attention] };
  }

  private signed(scores: Tensor): Tensor {
    return this.options.keep === 'salient' ? scores : neg(scores);
  }

  protected override extraShapes([batch = null, count = null, dim = null]: Shape): Shape[] {
    const { heads, queries, preNorm, returnAttention } = this.options;
    if (!returnAttention) return [];
    const attention = [batch, heads, queries, count];
    return preNorm ? [attention, [batch, count, dim]] : [attention];
  }
}
serialization.registerClass(CroprPruner);
