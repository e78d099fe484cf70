import { clone, dispose, keep, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { type Json, TrainingCallback } from '../core/callback.js';
import { requireNumber } from '../core/checks.js';
import { requireSlots, resetOptimizer } from '../core/optimizer_state.js';
import {
  type AscentConfig,
  ascending,
  hookAscent,
  relativeChange,
  requireAscent,
  type SealPhase,
  sealPhases,
} from './ascent.js';
import { type GenerationConfig, requireEpochs, requireGenerations } from './generations.js';

/** Options of {@link SEALAnnealer}. */
export interface SEALAnnealerConfig extends GenerationConfig, AscentConfig {
  /**
   * Epochs of ascent at the start of each generation but the first, an integer below `epochsPerGeneration`; the authors
   * take a quarter. 0 only lets the optimizer forget, which is the baseline of restarts.
   */
  ascentEpochs: number;
  /** Loss of an ascent epoch above which training stops; one that is not finite always stops it. Default: none. */
  maxLoss?: number;
  /** Relative change of the ascending weights in one epoch above which training stops. Default 1. */
  maxChange?: number;
}

const OWNER = 'SEALAnnealer';

/**
 * A callback for SEAL: at the start of each generation but the first, the early layers climb the loss in small steps for
 * some epochs, while the later layers go on descending; then all descend.
 *
 * Give it to `fit({ epochs: generations * epochsPerGeneration })` or `fitDataset`. It acts within the optimizer step on
 * the trained weights of the early layers (batch norm's scale and shift too): their *update* is reflected, which is right
 * for every optimizer (see {@link ascend}). Before the first epoch of an ascent and before the first one after it, the
 * optimizer forgets its momenta, moments and counters. It does not touch the learning rate: add {@link
 * LearningRateSchedule} with `cosineWarmup({ rise: 'toPeak', restart: true })`, which is not restarted after the ascent.
 * A {@link WeightDecay} is switched off for what ascends; a `kernelRegularizer` cannot be.
 *
 * It reports `seal/generation`, `seal/phase` (1 while ascending), `seal/change` (relative change of the ascending
 * weights in the epoch, 0 while descending) and `seal/diverged`. When an ascent ends in a loss or weights that are not
 * finite, or beyond `maxLoss` or `maxChange`, training stops after that epoch, and `divergence` says why. Callbacks that
 * watch the loss (`earlyStopping`) mistake an ascent for trouble. Other callbacks may stand before or after it.
 *
 * Source: Sarfi et al., "Simulated Annealing in Early Layers Leads to Better Generalization" (2023), as published.
 *
 * @throws At construction for options out of range; before the first batch for other epochs than the schedule's, an
 * unknown layer, an early set with none or all of the trained weights, an optimizer whose slots cannot be found.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { cosineWarmup, LearningRateSchedule, SEALAnnealer } from 'tfjs-llf';
 *
 * const model = tf.sequential({
 *   layers: [
 *     tf.layers.dense({ name: 'first', units: 8, activation: 'relu', inputShape: [2] }),
 *     tf.layers.dense({ name: 'second', units: 8, activation: 'relu' }),
 *     tf.layers.dense({ name: 'head', units: 1 }),
 *   ],
 * });
 * model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
 * const [generations, epochsPerGeneration] = [3, 4];
 * const rate = cosineWarmup({ peak: 0.1, warmup: 1, total: epochsPerGeneration, rise: 'toPeak', restart: true });
 * const { history } = await model.fit(tf.randomNormal([16, 2]), tf.randomNormal([16, 1]), {
 *   epochs: generations * epochsPerGeneration,
 *   verbose: 0,
 *   callbacks: [
 *     new LearningRateSchedule(rate),
 *     new SEALAnnealer({ generations, epochsPerGeneration, ascentEpochs: 1, early: 'second' }),
 *   ],
 * });
 * console.log(history['seal/phase']); // 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0
 * ```
 */
export class SEALAnnealer extends TrainingCallback {
  override readonly name = 'seal';
  /** Why the last training was stopped, if an ascent diverged. */
  divergence: string | undefined;
  private readonly generations: Required<GenerationConfig>;
  private readonly ascent: Required<AscentConfig>;
  private readonly numbers: { readonly ascentEpochs: number; readonly maxLoss: number; readonly maxChange: number };
  private readonly phaseOf: (epoch: number) => SealPhase;
  private phase: SealPhase | undefined;
  private climbing: ReadonlySet<Variable> = new Set();
  /** The ascending weights at the start of the epoch. */
  private before: Tensor[] = [];

  constructor(config: SEALAnnealerConfig) {
    super();
    const { ascentEpochs, maxLoss = Number.MAX_VALUE, maxChange = 1 } = config;
    this.generations = requireGenerations(OWNER, config);
    this.phaseOf = sealPhases(OWNER, { ...this.generations, ascentEpochs });
    this.ascent = requireAscent(OWNER, config);
    this.numbers = {
      ascentEpochs,
      maxLoss: requireNumber(OWNER, 'maxLoss', maxLoss),
      maxChange: requireNumber(OWNER, 'maxChange', maxChange, Number.MIN_VALUE),
    };
  }

  override getConfig(): { readonly [key: string]: Json } {
    const { early } = this.ascent;
    const { partial: _, ...generations } = this.generations;
    const selection = typeof early === 'function' ? 'a predicate' : (early as Json);
    return { ...generations, ...this.numbers, ...this.ascent, early: selection };
  }

  protected override started(): void {
    const { model, ascent } = this;
    requireEpochs(OWNER, this, this.generations);
    requireSlots(OWNER, model.optimizer);
    this.divergence = undefined;
    this.climbing = ascending(OWNER, model, ascent);
    this.undoLater(() => this.forget());
    this.undoLater(hookAscent(model.optimizer, model, ascent, this.climbing, () => this.phase?.ascends === true));
  }

  protected override epochStarted(epoch: number): void {
    this.forget();
    this.phase = this.phaseOf(epoch);
    if (this.phase.clears) resetOptimizer(this.model.optimizer);
    if (this.phase.ascends) this.before = [...this.climbing].map((weight) => keep(clone(weight)));
  }

  protected override async epochEnded(
    epoch: number,
    log: (key: string, value: number) => void,
    logs: unknown,
  ): Promise<void> {
    const { generation, ascends } = this.phase ?? this.phaseOf(epoch);
    const change = ascends ? await this.change() : 0;
    const { loss = 0 } = ascends ? await this.readLogs(logs) : {};
    const { maxLoss, maxChange } = this.numbers;
    const diverged = !(loss <= maxLoss && change <= maxChange);
    if (diverged) {
      this.divergence = `${OWNER}: the ascent of epoch ${epoch} diverged: loss ${loss}, relative change ${change}.`;
      this.model.stopTraining = true;
    }
    log('seal/generation', generation);
    log('seal/phase', Number(ascends));
    log('seal/change', change);
    log('seal/diverged', Number(diverged));
  }

  /** Length of the epoch's step of the ascending weights, over their length before it. */
  private async change(): Promise<number> {
    const ratio = relativeChange([...this.climbing], this.before);
    const [value] = await ratio.data();
    ratio.dispose();
    return value as number;
  }

  private forget(): void {
    dispose(this.before);
    this.before = [];
    this.phase = undefined;
  }
}
