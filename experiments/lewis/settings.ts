/** A tenth of the published number of iterations, with a fifth of the forgettings. */
import { type Plan, PUBLISHED, type Regime } from '../../examples/lewis-game/regimes.js';

export const PLAN: Plan = {
  ...PUBLISHED,
  iterations: 30_000,
  period: { receiverReset: 3000, partialBalanced: 1500 },
  reportEvery: 1500,
};
export const REGIMES: readonly Regime[] = ['noReset', 'receiverReset', 'partialBalanced'];
export const SEEDS: readonly number[] = [1, 2, 3];
