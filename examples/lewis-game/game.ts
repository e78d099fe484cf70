/** The game and how both agents learn from it. */
import * as tf from '@tensorflow/tfjs';
import { type RandomStream, randomStream, topographicSimilarity } from 'tfjs-llf';
import {
  type AgentModel,
  type Chooser,
  drawnBy,
  type GameSize,
  likeliest,
  listen,
  receiverAgent,
  senderAgent,
  speak,
} from './agents.js';
import { drawRounds, OBJECTS, objectOf, type Rounds } from './objects.js';

/** Weight of the entropy in the losses: agents that are sure too soon stop trying. */
const CURIOSITY = 0.1;
const newOptimizer = (): tf.Optimizer => tf.train.adam(1e-3, 0.9, 0.999, 1e-8);

/** Losses of a batch, and the share of rounds that were won. */
export interface Outcome {
  senderLoss: number;
  receiverLoss: number;
  won: number;
}

/** How the symbols and the candidate are chosen. */
export interface Choosers {
  symbols: Chooser;
  candidate: Chooser;
}

/** Two agents that invent a language: who speaks sees an object, who listens has to find it among others. */
export class LewisGame {
  readonly sender: AgentModel;
  readonly receiver: AgentModel;
  senderOptimizer: tf.Optimizer = newOptimizer();
  receiverOptimizer: tf.Optimizer = newOptimizer();

  constructor(
    readonly size: GameSize,
    seed: number,
  ) {
    this.sender = senderAgent(size, seed);
    this.receiver = receiverAgent(size, seed + 1);
  }

  /** Plays a batch of rounds; both agents learn by REINFORCE, without a baseline. */
  step(rounds: Rounds, choosers: Choosers): Outcome {
    return tf.tidy(() => {
      const outcome: tf.Tensor[] = [];
      const agents = [this.sender, this.receiver].map(({ weights }) => Object.values(weights));
      // A message is a list of whole numbers: no gradient gets from one agent to the other.
      const { grads } = tf.variableGrads(() => {
        const { senderLoss, receiverLoss, rewards } = this.losses(rounds, choosers);
        outcome.push(...[senderLoss, receiverLoss, tf.mean(rewards)].map((tensor) => tf.keep(tensor)));
        return tf.add(senderLoss, receiverLoss).asScalar();
      }, agents.flat());
      agents.forEach((weights, i) => {
        const optimizer = i === 0 ? this.senderOptimizer : this.receiverOptimizer;
        optimizer.applyGradients(weights.map(({ name }) => ({ name, tensor: grads[name] as tf.Tensor })));
      });
      const [senderLoss = 0, receiverLoss = 0, won = 0] = outcome.map((tensor) => tensor.dataSync()[0]);
      tf.dispose(outcome);
      return { senderLoss, receiverLoss, won };
    });
  }

  /** Losses of both agents, and the reward of each round: 1 where the right object was found. */
  losses(
    { targets, candidates }: Rounds,
    { symbols, candidate }: Choosers,
  ): { senderLoss: tf.Tensor; receiverLoss: tf.Tensor; rewards: tf.Tensor } {
    const meant = tf.tensor2d(targets.map(objectOf));
    const offered = tf.tensor3d(candidates.map((choice) => choice.map(objectOf)));
    const right = tf.tensor1d(
      candidates.map((choice, i) => choice.indexOf(targets[i] as number)),
      'int32',
    );
    const message = speak(meant, this.sender.weights, this.size, symbols);
    const action = listen(message.chosen, offered, this.receiver.weights, this.size, candidate);
    const rewards = tf.cast(tf.equal(action.chosen[0] as tf.Tensor, right), 'float32');
    const loss = ({ logProbability, negativeEntropy }: typeof message): tf.Tensor =>
      tf.mean(tf.sub(tf.mul(negativeEntropy, CURIOSITY), tf.mul(rewards, logProbability)));
    return { senderLoss: loss(message), receiverLoss: loss(action), rewards };
  }

  /** The likeliest message about each object, colour by colour. */
  language(): number[][] {
    return tf.tidy(() => {
      const { chosen } = speak(tf.tensor2d([...OBJECTS]), this.sender.weights, this.size, likeliest);
      const symbols = chosen.map((symbol) => symbol.dataSync());
      return OBJECTS.map((_, object) => symbols.map((symbol) => symbol[object] as number));
    });
  }

  /** How alike the messages about like objects are: over all pairs, as the authors count, and over different ones. */
  similarity(): { all: number; distinct: number } {
    const [language, objects] = [this.language(), [...OBJECTS]];
    return {
      all: topographicSimilarity(language, objects),
      distinct: topographicSimilarity(language, objects, { pairs: 'distinct' }),
    };
  }

  /** Both optimizers forget, as the authors' code has it whenever one agent begins anew. */
  renewOptimizers(): void {
    this.senderOptimizer.dispose();
    this.receiverOptimizer.dispose();
    this.senderOptimizer = newOptimizer();
    this.receiverOptimizer = newOptimizer();
  }

  dispose(): void {
    this.sender.model.dispose();
    this.receiver.model.dispose();
    this.senderOptimizer.dispose();
    this.receiverOptimizer.dispose();
  }
}

/** Draws rounds and choices of an iteration from a seed. */
export function roundsOf(seed: number, iteration: number, batch: number): { rounds: Rounds; choosers: Choosers } {
  const stream: RandomStream = randomStream(seed, 'lewis game', iteration);
  const rounds = drawRounds(batch, stream);
  return { rounds, choosers: { symbols: drawnBy(stream), candidate: drawnBy(stream) } };
}
