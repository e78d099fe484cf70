/** ViT-Ti in plain tfjs, as one would write it without this library, and its training step. */
import * as tf from '@tensorflow/tfjs';
import { EPSILON, named, PATCHES, TOKENS, VIT_TI, type Weights } from './vit.js';

const { imageSize, channels, patchSize, dim, depth, heads } = VIT_TI;
const PER_HEAD = dim / heads;
type Variables = Readonly<Record<string, tf.Variable>>;

/** Own variables with these values. */
export function plainVariables(weights: Weights): Variables {
  const entries = Object.entries(weights).map(([name, { data, shape }]) => {
    const value = tf.tensor(data, shape);
    const variable = tf.variable(value);
    value.dispose();
    return [name, variable] as const;
  });
  return Object.fromEntries(entries);
}

/** A product of matrices, since `matMul` has no gradient for a batch times a matrix. */
function dense(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const [inputs = 0, outputs = 0] = kernel.shape;
  const product = tf.add(tf.matMul(tf.reshape(x, [-1, inputs]) as tf.Tensor2D, kernel as tf.Tensor2D), bias);
  return tf.reshape(product, [...x.shape.slice(0, -1), outputs]);
}

function norm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, EPSILON))), gamma), beta);
}

function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

function attention(qkv: tf.Tensor): tf.Tensor {
  const [query, key, value] = tf
    .split(qkv, 3, -1)
    .map((part) => tf.transpose(tf.reshape(part, [-1, TOKENS, heads, PER_HEAD]), [0, 2, 1, 3])) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const weights = tf.softmax(tf.mul(tf.matMul(query, key, false, true), PER_HEAD ** -0.5));
  return tf.reshape(tf.transpose(tf.matMul(weights, value), [0, 2, 1, 3]), [-1, TOKENS, dim]);
}

/** A strided convolution as a product of matrices: the gradient of a convolution is missing on WASM. */
function embed(images: tf.Tensor, at: (name: string) => tf.Tensor): tf.Tensor {
  const side = imageSize / patchSize;
  const strips = tf.reshape(images, [-1, patchSize, side, patchSize * channels]);
  const patches = tf.reshape(tf.transpose(strips, [0, 2, 1, 3]), [-1, PATCHES, patchSize * patchSize * channels]);
  const embedded = dense(patches, tf.reshape(at('embed/kernel'), [-1, dim]), at('embed/bias'));
  const token = tf.tile(at('embed/classToken'), [embedded.shape[0] as number, 1, 1]);
  return tf.add(tf.concat([token, embedded], 1), at('embed/positions'));
}

/** Images `[B, 224, 224, 3]` → logits `[B, 1000]`. */
export function plainForward(variables: Variables, images: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const at = (name: string): tf.Tensor => named(variables, name);
    let x = embed(images, at);
    for (let i = 0; i < depth; i++) {
      const own = (name: string): tf.Tensor => at(`block_${i}/${name}`);
      const qkv = dense(norm(x, own('attnGamma'), own('attnBeta')), own('qkvKernel'), own('qkvBias'));
      x = tf.add(x, dense(attention(qkv), own('projKernel'), own('projBias')));
      const hidden = dense(norm(x, own('mlpGamma'), own('mlpBeta')), own('fc1Kernel'), own('fc1Bias'));
      x = tf.add(x, dense(gelu(hidden), own('fc2Kernel'), own('fc2Bias')));
    }
    const pooled = norm(tf.mean(x, 1), at('head/gamma'), at('head/beta'));
    return dense(pooled, at('head/kernel'), at('head/bias'));
  });
}

/** One step of gradient descent; returns the loss before it. */
export async function plainStep(
  variables: Variables,
  optimizer: tf.Optimizer,
  images: tf.Tensor,
  labels: tf.Tensor,
): Promise<number> {
  const loss = optimizer.minimize(
    () => tf.losses.softmaxCrossEntropy(labels, plainForward(variables, images)) as tf.Scalar,
    true,
  ) as tf.Scalar;
  const [value = Number.NaN] = await loss.data();
  loss.dispose();
  return value;
}
