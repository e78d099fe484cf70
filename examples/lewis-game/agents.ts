/** The agents: each an LSTM cell with maps before and behind it, its weights held by a model, so that callbacks find them. */
import * as tf from '@tensorflow/tfjs';
import { type RandomStream, randomStream, stopGradient } from 'tfjs-llf';
import { WIDTH } from './objects.js';

/** Sizes of the game's nets. */
export interface GameSize {
  hidden: number;
  /** Symbols of a message. */
  length: number;
  vocabulary: number;
}

export type AgentWeights = Readonly<Record<string, tf.Variable>>;

/** Shapes of an agent's weights, and the numbers of inputs that torch draws them by. */
type Plan = Readonly<Record<string, { shape: number[]; fan: number }>>;

/** A map of vectors, and an LSTM cell, in torch's order of gates: input, forget, new, output. */
const mapPlan = (name: string, from: number, to: number): Plan => ({
  [`${name}Kernel`]: { shape: [from, to], fan: from },
  [`${name}Bias`]: { shape: [to], fan: from },
});
const cellPlan = (inputs: number, hidden: number): Plan => ({
  inputKernel: { shape: [inputs, 4 * hidden], fan: hidden },
  inputBias: { shape: [4 * hidden], fan: hidden },
  stateKernel: { shape: [hidden, 4 * hidden], fan: hidden },
  stateBias: { shape: [4 * hidden], fan: hidden },
});

/** Holds the weights of an agent; passes its input on. */
class Agent extends tf.layers.Layer {
  static readonly className: string = 'LewisAgent';

  constructor(private readonly plan: Plan) {
    super({ inputShape: [WIDTH] });
  }

  override build(shape: tf.Shape): void {
    for (const [name, { shape }] of Object.entries(this.plan)) {
      this.addWeight(name, shape, 'float32', tf.initializers.zeros());
    }
    super.build(shape);
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => tf.clone(Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs));
  }
}

/** An agent: a model that only holds weights, the weights by name, and the law that new values are drawn from. */
export interface AgentModel {
  model: tf.LayersModel;
  weights: AgentWeights;
  /** As torch draws new weights, for `partialForgetting` too. */
  law: (weight: { name: string }, stream: RandomStream) => tf.Tensor;
}

function agent(plan: Plan, seed: number): AgentModel {
  const model = tf.sequential({ layers: [new Agent(plan)] });
  const names = Object.keys(plan);
  const variables = model.weights.map((weight) => weight.read() as tf.Variable);
  const weights = Object.fromEntries(names.map((name, i) => [name, variables[i] as tf.Variable]));
  const law: AgentModel['law'] = ({ name }, stream) => {
    const { shape, fan } = plan[name] as { shape: number[]; fan: number };
    const bound = fan ** -0.5;
    const size = tf.util.sizeFromShape(shape);
    return tf.tensor(
      Float32Array.from({ length: size }, () => bound * (2 * stream.uniform() - 1)),
      shape,
    );
  };
  for (const [name, variable] of Object.entries(weights)) {
    tf.tidy(() => variable.assign(law({ name }, randomStream(seed, name))));
  }
  return { model, weights, law };
}

/** Sees the object and says a message. */
export function senderAgent({ hidden, vocabulary }: GameSize, seed: number): AgentModel {
  return agent(
    { ...mapPlan('object', WIDTH, hidden), ...cellPlan(vocabulary, hidden), ...mapPlan('symbol', hidden, vocabulary) },
    seed,
  );
}

/** Hears the message and chooses among the candidates. */
export function receiverAgent({ hidden, vocabulary }: GameSize, seed: number): AgentModel {
  return agent(
    { ...mapPlan('object', WIDTH, hidden), ...cellPlan(vocabulary, hidden), ...mapPlan('message', hidden, hidden) },
    seed,
  );
}

interface CellState {
  h: tf.Tensor;
  c: tf.Tensor;
}

function named(weights: AgentWeights, name: string): tf.Variable {
  const weight = weights[name];
  if (!weight) throw new Error(`Agent: weights must hold "${name}", received ${Object.keys(weights)}.`);
  return weight;
}

function mapped(x: tf.Tensor, weights: AgentWeights, name: string): tf.Tensor {
  return tf.add(tf.matMul(x, named(weights, `${name}Kernel`)), named(weights, `${name}Bias`));
}

function cell(x: tf.Tensor, { h, c }: CellState, weights: AgentWeights): CellState {
  const gates = tf.add(mapped(x, weights, 'input'), mapped(h, weights, 'state'));
  const [input, forget, fresh, output] = tf.split(gates, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const next = tf.add(tf.mul(tf.sigmoid(forget), c), tf.mul(tf.sigmoid(input), tf.tanh(fresh)));
  return { c: next, h: tf.mul(tf.sigmoid(output), tf.tanh(next)) };
}

/** What was chosen among some possibilities, and how likely that was. */
export interface Choice {
  /** `[B]` int32 of each choice. */
  chosen: tf.Tensor[];
  /** `[B]`: logarithm of the probability of all that was chosen. */
  logProbability: tf.Tensor;
  /** `[B]`: sum of p log p over all possibilities, of all choices. */
  negativeEntropy: tf.Tensor;
}

/** How a choice comes about: the likeliest, by added noise at random, or as given. */
export type Chooser = (logits: tf.Tensor, place: number) => tf.Tensor;

export const likeliest: Chooser = (logits) => tf.argMax(logits, 1);

/** Draws by the logits' probabilities: the maximum after adding Gumbel noise. */
export function drawnBy(stream: RandomStream): Chooser {
  return (logits) => {
    const noise = Float32Array.from({ length: logits.size }, () => -Math.log(-Math.log(stream.uniform() || 1e-12)));
    return tf.argMax(tf.add(logits, tf.tensor(noise, logits.shape)), 1);
  };
}

function choose(logits: tf.Tensor, place: number, chooser: Chooser): Omit<Choice, 'chosen'> & { chosen: tf.Tensor } {
  const logs = tf.logSoftmax(logits);
  const chosen = stopGradient(chooser(stopGradient(logits), place));
  const hot = tf.cast(tf.oneHot(chosen as tf.Tensor1D, logits.shape[1] as number), 'float32');
  return {
    chosen,
    logProbability: tf.sum(tf.mul(logs, hot), 1),
    negativeEntropy: tf.sum(tf.mul(tf.exp(logs), logs), 1),
  };
}

/** A message about each object `[B, WIDTH]`. */
export function speak(
  objects: tf.Tensor,
  weights: AgentWeights,
  { length, vocabulary }: GameSize,
  chooser: Chooser,
): Choice {
  const batch = objects.shape[0] as number;
  const start = mapped(objects, weights, 'object');
  let state: CellState = { h: start, c: tf.zerosLike(start) };
  let heard: tf.Tensor = tf.zeros([batch, vocabulary]);
  const spoken = Array.from({ length }, (_, place) => {
    state = cell(heard, state, weights);
    const symbol = choose(mapped(state.h, weights, 'symbol'), place, chooser);
    heard = tf.cast(tf.oneHot(symbol.chosen as tf.Tensor1D, vocabulary), 'float32');
    return symbol;
  });
  const total = (part: 'logProbability' | 'negativeEntropy'): tf.Tensor =>
    spoken.map((symbol) => symbol[part]).reduce((sum, one) => tf.add(sum, one));
  return {
    chosen: spoken.map(({ chosen }) => chosen),
    logProbability: total('logProbability'),
    negativeEntropy: total('negativeEntropy'),
  };
}

/** The choice among candidates `[B, CANDIDATES, WIDTH]` after a message, a list of symbols `[B]`. */
export function listen(
  message: readonly tf.Tensor[],
  candidates: tf.Tensor,
  weights: AgentWeights,
  { hidden, vocabulary }: GameSize,
  chooser: Chooser,
): Choice {
  const [batch, count] = candidates.shape as [number, number];
  let state: CellState = { h: tf.zeros([batch, hidden]), c: tf.zeros([batch, hidden]) };
  for (const symbol of message) {
    state = cell(tf.cast(tf.oneHot(symbol as tf.Tensor1D, vocabulary), 'float32'), state, weights);
  }
  const flat = tf.reshape(candidates, [batch * count, WIDTH]);
  const seen = tf.reshape(mapped(flat, weights, 'object'), [batch, count, hidden]);
  const meant = tf.expandDims(mapped(state.h, weights, 'message'), 2);
  const scores = tf.squeeze(tf.matMul(seen, meant), [2]);
  const { chosen, ...rest } = choose(scores, 0, chooser);
  return { chosen: [chosen], ...rest };
}
