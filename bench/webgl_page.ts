/** The page of the bench `webgl`: operations and a model, which webgl.ts runs from outside by their names. */
import * as tf from '@tensorflow/tfjs';
import { visionTransformer } from 'tfjs-llf';
import { accelerateWebgl } from 'tfjs-llf/kernels';
import { selfAttention } from '../src/ops/attention.js';
import { gatherTokens, permuteTokens, takeTokens } from '../src/ops/gather_tokens.js';
import { gelu } from '../src/ops/gelu.js';
import { layerNorm } from '../src/ops/layer_norm.js';

const [BATCH, TOKENS, WIDTH, HEADS] = [4, 197, 192, 3];
/** Tokens that are left of all. */
const KEPT = 90;

/** What the page offers, as `globalThis.page`. */
export interface WebglPage {
  /** Starts the backend; returns what it renders with. */
  start(): Promise<string>;
  names(): string[];
  /** Installs our programs or takes them out. */
  accelerate(on: boolean): Promise<void>;
  /** Runs a case until a number of each result was read; returns how many programs it launched. */
  run(name: string): Promise<number>;
}

/** The part of the backend that counts. */
interface CountedBackend {
  readonly gpgpu: { readonly gl: WebGL2RenderingContext };
  runWebGLProgram(...args: unknown[]): unknown;
}

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Tokens as a product leaves them on the device. */
function tokens(channels: number, count = TOKENS): tf.Tensor {
  const rows = tf.matMul(tf.randomNormal([BATCH * count, 16]), tf.randomNormal([16, channels]));
  return tf.reshape(rows, [BATCH, count, channels]);
}

function indices(count: number): tf.Tensor2D {
  const rows = Array.from({ length: BATCH }, () => [...tf.util.createShuffledIndices(TOKENS)].slice(0, count));
  return tf.tensor2d(rows, [BATCH, count], 'int32');
}

/** Computes, and reads one number of each result. */
async function runUntilRead(compute: () => tf.Tensor[]): Promise<void> {
  const corners = tf.tidy(() => compute().map((x) => tf.slice(tf.reshape(x, [-1]), 0, 1)));
  await Promise.all(corners.map((corner) => corner.data()));
  tf.dispose(corners);
}

/** An operation alone and with the gradients of all inputs. */
function both(name: string, operation: Operation, inputs: tf.Tensor[], dy: tf.Tensor): [string, () => Promise<void>][] {
  return [
    [name, () => runUntilRead(() => [operation(...inputs)])],
    [
      `${name} and gradients`,
      () =>
        runUntilRead(() => {
          const { value, grads } = tf.valueAndGrads(operation)(inputs, dy);
          return [value, ...grads];
        }),
    ],
  ];
}

function operations(): [string, () => Promise<void>][] {
  const [some, order] = [indices(KEPT), indices(TOKENS)];
  const x = tokens(WIDTH);
  const norm = ((x, gamma, beta) =>
    layerNorm(x as tf.Tensor, gamma as tf.Tensor, beta as tf.Tensor, 1e-6)) as Operation;
  return [
    ...both('layer norm', norm, [x, tf.ones([WIDTH]), tf.zeros([WIDTH])], tokens(WIDTH)),
    ...both('GELU', gelu as Operation, [tokens(4 * WIDTH)], tokens(4 * WIDTH)),
    ['take tokens', () => runUntilRead(() => [takeTokens(x, some)])],
    ...both('gather', (x) => gatherTokens(x as tf.Tensor, some), [x], tokens(WIDTH, KEPT)),
    ...both('permutation', (x) => permuteTokens(x as tf.Tensor, order), [x], tokens(WIDTH)),
    ...both('attention', (x) => selfAttention(x as tf.Tensor, HEADS), [tokens(3 * WIDTH)], tokens(WIDTH)),
  ];
}

/** A vision transformer of four blocks that Cropr prunes to 77 of 197 tokens. */
function transformer(): [string, () => Promise<void>][] {
  const size = { imageSize: 28, channels: 1, patchSize: 2, dim: 96, depth: 4, heads: HEADS, classes: 10, seed: 1 };
  const model = visionTransformer({ ...size, pruning: { prune: 60, after: [0, 1] } });
  model.compile({ optimizer: tf.train.sgd(1e-3), loss: 'meanSquaredError' });
  const images = tf.randomNormal([BATCH, 28, 28, 1]);
  const targets = model.outputs.map(() => tf.zeros([BATCH, 10]));
  return [
    ['transformer, prediction', () => runUntilRead(() => [model.predict(images)].flat())],
    ['transformer, training step', async () => void (await model.trainOnBatch(images, targets))],
  ];
}

let backend: CountedBackend;
let cases: Map<string, () => Promise<void>>;
let programs = 0;
let remove = (): void => {};

const page: WebglPage = {
  async start() {
    tf.enableProdMode();
    await tf.setBackend('webgl');
    await tf.ready();
    backend = tf.backend() as unknown as CountedBackend;
    const run = backend.runWebGLProgram.bind(backend);
    backend.runWebGLProgram = (...args) => {
      programs++;
      return run(...args);
    };
    cases = new Map([...operations(), ...transformer()]);
    const { gl } = backend.gpgpu;
    const names = gl.getExtension('WEBGL_debug_renderer_info');
    return String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  },
  names: () => [...cases.keys()],
  async accelerate(on) {
    remove();
    remove = () => {};
    if (!on) return;
    const { warning, dispose } = await accelerateWebgl();
    if (warning) throw new Error(warning);
    remove = dispose;
  },
  async run(name) {
    programs = 0;
    await cases.get(name)?.();
    return programs;
  },
};

Object.assign(globalThis, { page });
