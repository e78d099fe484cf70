/** The work of the page on language: two nets play the Lewis game. */
import * as tf from '@tensorflow/tfjs';
import { PUBLISHED, play as playGame } from '../../lewis-game/regimes.js';
import type { Work } from '../shell/messages.js';
import type { LanguageJobs } from './jobs.js';

const play: Work<LanguageJobs>['play'] = async ({ regime, iterations, period, seed }, run) => {
  const plan = {
    ...PUBLISHED,
    iterations,
    period: { receiverReset: period, partialBalanced: period },
    // An iteration is many small operations: on WebGL each of them waits for the one before.
    reportEvery: Math.min(iterations, tf.getBackend() === 'webgl' ? 2 : 20),
  };
  const history = await playGame(regime, plan, seed, async ({ iteration, won, similarity }, game) => {
    run.report({ iteration, won, similarity: similarity.distinct, language: game.language() });
    await run.breathe();
    return !run.isStopped;
  });
  return { iterations: history.at(-1)?.iteration ?? 0 };
};

export const work: Work<LanguageJobs> = { play };
