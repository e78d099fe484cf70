/** ViT-Ti and its training step in jax-js, on its WASM device. */
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import { EPSILON, named, PATCHES, TOKENS, VIT_TI, type Weights } from './vit.js';

const { imageSize, channels, patchSize, dim, depth, heads } = VIT_TI;
const PER_HEAD = dim / heads;
const SIDE = imageSize / patchSize;
// A type and not an interface: jax-js takes only those for trees.
type Parameters = { [name: string]: np.Array };
// Every use of an array but the last takes a reference, `x.ref`: a call disposes of what it is given.

function dense(x: np.Array, kernel: np.Array, bias: np.Array): np.Array {
  const [inputs = 0, outputs = 0] = kernel.shape;
  const { shape } = x;
  const product = np.matmul(x.reshape([-1, inputs]), kernel).add(bias);
  return product.reshape([...shape.slice(0, -1), outputs]);
}

function norm(x: np.Array, gamma: np.Array, beta: np.Array): np.Array {
  return nn.standardize(x, -1, { epsilon: EPSILON }).mul(gamma).add(beta);
}

/** As fast as `nn.dotProductAttention`, which needs Node 22. */
function attention(qkv: np.Array): np.Array {
  const [query, key, value] = np
    .split(qkv, 3, -1)
    .map((part) => part.reshape([-1, TOKENS, heads, PER_HEAD]).transpose([0, 2, 1, 3])) as [
    np.Array,
    np.Array,
    np.Array,
  ];
  const logits = np.matmul(query, key.transpose([0, 1, 3, 2])).mul(PER_HEAD ** -0.5);
  return np.matmul(nn.softmax(logits, -1), value).transpose([0, 2, 1, 3]).reshape([-1, TOKENS, dim]);
}

function embed(images: np.Array, at: (name: string) => np.Array): np.Array {
  const batch = images.shape[0] as number;
  const strips = images.reshape([batch * SIDE, patchSize, SIDE, patchSize * channels]).transpose([0, 2, 1, 3]);
  const patches = strips.reshape([batch, PATCHES, patchSize * patchSize * channels]);
  const embedded = dense(patches, at('embed/kernel').reshape([-1, dim]), at('embed/bias'));
  return np.concatenate([np.tile(at('embed/classToken'), [batch, 1, 1]), embedded], 1).add(at('embed/positions'));
}

function forward(parameters: Parameters, images: np.Array): np.Array {
  const at = (name: string): np.Array => named(parameters, name);
  let x = embed(images, at);
  for (let i = 0; i < depth; i++) {
    const own = (name: string): np.Array => at(`block_${i}/${name}`);
    const qkv = dense(norm(x.ref, own('attnGamma'), own('attnBeta')), own('qkvKernel'), own('qkvBias'));
    x = x.add(dense(attention(qkv), own('projKernel'), own('projBias')));
    const hidden = dense(norm(x.ref, own('mlpGamma'), own('mlpBeta')), own('fc1Kernel'), own('fc1Bias'));
    x = x.add(dense(nn.gelu(hidden, { approximate: false }), own('fc2Kernel'), own('fc2Bias')));
  }
  return dense(norm(np.mean(x, 1), at('head/gamma'), at('head/beta')), at('head/kernel'), at('head/bias'));
}

function loss(parameters: Parameters, images: np.Array, labels: np.Array): np.Array {
  return np.mean(np.sum(nn.logSoftmax(forward(parameters, images), -1).mul(labels), -1)).neg();
}

/** A model in training. */
export interface JaxTrainer {
  /** One step of gradient descent; returns the loss before it. */
  step(): Promise<number>;
}

/** Prepares training on one batch: images `[B, 224, 224, 3]`, labels `[B, 1000]`. Throws where jax-js does not run. */
export async function jaxTrainer(
  weights: Weights,
  images: Float32Array,
  labels: Float32Array,
  learningRate: number,
): Promise<JaxTrainer> {
  await init('wasm');
  defaultDevice('wasm');
  const batch = labels.length / VIT_TI.classes;
  const x = np.array(images).reshape([batch, imageSize, imageSize, channels]);
  const y = np.array(labels).reshape([batch, VIT_TI.classes]);
  let parameters: Parameters = Object.fromEntries(
    Object.entries(weights).map(([name, { data, shape }]) => [name, np.array(data).reshape(shape)]),
  );
  const update = jit((current: Parameters, images: np.Array, labels: np.Array): [np.Array, Parameters] => {
    const references = Object.fromEntries(Object.entries(current).map(([name, value]) => [name, value.ref]));
    const [value, gradients] = valueAndGrad(loss)(references, images, labels);
    const updated = Object.entries(current).map(([name, value]): [string, np.Array] => [
      name,
      value.sub(named(gradients, name).mul(learningRate)),
    ]);
    return [value, Object.fromEntries(updated)];
  });
  return {
    step: async () => {
      const [value, updated] = update(parameters, x.ref, y.ref);
      parameters = await blockUntilReady(updated);
      return (await value.jsAsync()) as number;
    },
  };
}
