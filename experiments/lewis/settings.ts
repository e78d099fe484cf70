/** A fifteenth of the published number of iterations, with a fifth of the forgettings. */
import { type Plan, PUBLISHED, type Regime } from '../../examples/lewis-game/regimes.js';

export const PLAN: Plan = {
  ...PUBLISHED,
  iterations: 20_000,
  period: { receiverReset: 2000, partialBalanced: 1000 },
  reportEvery: 1000,
};
export const REGIMES: readonly Regime[] = ['noReset', 'receiverReset', 'partialBalanced'];
export const SEEDS: readonly number[] = [1, 2, 3];
