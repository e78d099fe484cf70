import { getBackend, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireShape } from '../core/checks.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape, shapeList } from '../core/layer.js';
import { takeTokens } from '../ops/gather_tokens.js';
import { keepsHalfFloats } from '../ops/half_floats.js';
import { rankTokens, routeTokens, splitTokens } from './routing.js';

/** What every router has in common. */
export interface TokenPrunerConfig extends SeededArgs {
  /** Tokens to remove, per image: an absolute count. */
  prune: number;
  /** Whether token 0 is a class token, which is always kept and stays first. Default true. */
  classToken?: boolean;
}

/** Scores for the ranking, and what else the router returns after `[kept, pruned, order]`. */
export interface Scored {
  /** `[B, M]`; the tokens with the highest scores stay. */
  scores: Tensor;
  extras: Tensor[];
}

/**
 * Base of the routers: ranks tokens by a score, keeps the best, returns `[kept, pruned, order, ...extras]` and, given
 * token ids as last input, `[keptIds, prunedIds]` after them.
 */
export abstract class TokenPruner<Own extends object = object> extends SeededLayer<Options<TokenPrunerConfig> & Own> {
  /** Tokens that a call removes: the config's `prune`, unless a {@link PruningCurriculum} is under way. */
  rate: number;
  private scoresChecked = false;

  protected constructor(config: TokenPrunerConfig, owner: string, own: Own) {
    const prune = requireInteger(owner, 'prune', config.prune, 0);
    const classToken = requireBoolean(owner, 'classToken', config.classToken ?? true);
    super(config, owner, { prune, classToken, ...own });
    this.rate = prune;
  }

  /** Tensors expected before the optional ids: the tokens and what the score needs besides. */
  protected readonly scoreInputs: number = 1;

  protected abstract score(inputs: Tensor[], training: boolean): Scored;

  /** Shapes of the extras for tokens `[B, M, D]`. */
  protected extraShapes(_tokens: Shape): Shape[] {
    return [];
  }

  private keep(tokens: Shape, prune: number): number {
    const { classToken } = this.options;
    const count = requireShape(this.owner, 'tokens', tokens, ['batch', 'tokens', 'dim'])[1] as number;
    requireInteger(this.owner, 'prune', prune, 0, Math.max(0, count - (classToken ? 2 : 1)));
    return count - prune;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shapes = shapeList(inputShape);
    const [tokens = [], ids] = [shapes[0], shapes[this.scoreInputs]];
    if (shapes.length < this.scoreInputs || shapes.length > this.scoreInputs + 1)
      throw argumentError(this.owner, 'inputs', `${this.scoreInputs} tensors, or one more with ids`, shapes.length);
    this.keep(tokens, this.options.prune);
    if (ids) requireShape(this.owner, 'ids', ids, ['batch', tokens[1] ?? null]);
    this.buildScorer(shapes);
    super.build(inputShape);
  }

  /** Checks the scorer's inputs and adds its weights. */
  protected buildScorer(_shapes: Shape[]): void {}

  override computeOutputShape(inputShape: Shape | Shape[]): Shape[] {
    const shapes = shapeList(inputShape);
    const [batch = null, count = null, dim = null] = shapes[0] ?? [];
    const { prune } = this.options;
    const keep = this.keep(shapes[0] ?? [], prune);
    const routed = [[batch, keep, dim], [batch, prune, dim], [batch, count], ...this.extraShapes(shapes[0] ?? [])];
    return shapes.length > this.scoreInputs ? [...routed, [batch, keep], [batch, prune]] : routed;
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor[] {
    return tidy(() => {
      const list = asList(inputs);
      const tokens = list[0] as Tensor;
      const ids = list[this.scoreInputs];
      const keep = this.keep(tokens.shape, this.rate);
      const { scores, extras } = this.score(list.slice(0, this.scoreInputs), kwargs.training === true);
      this.checkOnce(scores);
      const order = rankTokens(scores, this.options.classToken);
      const { kept, pruned } = routeTokens(tokens, order, keep);
      if (ids === undefined) return [kept, pruned, order, ...extras];
      const route = splitTokens(takeTokens(ids, order), keep);
      return [kept, pruned, order, ...extras, route.kept, route.pruned];
    });
  }

  /** Reads the scores of the first call only (WebGPU cannot): a model that starts with NaN is told so, no later call waits. */
  private checkOnce(scores: Tensor): void {
    if (this.scoresChecked || getBackend() === 'webgpu') return;
    const isCoarse = keepsHalfFloats();
    if (isCoarse || !scores.dataSync().every(Number.isFinite))
      throw new Error(
        `${this.owner}: tokens must have finite scores, received ${isCoarse ? 'half floats (choose wasm)' : 'NaN or infinite ones'} at "${this.name}".`,
      );
    this.scoresChecked = true;
  }
}
