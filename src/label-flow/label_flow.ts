import {
  add,
  dispose,
  gather,
  mul,
  reshape,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor,
  tidy,
  train,
  variable,
} from '@tensorflow/tfjs-core';
import {
  CustomCallback,
  input,
  type LayersModel,
  model as modelOf,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { argumentError, requireInteger, requireNumber } from '../core/checks.js';
import { setLearningRate } from '../core/learning_rate.js';
import { resolveSeed, uniformStream } from '../core/random.js';
import type { Bounds } from './bounds.js';
import { ConditionalFlow, type ConditionalFlowConfig } from './conditional_flow_layer.js';
import {
  type Features,
  type Matrix,
  readFeatures,
  type Scaling,
  scaledFeatures,
  scaledMatrix,
  scalingOf,
} from './features.js';
import { type FlowLoss, type FlowLossConfig, groupMeanLoss, labelFlowLoss } from './loss.js';
import { packSignals } from './pack.js';
import { brokenBounds, type LabelFlowReport, partMeans } from './training_report.js';
import { classPrior } from './vote_labels.js';
import { expectedErrors } from './vote_summary.js';
import type { Votes } from './votes.js';
import { likeliest, probabilitiesOf, type WeakLearner } from './weak_learner.js';
import { readProblem, voteTensors } from './weak_problem.js';

/** Options of {@link labelFlow}. */
export interface LabelFlowConfig extends Omit<ConditionalFlowConfig, 'name'>, FlowLossConfig {
  /** Width of the features. */
  features: number;
  /** Number of classes, or 1 for a number that is learned from means of groups. */
  labelSize: number;
  /**
   * Highest error rate of the signals: one for all, one for each signal, or one for each signal and class; see {@link
   * errorBounds}. Default: how often each signal contradicts the majority.
   */
  bounds?: Bounds;
  /** Share of each class in the data, `[C]`. Default: not known. */
  classBalance?: readonly number[];
  /** Lowest and highest label of a number, which are learned as 0 and 1. Default `[0, 1]`. */
  range?: readonly [low: number, high: number];
  /** Passes over the data. Default 501, as the authors train. */
  epochs?: number;
  /** Rows in a step; with fewer than some hundreds set `average`. Default: all. */
  batchSize?: number;
  /** Adam's learning rate at the start. Default 1e-3. */
  learningRate?: number;
  /** Factor of the learning rate after each epoch, down to a hundredth. Default 0.996. */
  decay?: number;
  /** Further callbacks of the training: a progress bar, {@link GradientClip}. */
  callbacks?: CustomCallback[];
}

const OWNER = 'labelFlow';
/** A {@link ConditionalFlow} with all that it takes to learn from weak signals; made by {@link labelFlow}. */
export class LabelFlow implements WeakLearner<LabelFlowReport> {
  /** The flow in a model, from scaled features; there after `fit`. */
  model: LayersModel | undefined;
  private scaling: Scaling | undefined;

  /** See {@link labelFlow}. */
  constructor(private readonly config: LabelFlowConfig) {
    requireInteger(OWNER, 'features', config.features, 1);
    requireInteger(OWNER, 'labelSize', config.labelSize, 1);
    requireInteger(OWNER, 'epochs', config.epochs ?? 1, 1);
    requireInteger(OWNER, 'batchSize', config.batchSize ?? 2, 2);
    requireNumber(OWNER, 'learningRate', config.learningRate ?? 1, Number.MIN_VALUE);
    requireNumber(OWNER, 'decay', config.decay ?? 1, Number.MIN_VALUE, 1);
    const [low, high] = config.range ?? [0, 1];
    if (!(low < high)) throw argumentError(OWNER, 'range', '[low, high] with low < high', config.range);
    // Errors in the rest should not wait for `fit`.
    new ConditionalFlow(config);
    if (config.classBalance) classPrior(OWNER, config.labelSize, config.classBalance);
  }

  /**
   * Learns from votes: features `[N, F]`, {@link Votes} `[N][L]`. Trains anew each time. Rows where all signals abstain count
   * too: their labels have to be labels.
   */
  async fit(x: Features, votes: Votes): Promise<LabelFlowReport> {
    const { labelSize, classBalance } = this.config;
    if (labelSize < 2)
      throw argumentError(OWNER, 'labelSize', 'at least 2 for votes; use fitMeans for a number', labelSize);
    const { data, table, bounds } = await readProblem(OWNER, this.config, x, votes);
    const targets = tidy(() => packSignals(...(voteTensors(table) as [Tensor3D, Tensor3D])));
    const loss = labelFlowLoss({ ...this.config, bounds, ...(classBalance && { classBalance }) });
    const history = await this.train(data, targets, loss);
    const predicted = this.predictProba(x);
    const errors = expectedErrors(table, await predicted.data(), 0);
    predicted.dispose();
    return { loss: history, broken: brokenBounds(errors, bounds, (error, bound) => error - bound) };
  }

  /**
   * Learns a number from means of groups, for `labelSize: 1`: features `[N, F]`; `groups [N][M]`, which part of each of M
   * rules' divisions a row is in, -1 for none; `means[m][part]`, the mean label there.
   */
  async fitMeans(
    x: Features,
    groups: readonly (readonly number[])[],
    means: readonly (readonly number[])[],
  ): Promise<LabelFlowReport> {
    const { features, labelSize, range: [low, high] = [0, 1] } = this.config;
    if (labelSize !== 1) throw argumentError(OWNER, 'labelSize', '1 for means of groups', labelSize);
    const data = await readFeatures(OWNER, x, features);
    const all = means.flatMap((parts, m) => parts.map((mean, part) => ({ m, part, mean })));
    if (groups.length !== data.rows) throw argumentError(OWNER, 'groups', `of ${data.rows} rows`, groups.length);
    groups.forEach((row, n) => {
      if (row.length !== means.length)
        throw argumentError(OWNER, `groups[${n}]`, `of ${means.length} rules`, row.length);
      row.forEach((part, m) => {
        requireInteger(OWNER, `groups[${n}][${m}]`, part, -1, (means[m] as readonly number[]).length - 1);
      });
    });
    const scaledMeans = all.map(({ mean }) => (requireNumber(OWNER, 'means', mean, low, high) - low) / (high - low));
    const loss = groupMeanLoss({ ...this.config, means: scaledMeans });
    const members = groups.flatMap((row) => all.map(({ m, part }) => (row[m] === part ? 1 : 0)));
    const targets = tensor(members, [data.rows, all.length]) as Tensor2D;
    const history = await this.train(data, targets, loss);
    const predicted = this.predict(x);
    const labels = Array.from(await predicted.data());
    predicted.dispose();
    const miss = (mean: number, given: number): number => Math.abs(mean - given) / (high - low);
    return { loss: history, broken: brokenBounds(partMeans(labels, groups, means), means, miss) };
  }

  /** Takes the targets over. */
  private async train(data: Matrix, targets: Tensor2D, loss: FlowLoss): Promise<number[]> {
    const { rows, columns } = data;
    const { epochs = 501, batchSize = rows, learningRate = 1e-3, decay = 0.996, callbacks = [] } = this.config;
    if (rows < 2) throw argumentError(OWNER, 'features', 'of at least two rows for training', rows);
    this.model?.dispose();
    this.scaling = scalingOf(data);
    const symbol = input({ shape: [columns] });
    const seed = resolveSeed(this.config.seed, OWNER);
    const flow = new ConditionalFlow({ ...this.config, seed });
    this.model = modelOf({ inputs: symbol, outputs: flow.apply(symbol) as SymbolicTensor });
    const optimizer = train.adam(learningRate, 0.9, 0.999, 1e-8);
    this.model.compile({ optimizer, loss });
    // What `fit` reads, in another order in each epoch: by itself it would shuffle with `Math.random`.
    const features = scaledMatrix(data, this.scaling);
    const [x, y] = [variable(features, false), variable(targets, false)];
    let size = batchSize;
    // A last batch of one row would have no variance.
    while (rows % size === 1) size++;
    const schedule = new CustomCallback({
      onEpochBegin: async (epoch) => {
        setLearningRate(optimizer, learningRate * Math.max(decay ** epoch, 0.01));
        if (size >= rows) return;
        const { uniform } = uniformStream(seed, 'rows', epoch);
        const keys = Array.from({ length: rows }, uniform);
        tidy(() => {
          const indices = tensor(
            [...keys.keys()].sort((a, b) => (keys[a] as number) - (keys[b] as number)),
            [rows],
            'int32',
          );
          x.assign(gather(features, indices));
          y.assign(gather(targets, indices));
        });
      },
    });
    try {
      const { history } = await this.model.fit(x, y, {
        epochs,
        batchSize: size,
        shuffle: false,
        verbose: 0,
        callbacks: [schedule, ...callbacks],
      });
      return history['loss'] as number[];
    } finally {
      dispose([x, y, features, targets]);
      optimizer.dispose();
      loss.dispose();
    }
  }

  private outputs(x: Features): Tensor2D {
    return tidy(() => {
      const features = scaledFeatures(OWNER, x, this.scaling);
      // One batch, whatever its size: the conditions are computed once for all samples.
      return this.model?.predict(features, { batchSize: features.shape[0] as number }) as Tensor2D;
    });
  }

  /** Probabilities of the classes `[N, C]` float32; of rows that sum to 1. */
  predictProba(x: Features): Tensor2D {
    if (this.config.labelSize < 2) throw argumentError(OWNER, 'labelSize', 'at least 2 for probabilities', 1);
    return tidy(() => probabilitiesOf(this.outputs(x)));
  }

  /** Classes `[N]` int32, or numbers `[N]` float32 in `range`. */
  predict(x: Features): Tensor1D {
    const { labelSize, range: [low, high] = [0, 1] } = this.config;
    if (labelSize > 1) return likeliest(this.predictProba(x));
    return tidy(() => add(mul(reshape(this.outputs(x), [-1]), high - low), low) as Tensor1D);
  }

  /** Frees the model. */
  dispose(): void {
    this.model?.dispose();
    this.model = undefined;
    this.scaling = undefined;
  }
}

/**
 * Learns a classifier from rules instead of labels: features, votes of a few weak signals, and how often each signal may
 * be wrong.
 *
 * `fit(x, votes)` takes features `[N, F]` (arrays or a tensor) and {@link Votes} `[N][L]`, class numbers with -1 for
 * abstain, or probabilities `[N][L][C]`; `predictProba(x)` gives `[N, C]` float32, `predict(x)` `[N]` int32. Features are
 * scaled inside. With `labelSize: 1` it learns a number instead: `fitMeans(x, groups, means)`.
 *
 * Training is the standard `fit` of a {@link ConditionalFlow} with {@link labelFlowLoss}; the defaults are the authors'.
 * A `seed` decides everything, the order of rows in small batches too.
 *
 * @throws At construction for options out of range; in `fit` for features that are not finite or not of the width
 * `features`, for votes of another length, of an unknown class, or where every signal abstains everywhere, for bounds outside
 * of [0, 1], for fewer than two rows. Bounds that no labels can meet are no error: see {@link LabelFlowReport}.
 *
 * Source: Lu et al., "Weakly Supervised Label Learning Flows", arXiv 2302.09649.
 *
 * @example
 * ```ts
 * import { labelFlow } from 'tfjs-llf';
 *
 * const x = Array.from({ length: 40 }, (_, n) => [Math.sin(n), Math.cos(n)]);
 * const votes = x.map(([a = 0, b = 0]) => [a > 0.2 ? 1 : -1, b > 0 ? 1 : 0, a < 0 ? 0 : -1]); // three rules of thumb
 * const flow = labelFlow({ features: 2, labelSize: 2, hidden: 8, steps: 2, epochs: 5, seed: 1 });
 * await flow.fit(x, votes);
 * const classes = await flow.predict([[1, 0]]).data();
 * ```
 */
export function labelFlow(config: LabelFlowConfig): LabelFlow {
  return new LabelFlow(config);
}
