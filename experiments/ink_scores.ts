/** A router that need not learn: it knows where something is drawn. What routing could gain, and what pruning itself costs. */
import * as tf from '@tensorflow/tfjs';
import type { TokenScores } from 'tfjs-llf';

/** The ink in the patch of each token: `[image, ids]` → `[B, M]`, 0 for the class token. */
class InkScores extends tf.layers.Layer {
  static readonly className = 'InkScores';
  private readonly patchSize: number;

  constructor({ patchSize, ...config }: { patchSize: number; name?: string }) {
    super(config);
    this.patchSize = patchSize;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), patchSize: this.patchSize };
  }

  override computeOutputShape(inputShapes: tf.Shape[]): tf.Shape {
    return [...(inputShapes[1] as tf.Shape)];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [image, ids] = inputs as [tf.Tensor4D, tf.Tensor2D];
      const ink = tf.reshape(tf.avgPool(image, this.patchSize, this.patchSize, 'valid'), [image.shape[0], -1]);
      const all = tf.concat([tf.zerosLike(tf.slice(ink, [0, 0], [-1, 1])), ink], 1);
      return tf.gather(all, tf.cast(ids, 'int32'), 1, 1);
    });
  }
}
tf.serialization.registerClass(InkScores);

/** Keeps the patches with the most ink. */
export function inkScores(patchSize: number): TokenScores {
  return (image, ids) => new InkScores({ patchSize }).apply([image, ids]) as tf.SymbolicTensor;
}
