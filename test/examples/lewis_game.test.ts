import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { AgentModel, Chooser } from '../../examples/lewis-game/agents.js';
import { likeliest } from '../../examples/lewis-game/agents.js';
import { LewisGame, roundsOf } from '../../examples/lewis-game/game.js';
import { COLOURS, OBJECTS, type Rounds, SHAPES, WIDTH } from '../../examples/lewis-game/objects.js';
import fixture from '../fixtures/forgetting/lewis_game_step.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type RecordedWeights = Readonly<Record<string, Recorded>>;

/** Names of torch's weights and ours. */
const NAMES: Readonly<Record<string, string>> = {
  'attr2hidden.weight': 'objectKernel',
  'attr2hidden.bias': 'objectBias',
  'attr2embed.weight': 'objectKernel',
  'attr2embed.bias': 'objectBias',
  'hidden2vocab.weight': 'symbolKernel',
  'hidden2vocab.bias': 'symbolBias',
  'hidden2embed.weight': 'messageKernel',
  'hidden2embed.bias': 'messageBias',
  weight_ih_l0: 'inputKernel',
  weight_hh_l0: 'stateKernel',
  bias_ih_l0: 'inputBias',
  bias_hh_l0: 'stateBias',
};
const SIZE = { hidden: 6, length: 2, vocabulary: 8 };

/** Ours by name, as `[in, out]`. */
function recorded(weights: RecordedWeights): [string, tf.Tensor][] {
  return Object.entries(weights).map(([torch, { shape, data }]) => {
    const name = NAMES[torch] ?? NAMES[torch.split('.')[1] as string];
    const values = tf.tensor([...data], [...shape]);
    return [name as string, shape.length === 2 ? tf.transpose(values) : values];
  });
}

function objectNumbers({ data }: Recorded): number[] {
  return Array.from({ length: data.length / WIDTH }, (_, i) => {
    const vector = data.slice(i * WIDTH, (i + 1) * WIDTH);
    return SHAPES * vector.indexOf(1) + (vector.lastIndexOf(1) - COLOURS);
  });
}

const targets = objectNumbers(fixture.targets);
const offered = objectNumbers(fixture.candidates);
const rounds: Rounds = { targets, candidates: targets.map((_, i) => offered.slice(5 * i, 5 * i + 5)) };

/** The recorded choices. */
function given({ shape, data }: Recorded): Chooser {
  const [batch = 0, width = 1] = shape;
  return (_, place) =>
    tf.tensor1d(
      Array.from({ length: batch }, (_, i) => data[i * width + place] as number),
      'int32',
    );
}

function recordedGame(): LewisGame {
  const game = new LewisGame(SIZE, 1);
  const agents: [AgentModel, RecordedWeights][] = [
    [game.sender, fixture.init.sender],
    [game.receiver, fixture.init.receiver],
  ];
  for (const [{ weights }, first] of agents) {
    tf.tidy(() => {
      for (const [name, value] of recorded(first)) weights[name]?.assign(value as tf.Tensor<tf.Rank>);
    });
  }
  return game;
}

/** The gradients that an optimizer was last given, by variable. */
function gradientsTaken(optimizer: tf.Optimizer): Map<string, ArrayLike<number>> {
  const taken = new Map<string, ArrayLike<number>>();
  const apply = optimizer.applyGradients.bind(optimizer);
  optimizer.applyGradients = (gradients) => {
    for (const { name, tensor } of gradients as { name: string; tensor: tf.Tensor }[])
      taken.set(name, tensor.dataSync());
    apply(gradients);
  };
  return taken;
}

function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(found).toHaveLength(expected.length);
  Array.from(expected).forEach((value, i) => {
    expect(Math.abs((found[i] as number) - value)).toBeLessThanOrEqual(tolerance);
  });
}

describe('the objects', () => {
  it('are all pairs of a colour and a shape', () => {
    expect(new Set(OBJECTS.map(String)).size).toBe(32);
    for (const object of OBJECTS) {
      expect([object.slice(0, COLOURS), object.slice(COLOURS)].map((part) => part.reduce((a, b) => a + b))).toEqual([
        1, 1,
      ]);
    }
  });
});

onEachBackend(() => {
  describe("the language game, equal to the authors' code", () => {
    it('in messages, rewards and losses when the likeliest is chosen', () => {
      const game = recordedGame();
      tf.tidy(() => {
        const { senderLoss, receiverLoss, rewards } = game.losses(rounds, { symbols: likeliest, candidate: likeliest });
        expectNear(rewards.dataSync(), fixture.deterministic.rewards.data, 0);
        expectNear(senderLoss.dataSync(), [fixture.deterministic.sloss], 1e-5);
        expectNear(receiverLoss.dataSync(), [fixture.deterministic.rloss], 1e-5);
      });
      game.dispose();
    });

    it('in the gradients and losses of three steps, and in the weights after them', () => {
      const game = recordedGame();
      const taken = [gradientsTaken(game.senderOptimizer), gradientsTaken(game.receiverOptimizer)];
      for (const { messages, actions, sloss, rloss, rewards, ...step } of fixture.stochastic_steps) {
        const outcome = game.step(rounds, { symbols: given(messages), candidate: given(actions) });
        expectNear(
          [outcome.senderLoss, outcome.receiverLoss, outcome.won],
          [sloss, rloss, rewards.data.reduce((a, b) => a + b) / 10],
          1e-5,
        );
        [game.sender, game.receiver].forEach(({ weights }, i) => {
          tf.tidy(() => {
            for (const [name, gradient] of recorded(i === 0 ? step.sender_grad : step.receiver_grad)) {
              expectNear(taken[i]?.get(weights[name]?.name as string) ?? [], gradient.dataSync(), 1e-6);
            }
          });
        });
      }
      const after = fixture.stochastic_steps.at(-1)?.after as { sender: RecordedWeights; receiver: RecordedWeights };
      [game.sender, game.receiver].forEach(({ weights }, i) => {
        tf.tidy(() => {
          const steps = fixture.stochastic_steps.map((step) =>
            recorded(i === 0 ? step.sender_grad : step.receiver_grad),
          );
          recorded(i === 0 ? after.sender : after.receiver).forEach(([name, expected], place) => {
            const gradients = steps.map((step) => step[place]?.[1].dataSync() as Float32Array);
            const found = weights[name]?.dataSync() ?? [];
            expected.dataSync().forEach((value, j) => {
              // A step of Adam has about the size of the rate whatever the gradient is: one of mere rounding gives any step.
              const certain = gradients.every((gradient) => Math.abs(gradient[j] as number) > 1e-6);
              expect(Math.abs((found[j] as number) - value)).toBeLessThanOrEqual(certain ? 5e-5 : 3e-3);
            });
          });
        });
      });
      game.dispose();
    });

    it('leaves no tensor behind', () => {
      const before = tf.memory().numTensors;
      const game = new LewisGame(SIZE, 3);
      const run = (iteration: number): void => {
        const { rounds, choosers } = roundsOf(3, iteration, 8);
        game.step(rounds, choosers);
      };
      run(0);
      const during = tf.memory().numTensors;
      run(1);
      game.similarity();
      expect(tf.memory().numTensors).toBe(during);
      game.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });
});
