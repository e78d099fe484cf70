import type { TrainingCallback } from '../core/callback.js';
import { argumentError, requireBoolean, requireInteger } from '../core/checks.js';

/** Options that every generational callback shares. */
export interface GenerationConfig {
  /** Number of generations, the first one included: it is plain training, the others begin with forgetting. */
  generations: number;
  /** Epochs in each generation. */
  epochsPerGeneration: number;
  /**
   * Whether one `fit` may cover a part of the schedule only, as between two checkpoints. Default false: `fit` must have
   * `epochs: generations * epochsPerGeneration`.
   */
  partial?: boolean;
}

/** Checks the options that every generational callback shares. */
export function requireGenerations(owner: string, config: GenerationConfig): Required<GenerationConfig> {
  return {
    generations: requireInteger(owner, 'generations', config.generations, 1),
    epochsPerGeneration: requireInteger(owner, 'epochsPerGeneration', config.epochsPerGeneration, 1),
    partial: requireBoolean(owner, 'partial', config.partial ?? false),
  };
}

/** Throws if the `fit` that begins does not have the epochs of the schedule. */
export function requireEpochs(
  owner: string,
  { params }: Pick<TrainingCallback, 'params'>,
  { generations, epochsPerGeneration, partial }: Required<GenerationConfig>,
): void {
  const total = generations * epochsPerGeneration;
  const epochs = params['epochs'] as number;
  if (partial ? epochs <= total : epochs === total) return;
  const expected = `${partial ? 'at most ' : ''}${total} (${generations} generations of ${epochsPerGeneration})`;
  throw argumentError(owner, 'epochs of fit', expected, epochs);
}

/** Generation and epoch within it, of an absolute epoch. */
export function generationOf(epoch: number, epochsPerGeneration: number): { generation: number; within: number } {
  return { generation: Math.floor(epoch / epochsPerGeneration), within: epoch % epochsPerGeneration };
}
