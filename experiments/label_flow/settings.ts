/** What is compared, and at what size. */
import type { LabelFlowConfig } from 'tfjs-llf';

export const TABLES = ['breastCancer', 'obsNetwork', 'cardiotocography'] as const;

/** The published setting, and what the specification's ablations change in it. */
export const FLOWS = {
  flow: {},
  noLikelihood: { nllWeight: 0 },
  fourSteps: { steps: 4, hidden: 32 },
  twoSteps: { steps: 2, hidden: 16 },
} as const satisfies Readonly<Record<string, Partial<LabelFlowConfig>>>;

export type Flow = keyof typeof FLOWS;

export const SEEDS: readonly number[] = [0, 1, 2, 3, 4];
/** Seeds of the ablations, which are on breast cancer alone. */
export const ABLATION_SEEDS: readonly number[] = [0, 1, 2];
