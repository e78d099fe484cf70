/** A whole game under a regime of forgetting. */
import * as tf from '@tensorflow/tfjs';
import { partialForgetting, randomStream, startForgetting } from 'tfjs-llf';
import type { AgentModel, GameSize } from './agents.js';
import { LewisGame, roundsOf } from './game.js';

/** Nothing is forgotten; the listener begins anew; or both forget all but their strongest tenth. */
export type Regime = 'noReset' | 'receiverReset' | 'partialBalanced';

/** How long to play, and how often agents forget. */
export interface Plan {
  size: GameSize;
  iterations: number;
  /** Rounds of an iteration. */
  batch: number;
  /** Iterations between two forgettings: of the listener alone, of both in part. */
  period: { receiverReset: number; partialBalanced: number };
  /** Iterations between two reports. */
  reportEvery: number;
}

/** The sizes and periods of the authors' code. */
export const PUBLISHED: Plan = {
  size: { hidden: 100, length: 2, vocabulary: 8 },
  iterations: 300_000,
  batch: 100,
  period: { receiverReset: 6000, partialBalanced: 3000 },
  reportEvery: 3000,
};

/** How far the language is: iterations played, rounds won since the last report, likeness of like messages. */
export interface Progress {
  iteration: number;
  won: number;
  similarity: { all: number; distinct: number };
}

/** Plays a game; everything random comes from the seed. It ends early where a report is answered by `false`. */
export async function play(
  regime: Regime,
  plan: Plan,
  seed: number,
  report: (progress: Progress, game: LewisGame) => unknown,
): Promise<Progress[]> {
  const game = new LewisGame(plan.size, seed);
  const forget = await forgetting(regime, game, seed);
  const history: Progress[] = [];
  let won = 0;
  for (let iteration = 1; iteration <= plan.iterations; iteration++) {
    const { rounds, choosers } = roundsOf(seed, iteration, plan.batch);
    won += game.step(rounds, choosers).won;
    if (iteration % plan.reportEvery === 0) {
      const progress = { iteration, won: won / plan.reportEvery, similarity: game.similarity() };
      history.push(progress);
      const answer = await report(progress, game);
      won = 0;
      await tf.nextFrame(); // a page, or a Ctrl-C, gets its turn
      if (answer === false) break;
    }
    const period = regime === 'noReset' ? plan.iterations : plan.period[regime];
    if (iteration % period === 0 && iteration < plan.iterations) await forget(iteration / period);
  }
  game.dispose();
  return history;
}

async function forgetting(
  regime: Regime,
  game: LewisGame,
  seed: number,
): Promise<(generation: number) => Promise<void> | void> {
  if (regime === 'noReset') return () => {};
  if (regime === 'receiverReset') {
    return (generation) => {
      drawAnew(game.receiver, seed, generation);
      game.renewOptimizers();
    };
  }
  const agents = [
    { ...game.sender, optimizer: game.senderOptimizer, purpose: 1 },
    { ...game.receiver, optimizer: game.receiverOptimizer, purpose: 2 },
  ];
  const parts = await Promise.all(
    agents.map(({ model, optimizer, law, purpose }) =>
      startForgetting(model, partialForgetting({ keep: 0.1, reinit: law }), {
        optimizer,
        generations: Number.MAX_SAFE_INTEGER,
        seed: seed + purpose,
      }),
    ),
  );
  return async (generation) => {
    for (const { forget } of parts) await forget(generation);
  };
}

function drawAnew({ weights, law }: AgentModel, seed: number, generation: number): void {
  for (const [name, variable] of Object.entries(weights)) {
    tf.tidy(() => variable.assign(law({ name }, randomStream(seed, `anew/${name}`, generation))));
  }
}
