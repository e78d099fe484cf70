/** What the page on language asks its worker for. */
import type { Regime } from '../../lewis-game/regimes.js';

export type LanguageJobs = {
  play: { order: PlayOrder; progress: PlayProgress; result: { iterations: number } };
};

export interface PlayOrder {
  regime: Regime;
  iterations: number;
  /** Iterations between two forgettings. */
  period: number;
  seed: number;
}

export interface PlayProgress {
  iteration: number;
  /** Share of the rounds since the last report in which the object was found. */
  won: number;
  /** Topographic similarity over pairs of different objects. */
  similarity: number;
  /** For each object the symbols of its message. */
  language: number[][];
}
