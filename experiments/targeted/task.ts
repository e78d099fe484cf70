/** A child process: trains a network, lets copies of it forget, and sends what each group of samples still knew. */
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { crossEntropy, difficultGroup, groupAccuracy, margins, randomStream, startForgetting } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { loadMnist, MNIST_SIDE } from '../../examples/data/mnist.js';
import { mislabel, pick } from '../forgetting/samples.js';
import { DATA, DIFFICULT, OPERATIONS, PROBES, RECIPE } from './settings.js';

/** Accuracy, by the labels that the network was given, of the samples in a group and of the others. */
export interface Split {
  inside: number;
  others: number;
}

/** What was found of one network at one time, whole (`before`) or after a forgetting. */
export interface Found {
  epoch: number;
  operation: 'before' | string;
  mislabelled: Split;
  difficult: Split;
}

const CLASSES = 10;

function network(seed: number): tf.LayersModel {
  const stream = randomStream(seed, 'initial kernels');
  const names = ['first', 'second', 'head'];
  const layers = [...RECIPE.hidden, CLASSES].map((units, i) =>
    tf.layers.dense({
      name: names[i] as string,
      units,
      ...(i < RECIPE.hidden.length ? { activation: 'relu' as const } : {}),
      ...(i === 0 ? { inputShape: [MNIST_SIDE * MNIST_SIDE] } : {}),
      kernelInitializer: tf.initializers.heNormal({ seed: stream.integer(2 ** 31 - 1) }),
    }),
  );
  return tf.sequential({ layers });
}

async function study(seed: number): Promise<Found[]> {
  const digits = await loadMnist('train');
  const chosen = [...randomStream(seed, 'training images').permutation(digits.labels.length)].slice(0, DATA.samples);
  const set = mislabel(pick(digits, chosen), DATA.wrong, randomStream(seed, 'wrong labels'));
  const xs = tf.tidy(() => tf.tensor2d(set.pixels, [DATA.samples, MNIST_SIDE * MNIST_SIDE], 'float32').div(255));
  const ys = tf.tidy(() => tf.oneHot(tf.tensor1d(set.labels, 'int32'), CLASSES).toFloat());

  const model = network(seed);
  model.compile({ optimizer: tf.train.sgd(RECIPE.rate), loss: crossEntropy() });
  // Each copy begins where the network began, so that a rewinding finds its first values.
  const copies = await Promise.all(
    Object.entries(OPERATIONS).map(async ([name, operation]) => {
      const copy = network(seed);
      const options = { optimizer: tf.train.sgd(0), generations: PROBES.length + 1, seed };
      return { name, copy, forgetting: await startForgetting(copy, operation(), options) };
    }),
  );

  const found: Found[] = [];
  const judge = async (epoch: number, operation: string, one: tf.LayersModel, difficult?: Uint8Array) => {
    const logits = one.predict(xs, { batchSize: 500 }) as tf.Tensor;
    const groups = difficult ?? difficultGroup(await margins(logits), DIFFICULT);
    const best = logits.argMax(-1);
    const predictions = await best.data();
    const split = (members: Uint8Array): Split => {
      const by = groupAccuracy(predictions, set.labels, members);
      return { inside: by[1]?.accuracy ?? Number.NaN, others: by[0]?.accuracy ?? Number.NaN };
    };
    found.push({ epoch, operation, mislabelled: split(set.replaced), difficult: split(groups) });
    tf.dispose([logits, best]);
    return groups;
  };

  let epoch = 0;
  for (const [probe, until] of PROBES.entries()) {
    await model.fit(xs, ys, { initialEpoch: epoch, epochs: until, batchSize: RECIPE.batchSize, verbose: 0 });
    epoch = until;
    const difficult = await judge(epoch, 'before', model);
    for (const { name, copy, forgetting } of copies) {
      copy.setWeights(model.getWeights());
      await forgetting.forget(probe + 1);
      await judge(epoch, name, copy, difficult);
    }
    process.stderr.write(`seed ${seed}, epoch ${epoch}: ${JSON.stringify(found.at(-1 - copies.length))}\n`);
  }
  return found;
}

await tf.setBackend('wasm');
await accelerateWasm();
const found = await study(JSON.parse(argv.at(-1) ?? '') as number);
process.send?.(found, () => process.exit());
