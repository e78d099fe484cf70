import { type CallbackState, type Json, TrainingCallback } from '../core/callback.js';
import { argumentError, requireBoolean, requireInteger } from '../core/checks.js';
import { requireSlots, resetOptimizer } from '../core/optimizer_state.js';
import { resolveSeed } from '../core/random.js';
import { asOperation, type ForgetFunction, ForgetSession } from './forget_session.js';
import { type GenerationConfig, generationOf, requireEpochs, requireGenerations } from './generations.js';
import { type ForgetMemory, type ForgetOperation, memoryTensors } from './operation.js';

/** Options of {@link ForgetRelearn}. */
export interface ForgetRelearnConfig {
  /** Number of generations, the first one included: it is plain training, the others begin with forgetting. */
  generations: number;
  /** Epochs in each generation. Give this or `everySteps`. */
  epochsPerGeneration?: number | undefined;
  /** Forget after optimizer step n, counted from 0, for every multiple of this but 0, `generations - 1` times. */
  everySteps?: number | undefined;
  /** What happens at a forgetting: `knowledgeEvolution(...)`, `laterLayers(...)`, ..., or a function of yours. */
  operation: ForgetOperation | ForgetFunction;
  /** Whether the optimizer forgets too. Default: what the operation's authors do; true for a function. */
  resetOptimizer?: boolean | undefined;
  /** Seed of what is drawn. Default: a fresh one, which a checkpoint keeps. */
  seed?: number | undefined;
  /** Whether one `fit` may cover a part of the schedule only. Default false. */
  partial?: boolean | undefined;
}

/**
 * A callback that makes a model forget at the start of each generation but the first, and learn again: the frame of
 * later-layer forgetting, Knowledge Evolution, magnitude pruning with rewinding, RIFLE, dense-sparse-dense, layer-wise
 * re-initialisation, partial forgetting, born-again networks, and of a function of your own.
 *
 * Give it to `fit({ epochs: generations * epochsPerGeneration })` or `fitDataset`. Before the first batch of a generation
 * it changes the weights that the operation names, frozen ones excepted, and (unless told otherwise) makes the optimizer
 * forget its momenta, moments and counters. With `everySteps` it forgets after an optimizer step instead. Masks that
 * hold act within the optimizer step, after everything else, so that validation sees them too. It does not touch the
 * learning rate: add {@link LearningRateSchedule} with `cosineWarmup({ rise: 'toPeak', restart: true })`.
 *
 * It reports `forgetRelearn/generation`. Every draw depends on (seed, operation, generation, name of the weight) and on
 * nothing else. Callbacks that watch the loss (`earlyStopping`) mistake a forgetting for trouble. Of two callbacks that
 * change the same weights at the same moment the earlier in the list comes first; beside others the order is free.
 *
 * Source: Zhou et al., "Fortuitous Forgetting in Connectionist Networks" (2022).
 *
 * @throws At construction for options out of range; before the first batch for other epochs than the schedule's, unknown
 * layers, an optimizer whose slots cannot be found, or if it begins later than at epoch 0 without the state of the run
 * that it continues.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { cosineWarmup, ForgetRelearn, knowledgeEvolution, LearningRateSchedule } from 'tfjs-llf';
 *
 * const model = tf.sequential({
 *   layers: [
 *     tf.layers.dense({ units: 8, activation: 'relu', inputShape: [2] }),
 *     tf.layers.dense({ units: 1 }),
 *   ],
 * });
 * model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
 * const [generations, epochsPerGeneration] = [3, 2];
 * const operation = knowledgeEvolution({ splitRate: 0.5 });
 * await model.fit(tf.randomNormal([16, 2]), tf.randomNormal([16, 1]), {
 *   epochs: generations * epochsPerGeneration,
 *   verbose: 0,
 *   callbacks: [
 *     new LearningRateSchedule(cosineWarmup({ peak: 0.1, total: epochsPerGeneration, rise: 'toPeak', restart: true })),
 *     new ForgetRelearn({ generations, epochsPerGeneration, operation, seed: 1 }),
 *   ],
 * });
 * ```
 */
export class ForgetRelearn extends TrainingCallback {
  private readonly operation: ForgetOperation;
  private readonly schedule: Required<GenerationConfig> | undefined;
  private readonly generations: number;
  private readonly everySteps: number | undefined;
  private readonly clears: boolean;
  private readonly givenSeed: number | undefined;
  private seed: number;
  private memory: ForgetMemory = new Map();
  /** Whether `memory` is of the run under way. */
  private begun = false;
  private step = 0;
  private generation = 0;
  private session: ForgetSession | undefined;

  constructor(config: ForgetRelearnConfig) {
    super();
    const { generations, epochsPerGeneration, everySteps, seed, partial } = config;
    const { owner } = this;
    if ((epochsPerGeneration === undefined) === (everySteps === undefined)) {
      throw argumentError(owner, 'everySteps', 'given if epochsPerGeneration is not, and only then', everySteps);
    }
    this.generations = requireInteger(owner, 'generations', generations, 1);
    if (everySteps !== undefined) this.everySteps = requireInteger(owner, 'everySteps', everySteps, 1);
    if (epochsPerGeneration !== undefined) {
      this.schedule = requireGenerations(owner, { generations, epochsPerGeneration, partial: partial ?? false });
    }
    this.operation = asOperation(owner, config.operation);
    this.clears = requireBoolean(owner, 'resetOptimizer', config.resetOptimizer ?? this.operation.resetOptimizer);
    this.givenSeed = seed;
    this.seed = resolveSeed(seed, owner);
  }

  override get name(): string {
    return 'forgetRelearn';
  }

  /** The class's name in error messages. */
  protected get owner(): string {
    return 'ForgetRelearn';
  }

  override getConfig(): { readonly [key: string]: Json } {
    const { name, options } = this.operation;
    return {
      generations: this.generations,
      epochsPerGeneration: this.schedule?.epochsPerGeneration ?? null,
      everySteps: this.everySteps ?? null,
      operation: name,
      ...options,
      resetOptimizer: this.clears,
      seed: this.givenSeed ?? null,
    };
  }

  override getState(): CallbackState {
    const { seed, step, begun, generation } = this;
    return { values: { seed, step, begun, generation }, tensors: memoryTensors(this.memory) };
  }

  override setState({ values, tensors }: CallbackState): void {
    const integer = (key: string): number => requireInteger(this.owner, key, values[key]);
    this.seed = integer('seed');
    this.step = integer('step');
    this.generation = integer('generation');
    this.begun = values['begun'] === true;
    this.memory = new Map(
      Object.entries(tensors).map(([key, value]) => [
        key,
        { values: value.dataSync<'float32' | 'bool'>().slice(), shape: value.shape },
      ]),
    );
  }

  protected override started(): void {
    const { model, operation, owner, schedule } = this;
    if (schedule) requireEpochs(owner, this, schedule);
    if (this.clears) requireSlots(owner, model.optimizer);
    operation.check?.(model);
    const initialEpoch = (this.params['initialEpoch'] ?? 0) as number;
    const { beginsAt = 0 } = operation;
    if (schedule && beginsAt >= schedule.epochsPerGeneration) {
      throw argumentError(
        owner,
        'rewind',
        `an epoch of the first generation (of ${schedule.epochsPerGeneration})`,
        beginsAt,
      );
    }
    if (initialEpoch === 0) {
      this.memory.clear();
      this.begun = false;
      this.step = 0;
      this.generation = 0;
    } else if (operation.begin && !this.begun && initialEpoch > beginsAt) {
      throw argumentError(owner, 'initialEpoch', '0, or the state of the run that goes on restored', initialEpoch);
    }
    const session = new ForgetSession(model, operation, { seed: this.seed, generations: this.generations });
    for (const [key, value] of this.memory) session.memory.set(key, value);
    this.memory = session.memory;
    this.session = session;
    this.undoLater(session.hook(model.optimizer));
    // A generation that begins now forgets first; within one, what it holds goes on.
    if (schedule)
      this.generation = generationOf(Math.max(initialEpoch - 1, 0), schedule.epochsPerGeneration).generation;
    session.resume(this.generation);
  }

  protected override async epochStarted(epoch: number): Promise<void> {
    const { session, operation, schedule } = this;
    if (operation.begin && epoch === (operation.beginsAt ?? 0)) {
      await session?.begin();
      this.begun = true;
    }
    const batches = this.batchesPerEpoch();
    if (batches !== undefined) this.step = epoch * batches;
    if (!schedule) return;
    const { generation, within } = generationOf(epoch, schedule.epochsPerGeneration);
    if (within === 0 && generation > 0) await this.forget(generation);
  }

  protected override async batchEnded(): Promise<void> {
    const { everySteps } = this;
    this.session?.settle();
    const step = this.step++;
    if (everySteps === undefined || step === 0 || step % everySteps > 0) return;
    if (step / everySteps < this.generations) await this.forget(step / everySteps);
  }

  protected override epochEnded(_epoch: number, log: (key: string, value: number) => void): void {
    log(`${this.name}/generation`, this.generation);
  }

  private async forget(generation: number): Promise<void> {
    await this.session?.forget(generation);
    this.generation = generation;
    if (this.clears) resetOptimizer(this.model.optimizer);
  }
}
