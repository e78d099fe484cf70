/**
 * A label flow of the published size on a table of 227 rows and 30 features: a training step, and a prediction of 1,000
 * rows, against the same networks composed one by one of tfjs's dense layers and batch norms.
 */
import * as tf from '@tensorflow/tfjs';
import { ConditionalFlow, labelFlowLoss, packSignals } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { type BenchCase, measure, report, summarize, throughput, throughputRatio, timingOf } from './harness.js';
import { measuredIn, useWasm } from './models.js';

const ROWS = 227;
const FEATURES = 30;
const HIDDEN = 64;
const STEPS = 8;
/** Rows of a prediction, and samples for each. */
const MANY = 1000;
const SAMPLES = 10;
const SECONDS = 60;

/** What tfjs has no layer for. */
class Apply extends tf.layers.Layer {
  static readonly className = 'BenchApply';

  constructor(
    private readonly of: (inputs: tf.Tensor[]) => tf.Tensor,
    private readonly openWidth: boolean,
  ) {
    super({});
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, ...rest] = (Array.isArray(shape[0]) ? shape[0] : shape) as tf.Shape;
    return this.openWidth ? [batch, null] : [batch, ...rest];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.of(Array.isArray(inputs) ? inputs : [inputs]));
  }
}

type Node = tf.SymbolicTensor;

function apply(inputs: Node[], of: (inputs: tf.Tensor[]) => tf.Tensor, openWidth = false): Node {
  return new Apply(of, openWidth).apply(inputs) as Node;
}

const silu = (x: Node): Node => apply([x], ([one]) => tf.mul(one as tf.Tensor, tf.sigmoid(one as tf.Tensor)));
const norm = (x: Node): Node => tf.layers.batchNormalization({ epsilon: 1e-5, momentum: 0.9 }).apply(x) as Node;
const dense = (x: Node, units: number, useBias = true): Node => tf.layers.dense({ units, useBias }).apply(x) as Node;
const network = (x: Node): Node => dense(silu(norm(dense(x, HIDDEN, false))), HIDDEN);

/** One head of a coupling. */
function head(x: Node, kept: Node): Node {
  const parts = [network(x), norm(network(kept)), network(x)];
  const mixed = apply(parts, ([w, y, c]) => tf.add(tf.mul(tf.exp(w as tf.Tensor), y as tf.Tensor), c as tf.Tensor));
  return dense(silu(mixed), 1);
}

/** The flow as one would write it: noise `[B, 1]` twice beside the features; the output of a ConditionalFlow in training. */
function plainFlow(): tf.LayersModel {
  const x = tf.input({ shape: [FEATURES] });
  const noise = [tf.input({ shape: [1] }), tf.input({ shape: [1] })];
  const labels = [...noise];
  const logs: Node[] = [];
  for (let i = 0; i < 2 * STEPS; i++) {
    const [warped, kept] = [labels[i % 2] as Node, labels[1 - (i % 2)] as Node];
    const raw = head(x, kept);
    const log = apply([raw], ([a]) => tf.mul(0.5, tf.div(a as tf.Tensor, tf.add(1, tf.abs(a as tf.Tensor)))));
    const moved = [warped, log, head(x, kept)];
    labels[i % 2] = apply(moved, ([y, s, m]) => tf.add(tf.mul(tf.exp(s as tf.Tensor), y as tf.Tensor), m as tf.Tensor));
    logs.push(log);
  }
  const logDet = tf.layers.add().apply(logs) as Node;
  const logNoise = apply(noise, ([a, b]) => tf.mul(-0.5, tf.add(tf.square(a as tf.Tensor), tf.square(b as tf.Tensor))));
  const outputs = apply([...labels, logDet, logNoise], (all) => tf.concat(all, 1), true);
  return tf.model({ inputs: [x, ...noise], outputs });
}

function ownFlow(): tf.LayersModel {
  const x = tf.input({ shape: [FEATURES] });
  const flow = new ConditionalFlow({ labelSize: 2, hidden: HIDDEN, steps: STEPS, samples: SAMPLES, seed: 1 });
  return tf.model({ inputs: x, outputs: flow.apply(x) as Node });
}

function compiled(model: tf.LayersModel): tf.LayersModel {
  const loss = labelFlowLoss({ bounds: [0, 1, 2].map(() => [0.2, 0.2]) });
  model.compile({ optimizer: tf.train.adam(1e-3, 0.9, 0.999, 1e-8), loss });
  return model;
}

console.log(await useWasm());
// Stock kernels with `--stock`.
if (!process.argv.includes('--stock')) await accelerateWasm();
const signals = tf.softmax(tf.randomNormal([ROWS, 3, 2], 0, 1, 'float32', 1)) as tf.Tensor3D;
const targets = packSignals(signals);
const x = tf.randomNormal([ROWS, FEATURES], 0, 1, 'float32', 2);
const wide = tf.randomNormal([MANY, FEATURES], 0, 1, 'float32', 3);
const noise = (rows: number): tf.Tensor[] => [tf.randomNormal([rows, 1]), tf.randomNormal([rows, 1])];
const [own, plain] = [compiled(ownFlow()), compiled(plainFlow())];

const step = (name: string, model: tf.LayersModel, inputs: () => tf.Tensor[]): BenchCase => ({
  name,
  items: 1,
  run: async () => {
    const given = inputs();
    await model.trainOnBatch(given, targets);
    tf.dispose(given.slice(1));
  },
});
const prediction = (name: string, of: () => tf.Tensor): BenchCase => ({
  name,
  items: MANY,
  run: async () => {
    const mean = tf.tidy(of);
    await mean.data();
    mean.dispose();
  },
});
const meanOfPlain = (): tf.Tensor => {
  const samples = Array.from({ length: SAMPLES }, () => {
    const outputs = plain.predict([wide, ...noise(MANY)], { batchSize: MANY }) as tf.Tensor;
    return tf.clipByValue(tf.slice(outputs, [0, 0], [MANY, 2]), 0, 1);
  });
  return tf.mean(tf.stack(samples), 0);
};

const cases = [
  step('training step', own, () => [x]),
  step('training step, plain', plain, () => [x, ...noise(ROWS)]),
  prediction('prediction', () => own.predict(wide, { batchSize: MANY }) as tf.Tensor),
  prediction('prediction, plain', meanOfPlain),
];
const timings = await measure(cases, { seconds: SECONDS, ...measuredIn });
const pairs = [
  ['training step', 'training step, plain'],
  ['prediction', 'prediction, plain'],
] as const;
console.log(
  `\n${timings[0]?.milliseconds.length} rounds; rates are steps or rows per second\n\n${report(timings, pairs)}`,
);
const ratio = ([mine, rival]: readonly [string, string]): number =>
  Number(throughputRatio(timingOf(timings, mine), timingOf(timings, rival)).median.toFixed(3));
const rate = summarize(throughput(timingOf(timings, 'training step'))).median;
const figures = {
  stepOverPlain: ratio(pairs[0]),
  predictionOverPlain: ratio(pairs[1]),
  seconds501: Number((501 / rate).toFixed(1)),
};
console.log(`\n${JSON.stringify(figures)}`);
