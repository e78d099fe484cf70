/** The work of the page on labels: a label flow learns from the votes. */
import * as tf from '@tensorflow/tfjs';
import { errorBounds, type LabelFlow, labelFlow } from 'tfjs-llf';
import type { Work } from '../shell/messages.js';
import type { LabelJobs } from './jobs.js';

/** Milliseconds between two reports at least, and the share of the time that they may take. */
const REPORT_EVERY = 400;
const SHARE = 0.2;

async function praiseOf(flow: LabelFlow, x: number[][]): Promise<Float32Array> {
  const praise = tf.tidy(() => tf.slice(flow.predictProba(x), [0, 1], [-1, 1]));
  const values = (await praise.data()) as Float32Array;
  praise.dispose();
  return values;
}

const learn: Work<LabelJobs>['learn'] = async ({ x, votes, known, epochs, seed }, run) => {
  let [due, done] = [0, 0];
  const report = async (loss: number): Promise<void> => {
    const begin = performance.now();
    run.report({ epoch: done, loss, probabilities: await praiseOf(flow, x) });
    const end = performance.now();
    due = end + Math.max(REPORT_EVERY, (end - begin) / SHARE);
  };
  const watch = new tf.CustomCallback({
    onEpochEnd: async (epoch, logs) => {
      done = epoch + 1;
      if (done < epochs && performance.now() >= due) await report(logs?.['loss'] ?? Number.NaN);
      await run.breathe();
      if (run.isStopped && flow.model) flow.model.stopTraining = true;
    },
  });
  const flow = labelFlow({
    features: x[0]?.length ?? 0,
    labelSize: 2,
    hidden: 16,
    learningRate: 3e-3,
    epochs,
    seed,
    callbacks: [watch],
    ...(known.length > 0 && { bounds: errorBounds(votes, known) }),
  });
  try {
    const { loss, broken } = await flow.fit(x, votes);
    await report(loss.at(-1) ?? Number.NaN);
    return { epochs: loss.length, broken: [...new Set(broken.map(({ signal }) => signal))] };
  } finally {
    flow.dispose();
  }
};

export const work: Work<LabelJobs> = { learn };
