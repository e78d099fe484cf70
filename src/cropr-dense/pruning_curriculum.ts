import { type Json, TrainingCallback } from '../core/callback.js';
import { requireInteger } from '../core/checks.js';
import { pruningCurriculum } from '../cropr/schedule.js';
import { TokenPruner } from '../cropr/token_pruner.js';

/** Options of {@link PruningCurriculum}. */
export interface PruningCurriculumConfig {
  /** Epochs of the whole training; the rates rise over the first half of them. */
  epochs: number;
  /**
   * Tokens that the first router removes from the first epoch on, beside its ramp: 1 where it was built to remove R + 1, as
   * one number `prune` does. Default 1.
   */
  first?: number;
}

/**
 * A callback that lets routers prune little at first and more with each epoch.
 *
 * In epoch e of E each router of the model (not of a nested one) removes `floor(R · e / (E/2 - 1))` tokens in the first
 * half, then R, its own `prune`; the first router one more from the start. It sets the `rate` of the routers when an epoch
 * begins, by the absolute epoch, and returns it to `prune` when training ends or throws; the config, and so a saved or
 * stripped model, always says R. It moves no weight, touches no optimizer state, may stand anywhere among callbacks, and
 * reports the tokens removed in all as `pruning/tokens`. A model without routers is left as it is.
 *
 * Source: the curriculum of Token Cropr's segmentation (CVPR 2025), as in the authors' code.
 *
 * @throws At construction for `epochs` or `first` that are no whole numbers of at least 1 and 0.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { PruningCurriculum, segmentationLoss, segmentationTargets, segmentationTransformer } from 'tfjs-llf';
 *
 * const model = segmentationTransformer({
 *   imageSize: 16, channels: 1, patchSize: 4, dim: 8, depth: 4, heads: 2, classes: 3, pruning: { prune: 4 },
 * });
 * model.compile({ optimizer: 'adam', loss: segmentationLoss() });
 * const targets = segmentationTargets(tf.zeros([2, 16, 16], 'int32'), model);
 * const callbacks = [new PruningCurriculum({ epochs: 4 })];
 * const { history } = await model.fit(tf.zeros([2, 16, 16, 1]), targets, { epochs: 4, verbose: 0, callbacks });
 * if (history['pruning/tokens']?.join() !== '1,9,9,9') throw new Error('5 and 4 tokens from the second epoch on');
 * ```
 */
export class PruningCurriculum extends TrainingCallback {
  override readonly name = 'pruning';
  private readonly epochs: number;
  private readonly first: number;

  constructor({ epochs, first = 1 }: PruningCurriculumConfig) {
    super();
    this.epochs = requireInteger('PruningCurriculum', 'epochs', epochs, 1);
    this.first = requireInteger('PruningCurriculum', 'first', first, 0);
  }

  override getConfig(): { readonly [key: string]: Json } {
    return { epochs: this.epochs, first: this.first };
  }

  private routers(): TokenPruner[] {
    return this.model.layers.filter((layer) => layer instanceof TokenPruner);
  }

  protected override started(): void {
    const routers = this.routers();
    this.undoLater(() => {
      for (const router of routers) router.rate = router.options.prune;
    });
  }

  protected override epochStarted(epoch: number): void {
    for (const [i, router] of this.routers().entries()) {
      const { prune } = router.options;
      const extra = i === 0 ? Math.min(this.first, prune) : 0;
      router.rate = extra + (pruningCurriculum(prune - extra, this.epochs)[epoch] ?? prune - extra);
    }
  }

  protected override epochEnded(_epoch: number, log: (key: string, value: number) => void): void {
    const removed = this.routers().reduce((sum, { rate }) => sum + rate, 0);
    log('pruning/tokens', removed);
  }
}
