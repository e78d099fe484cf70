import { reshape, type Tensor } from '@tensorflow/tfjs-core';
import { normal, ones, uniform, type WeightLaw, zeros } from '../core/laws.js';
import type { WeightTable } from '../core/layer.js';
import { type Statistics, standardizedBy } from './batch_norm.js';
import type { CouplingWeights } from './coupling.js';
import { unstacked } from './unstack.js';

/** As torch draws the weights of a linear map from `inputs` numbers. */
function asTorch(inputs: number): WeightLaw {
  return uniform(inputs ** -0.5);
}

/** The last maps start small, so that the flow starts near the identity. */
const SMALL: WeightLaw = normal(0.01);

/** Weights of the networks that read F features, for `groups` of them. */
export function conditionTable(features: number, hidden: number, groups: number): WeightTable {
  const width = groups * hidden;
  return {
    conditionKernel: [[width, features], asTorch(features)],
    conditionGamma: [[width], ones],
    conditionBeta: [[width], zeros],
    conditionOutKernel: [[groups, hidden, hidden], SMALL],
    conditionOutBias: [[groups, hidden], zeros],
    conditionMean: [[width], zeros, false],
    conditionVariance: [[width], ones, false],
  };
}

/** Weights of the networks that read the kept labels, for all `couplings` that keep and warp so many of them. */
export function couplingTable(couplings: number, hidden: number, keep: number, warp: number): WeightTable {
  const pair = 2 * hidden;
  return {
    ...(keep > 0 && {
      labelKernel: [[couplings, pair, keep], asTorch(keep)],
      labelGamma: [[couplings, pair], ones],
      labelBeta: [[couplings, pair], zeros],
      outKernel: [[couplings, 2, hidden, hidden], asTorch(hidden)],
    }),
    mergeKernel: [[couplings, 2, warp, hidden], SMALL],
    mergeBias: [[couplings, 2, warp], zeros],
    ...(keep > 0 && {
      labelMean: [[couplings, pair], zeros, false],
      labelVariance: [[couplings, pair], ones, false],
      outMean: [[couplings, pair], zeros, false],
      outVariance: [[couplings, pair], ones, false],
    }),
  };
}

/** The tensors of one coupling: its weights and its running statistics. */
export interface Coupling extends CouplingWeights {
  labelMean?: Tensor;
  labelVariance?: Tensor;
  outMean?: Tensor;
  outVariance?: Tensor;
}

/** `labelKernel` as `oneLabelKernel` for the prefix `one`. */
export function prefixed(prefix: string, name: string): string {
  return (prefix && prefix + name.charAt(0).toUpperCase() + name.slice(1)) || name;
}

/** The tensors of each coupling, from the stacked ones whose names have this prefix. */
export function unstackCouplings(stacked: Readonly<Record<string, Tensor>>, prefix = ''): Coupling[] {
  const couplings: Record<string, Tensor>[] = [];
  for (const name of Object.keys(couplingTable(1, 1, 1, 1))) {
    const tensor = stacked[prefixed(prefix, name)];
    if (!tensor) continue;
    unstacked(tensor).forEach((one, i) => {
      couplings[i] = { ...couplings[i], [name]: one };
    });
  }
  return couplings as unknown as Coupling[];
}

/** The running statistics of the conditions. */
export type ConditionMoments = Record<'conditionMean' | 'conditionVariance', Tensor>;

/** Running statistics as the normalisations ask for them. */
export function runningStatistics(condition: ConditionMoments, couplings: readonly Coupling[]): Statistics {
  return {
    ofBatch: false,
    standardize(rows, name, place) {
      const own = (name === 'condition' ? condition : couplings[place]) as Record<string, Tensor>;
      const column = (key: string): Tensor => reshape(own[name + key] as Tensor, [-1, 1, 1]);
      return standardizedBy(rows, { mean: column('Mean'), variance: column('Variance') });
    },
  };
}
