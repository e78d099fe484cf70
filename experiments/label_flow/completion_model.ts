/** A label flow whose labels are clouds: completions of partial shapes, learned without pairs. */
import * as tf from '@tensorflow/tfjs';
import { clipByGlobalNorm, completionLoss, PointFlow, randomStream } from 'tfjs-llf';
import type { Cloud, Point } from './clouds.js';

/** Sizes and weights; those of the paper are not known, these are ours. */
export interface CompletionConfig {
  seed: number;
  /** Points of a completion. */
  points: number;
  steps: number;
  hidden: number;
  /** Width of the code of a partial shape, and of the noise beside it that makes completions differ. */
  code: number;
  noise: number;
  updates: number;
  batch: number;
  rate: number;
  /** Weights of the likelihood, of the adversary, and of the distance from the partial shape. */
  likelihood: number;
  adversary: number;
  distance: number;
}

/** What reads a cloud: the same small network on each point, then the largest of each number. */
function reader(input: tf.SymbolicTensor, units: number, seed: number): tf.SymbolicTensor {
  const dense = (units: number, index: number) =>
    tf.layers.dense({
      units,
      activation: 'relu',
      kernelInitializer: tf.initializers.heNormal({ seed: seed + index }),
    });
  const each = [32, 64].reduce((x, width, i) => dense(width, i).apply(x) as tf.SymbolicTensor, input);
  const whole = tf.layers.globalMaxPooling1d({}).apply(each);
  return dense(units, 2).apply(whole) as tf.SymbolicTensor;
}

const trainable = (model: tf.LayersModel): tf.Variable[] =>
  model.trainableWeights.map((weight) => weight.read() as tf.Variable);

function asTensor(clouds: readonly Cloud[]): tf.Tensor3D {
  return tf.tensor3d(clouds.map((cloud) => cloud.map((point) => [...point])));
}

/** A flow from noise to points, given a partial shape, and the adversary that compares its clouds with complete ones. */
export class CompletionModel {
  private readonly flow: tf.LayersModel;
  private readonly judge: tf.LayersModel;
  private draws = 0;

  constructor(private readonly config: CompletionConfig) {
    const { seed, code, noise, steps, hidden } = config;
    const [partial, extra, start] = [[null, 3], [noise], [null, 3]].map((shape) => tf.input({ shape })) as [
      tf.SymbolicTensor,
      tf.SymbolicTensor,
      tf.SymbolicTensor,
    ];
    const said = tf.layers.concatenate().apply([reader(partial, code, seed), extra]) as tf.SymbolicTensor;
    const outputs = new PointFlow({ steps, hidden, seed }).apply([start, said]) as tf.SymbolicTensor[];
    this.flow = tf.model({ inputs: [partial, extra, start], outputs });
    const cloud = tf.input({ shape: [null, 3] });
    const verdict = tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.glorotNormal({ seed }) });
    this.judge = tf.model({ inputs: cloud, outputs: verdict.apply(reader(cloud, 64, seed + 10)) as tf.SymbolicTensor });
  }

  private noise(...shape: number[]): tf.Tensor {
    const stream = randomStream(this.config.seed, 'noise', this.draws++);
    return tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => stream.normal()),
      shape,
    );
  }

  private generate(partial: tf.Tensor, training: boolean): [points: tf.Tensor, logDet: tf.Tensor] {
    const { noise, points } = this.config;
    const count = partial.shape[0] as number;
    // Points of about the size of a shape.
    const start = tf.mul(this.noise(count, points, 3), 0.3);
    return this.flow.apply([partial, this.noise(count, noise), start], { training }) as [tf.Tensor, tf.Tensor];
  }

  private verdict(clouds: tf.Tensor): tf.Tensor {
    return this.judge.apply(clouds, { training: true }) as tf.Tensor;
  }

  /** Trains on partial shapes and complete ones, which are not theirs. */
  fit(partial: readonly Cloud[], complete: readonly Cloud[]): void {
    const { batch, updates, rate, seed, points, likelihood, adversary, distance } = this.config;
    const [own, theirs] = [tf.train.adam(rate, 0.5), tf.train.adam(rate, 0.5)];
    const lossOf = completionLoss({ judge: this.judge, adversary, distance });
    const pick = (of: readonly Cloud[], purpose: string, update: number): tf.Tensor3D =>
      asTensor(
        [...randomStream(seed, purpose, update).permutation(of.length)].slice(0, batch).map((n) => of[n] as Cloud),
      );
    const step = (optimizer: tf.Optimizer, model: tf.LayersModel, loss: () => tf.Tensor): void => {
      const { grads, value } = tf.variableGrads(() => loss() as tf.Scalar, trainable(model));
      const names = Object.keys(grads);
      const clipped = clipByGlobalNorm(Object.values(grads), 10);
      optimizer.applyGradients(Object.fromEntries(names.map((name, i) => [name, clipped[i] as tf.Tensor])));
      tf.dispose([grads, value, clipped]);
    };
    for (let update = 0; update < updates; update++) {
      tf.tidy(() => {
        const [seen, real] = [pick(partial, 'partial', update), pick(complete, 'complete', update)];
        if (adversary > 0) {
          const [made] = this.generate(seen, false);
          step(theirs, this.judge, () => {
            const wrong = tf.mean(tf.square(tf.sub(this.verdict(real), 1)));
            return tf.add(wrong, tf.mean(tf.square(this.verdict(made))));
          });
        }
        step(own, this.flow, () => {
          const [made, logDet] = this.generate(seen, true);
          const bits = tf.mul(tf.mean(logDet), likelihood / (3 * points * Math.LN2));
          return tf.add(bits, lossOf(seen, made));
        });
      });
    }
    own.dispose();
    theirs.dispose();
  }

  /** Several completions of each partial shape. */
  complete(partial: readonly Cloud[], count: number): Cloud[][] {
    const runs = Array.from({ length: count }, () => {
      const [points, logDet] = tf.tidy(() => this.generate(asTensor(partial), false));
      const run = points.arraySync() as unknown as Point[][];
      tf.dispose([points, logDet]);
      return run;
    });
    return partial.map((_, n) => runs.map((run) => run[n] as Cloud));
  }

  dispose(): void {
    this.flow.dispose();
    this.judge.dispose();
  }
}
