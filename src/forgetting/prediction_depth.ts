import type { Tensor2D } from '@tensorflow/tfjs-core';
import { argumentError } from '../core/checks.js';
import { type KnnProbeOptions, knnPredict, requireProbeData } from './knn_probe.js';

/** What {@link predictionDepth} takes. */
export interface PredictionDepthData {
  /** Features of the training samples at each probe, from input to output, `[N, F]` each; see {@link layerFeatures}. */
  readonly trainFeatures: readonly Tensor2D[];
  /** Their N classes. */
  readonly trainLabels: ArrayLike<number>;
  /** Features of the samples in question at the same probes, `[M, F]` each. */
  readonly features: readonly Tensor2D[];
  /** The class that the network itself predicts for each of the M. */
  readonly predictions: ArrayLike<number>;
}

/** What {@link predictionDepth} returns. */
export interface PredictionDepthResult {
  /** Depth of each sample, from 0 (all probes agree with the network) to the number of probes (not even the last). */
  readonly depths: Int32Array;
  /** Their mean. */
  readonly mean: number;
}

/**
 * From which layer on a network has made up its mind about a sample: the smallest l such that the nearest neighbours at
 * the probes l, l + 1, ... all vote for the class that the network predicts in the end.
 *
 * Easy samples are decided early. See {@link PredictionDepthData} for shapes; votes as in {@link knnProbe}. For training
 * samples set `excludeSelf`, or the depth is too good. Nothing is changed.
 *
 * Source: Baldock et al., "Deep Learning Through the Lens of Example Difficulty" (2021), as Sarfi et al., SEAL (2023) use
 * it; k and the probes are not published.
 *
 * @throws If the numbers of probes differ, shapes do not fit, or `k` is out of range.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { layerFeatures, predictionDepth } from 'tfjs-llf';
 *
 * const model = tf.sequential({
 *   layers: [tf.layers.dense({ name: 'body', units: 3, inputShape: [2] }), tf.layers.dense({ name: 'head', units: 2 })],
 * });
 * const [train, test] = [tf.randomNormal([20, 2]), tf.randomNormal([5, 2])];
 * const names = ['body', 'head'];
 * const { mean } = await predictionDepth({
 *   trainFeatures: layerFeatures(model, names, train),
 *   trainLabels: Array.from({ length: 20 }, (_, i) => i % 2),
 *   features: layerFeatures(model, names, test),
 *   predictions: await tf.argMax(model.predict(test) as tf.Tensor, 1).data(),
 * });
 * ```
 */
export async function predictionDepth(
  { trainFeatures, trainLabels, features, predictions }: PredictionDepthData,
  options: KnnProbeOptions = {},
): Promise<PredictionDepthResult> {
  const owner = 'predictionDepth';
  const count = trainFeatures.length;
  if (count === 0 || features.length !== count) {
    throw argumentError(
      owner,
      'features',
      `of as many probes as trainFeatures (${count}), at least one`,
      features.length,
    );
  }
  const depths = new Int32Array(predictions.length);
  const open = new Array<boolean>(predictions.length).fill(true);
  for (let probe = count - 1; probe >= 0; probe--) {
    const data = {
      trainFeatures: trainFeatures[probe] as Tensor2D,
      trainLabels,
      testFeatures: features[probe] as Tensor2D,
    };
    requireProbeData(owner, data);
    const votes = await knnPredict(owner, data, options);
    votes.forEach((one, i) => {
      if (!open[i] || one === predictions[i]) return;
      open[i] = false;
      depths[i] = probe + 1;
    });
  }
  return { depths, mean: depths.reduce((sum, depth) => sum + depth, 0) / depths.length };
}
