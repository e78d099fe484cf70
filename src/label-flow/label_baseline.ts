import { dispose, type Tensor, type Tensor1D, type Tensor2D, tensor, tidy } from '@tensorflow/tfjs-core';
import { requireInteger, requireOneOf } from '../core/checks.js';
import { resolveSeed } from '../core/random.js';
import { adversarial, constrainedLabels, expectations } from './baseline_labels.js';
import type { Bounds } from './bounds.js';
import { type Features, type Scaling, scaledFeatures, scaledMatrix, scalingOf } from './features.js';
import { crossEntropyTo, fitLinear, linearProbabilities, type Objective } from './linear_classifier.js';
import { averageLabels, classPrior } from './vote_labels.js';
import type { Votes } from './votes.js';
import { likeliest, type WeakLearner } from './weak_learner.js';
import { readProblem, type WeakProblem } from './weak_problem.js';

/** A rival of the label flow. */
export type BaselineMethod = 'majority' | 'average' | 'ge' | 'all' | 'cll';

/** Options of {@link labelBaseline}. */
export interface LabelBaselineConfig {
  /** How the votes become a classifier. */
  method: BaselineMethod;
  /** Width of the features. */
  features: number;
  /** Number of classes. */
  labelSize: number;
  /** As for {@link labelFlow}; for `'majority'` and `'average'` without meaning. */
  bounds?: Bounds;
  /** Share of each class, for ties and for rows where all signals abstain. Default: equal. */
  classBalance?: readonly number[];
  /** Of the random labels that `'cll'` starts from. Default: a fresh one. */
  seed?: number;
}

const OWNER = 'labelBaseline';
const METHODS = ['majority', 'average', 'ge', 'all', 'cll'] as const;

/** A rival of the label flow; made by {@link labelBaseline}. */
export class LabelBaseline implements WeakLearner {
  private readonly seed: number;
  private fitted: { kernel: number[]; bias: number[]; scaling: Scaling } | undefined;

  /** See {@link labelBaseline}. */
  constructor(private readonly config: LabelBaselineConfig) {
    requireOneOf(OWNER, 'method', config.method, METHODS);
    requireInteger(OWNER, 'features', config.features, 1);
    requireInteger(OWNER, 'labelSize', config.labelSize, 2);
    classPrior(OWNER, config.labelSize, config.classBalance);
    this.seed = resolveSeed(config.seed, OWNER);
  }

  /** Learns from features `[N, F]` and {@link Votes} `[N][L]`. */
  async fit(x: Features, votes: Votes): Promise<void> {
    const problem = await readProblem(OWNER, this.config, x, votes);
    const scaling = scalingOf(problem.data);
    const objective = this.objective(problem);
    const data = scaledMatrix(problem.data, scaling);
    const weights = fitLinear(data, this.config.labelSize, objective);
    const [kernel, bias] = await Promise.all(weights.map(async (weight) => Array.from(await weight.data())));
    this.fitted = { kernel: kernel as number[], bias: bias as number[], scaling };
    objective.dispose();
    dispose([data, ...weights]);
  }

  private objective({ table, prior, majority, bounds }: WeakProblem): Objective & { dispose(): void } {
    const { method, labelSize } = this.config;
    if (method === 'all') return adversarial(table, bounds);
    if (method === 'ge') return { ...expectations(table, bounds), dispose: () => {} };
    const given = (labels: Float32Array): Tensor => tensor(labels, [table.rows, labelSize]);
    const voted = method === 'average' ? averageLabels(table, prior) : majority;
    const labels = method === 'cll' ? constrainedLabels(table, bounds, this.seed) : given(voted);
    return { ...crossEntropyTo(labels), dispose: () => labels.dispose() };
  }

  /** Probabilities of the classes, `[N, C]` float32. */
  predictProba(x: Features): Tensor2D {
    const { features, labelSize } = this.config;
    return tidy(() => {
      const { kernel = [], bias = [], scaling } = this.fitted ?? {};
      const data = scaledFeatures(OWNER, x, scaling);
      return linearProbabilities(data, tensor(kernel, [features, labelSize]), tensor([bias])) as Tensor2D;
    });
  }

  /** The likeliest classes, `[N]` int32. */
  predict(x: Features): Tensor1D {
    return likeliest(this.predictProba(x));
  }
}

/**
 * Classifiers from votes to compare {@link labelFlow} with, in the same interface: a linear one from the majority or the
 * average of the votes, by generalised expectation (GE), adversarial (ALL) or constrained labels (CLL).
 *
 * Input and output as of {@link labelFlow}; nothing has to be disposed but the predictions.
 *
 * @throws As {@link labelFlow} does.
 *
 * Sources: Mann and McCallum (JMLR 2010) for GE; Arachie and Huang (AAAI 2019) for ALL, (UAI 2021) for CLL. Written from the
 * papers: sizes of steps and iterations are ours.
 *
 * @example
 * ```ts
 * import { labelBaseline } from 'tfjs-llf';
 *
 * const x = Array.from({ length: 40 }, (_, n) => [Math.sin(n), Math.cos(n)]);
 * const votes = x.map(([a = 0, b = 0]) => [a > 0 ? 1 : 0, b > 0 ? 1 : -1]);
 * const majority = labelBaseline({ method: 'majority', features: 2, labelSize: 2 });
 * await majority.fit(x, votes);
 * majority.predict([[1, 1]]).print(); // class 1
 * ```
 */
export function labelBaseline(config: LabelBaselineConfig): LabelBaseline {
  return new LabelBaseline(config);
}
