/**
 * Trains the net that the page on Cropr begins with, from an unpruned one that `npm run experiment -- cropr longer` has left:
 *
 *     npx tsx --tsconfig tsconfig.test.json examples/web/cropr/make_net.ts .cache/experiments/cropr-6d7875c0/unpruned-3-958c0d9e
 */
import { mkdir, writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { randomStream, stripAuxHeads, visionTransformer } from 'tfjs-llf';
import { fileSystem } from 'tfjs-llf/node';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { loadMnist } from '../../data/mnist.js';
import { GRID, VIT } from './net.js';
import { SceneSource } from './scene_source.js';
import { newNet, setShare, tensorOf, trainNet } from './training.js';

const [backbone = '', steps = 1000, peak = 1.5e-3] = process.argv.slice(2);
const FOLDER = 'models/digit-scenes';
const PLAN = { steps: Number(steps), batchSize: 32, peak: Number(peak), seed: 1 };
const HELD = 1000;
const SHARES = [0, 0.5, 0.8, 0.9];

/** A net for larger scenes: the patches in the middle keep their positions, those around them have new ones. */
function grown(small: tf.LayersModel): tf.LayersModel {
  const net = visionTransformer({ ...VIT, seed: PLAN.seed });
  for (const layer of small.layers) {
    const own = net.getLayer(layer.name);
    const weights = layer.getWeights().map((weight, i) => amid(weight, own.getWeights()[i] as tf.Tensor));
    own.setWeights(weights);
  }
  return net;
}

/** Positions `[1, 1 + patches, D]` amid those of a larger grid; a weight of the same shape as it is. */
function amid(small: tf.Tensor, large: tf.Tensor): tf.Tensor {
  if (tf.util.arraysEqual(small.shape, large.shape)) return small;
  const [, tokens = 0, dim = 0] = small.shape;
  const side = Math.sqrt(tokens - 1);
  const margin = (GRID - side) / 2;
  const [values, result] = [small.dataSync(), large.dataSync().slice()];
  result.set(values.subarray(0, dim));
  for (let y = 0; y < side; y++) {
    const from = (1 + y * side) * dim;
    result.set(values.subarray(from, from + side * dim), (1 + (margin + y) * GRID + margin) * dim);
  }
  return tf.tensor(result, large.shape);
}

/** Each weight as bytes between its lowest and its highest value; `tf.loadLayersModel` knows this form. */
async function saveSmall(net: tf.LayersModel): Promise<void> {
  const parts = net.weights.map((weight) => {
    const values = weight.read().dataSync<'float32'>();
    const min = values.reduce((a, b) => Math.min(a, b));
    const scale = (values.reduce((a, b) => Math.max(a, b)) - min) / 255 || 1;
    const quantization = { dtype: 'uint8', min, scale };
    const spec = { name: weight.originalName, shape: weight.shape, dtype: 'float32', quantization };
    return { spec, bytes: Uint8Array.from(values, (value) => Math.round((value - min) / scale)) };
  });
  const file = {
    format: 'layers-model',
    modelTopology: net.toJSON(null, false),
    weightsManifest: [{ paths: ['weights.bin'], weights: parts.map(({ spec }) => spec) }],
  };
  await mkdir(FOLDER, { recursive: true });
  await writeFile(`${FOLDER}/model.json`, JSON.stringify(file));
  await writeFile(`${FOLDER}/weights.bin`, Buffer.concat(parts.map(({ bytes }) => bytes)));
}

async function accuracy(net: tf.LayersModel, source: SceneSource, share: number): Promise<string> {
  const { scenes, labels } = source.draw(HELD, randomStream(0, 'held-back scenes'));
  setShare(net, share);
  const best = tf.tidy(() => tf.argMax([net.predict(tensorOf(scenes), { batchSize: 100 })].flat()[0] as tf.Tensor, 1));
  const found = await best.data();
  best.dispose();
  return `${((100 * labels.filter((label, i) => found[i] === label).length) / HELD).toFixed(1)} %`;
}

await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const [train, test] = await Promise.all([loadMnist('train'), loadMnist('test')]);
const held = new SceneSource(test);
const net = newNet(PLAN.seed, grown(await tf.loadLayersModel(fileSystem(backbone))));
const begin = performance.now();
let means = [0, 0];
await trainNet(net, train, PLAN, async (step, { loss, routerLoss }) => {
  means = [(means[0] as number) + loss / 250, (means[1] as number) + routerLoss / 250];
  if (step % 250 === 0) {
    const scores = SHARES.map((share) => accuracy(net, held, share));
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    console.log(
      `step ${step}, ${seconds} s, loss ${means.map((mean) => mean.toFixed(3))}, ${await Promise.all(scores)}`,
    );
    means = [0, 0];
  }
  return true;
});
await saveSmall(stripAuxHeads(net));
const saved = await tf.loadLayersModel(fileSystem(FOLDER));
console.log(`saved: ${await Promise.all(SHARES.map((share) => accuracy(saved, held, share)))}`);
