/** A child process: trains one variant on one split of a table and sends the accuracies on the rows for the test. */
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { type BaselineMethod, labelBaseline, labelFlow, type WeakLearner } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import breastCancer from '../../test/fixtures/label-flow/tabular_breast_cancer.json' with { type: 'json' };
import cardiotocography from '../../test/fixtures/label-flow/tabular_cardiotocography.json' with { type: 'json' };
import obsNetwork from '../../test/fixtures/label-flow/tabular_obs_network.json' with { type: 'json' };
import { accuracy, splitOf, type Table } from '../../test/label-flow/tables.js';
import { FLOWS, type Flow, type TABLES } from './settings.js';

const tables: Readonly<Record<(typeof TABLES)[number], Table>> = { breastCancer, obsNetwork, cardiotocography };

/** What a child is told. */
export interface Task {
  table: (typeof TABLES)[number];
  seed: number;
  flow: Flow;
}

/** What it sends back: accuracies of the flow and, beside the default one, of its rivals. */
export interface TaskResult {
  accuracies: Record<string, number>;
  /** Training of the flow. */
  seconds: number;
  loss: number;
}

const RIVALS: readonly BaselineMethod[] = ['majority', 'average', 'ge', 'all', 'cll'];

async function run({ table, seed, flow: name }: Task): Promise<TaskResult> {
  const { train, test, votes, bounds } = splitOf(tables[table], seed);
  const features = tables[table].d;
  const accuracies: Record<string, number> = {};
  const score = (key: string, learner: WeakLearner<unknown>): void => {
    accuracies[key] = tf.tidy(() => accuracy(learner.predict(test.x).dataSync(), test.y));
  };
  const flow = labelFlow({ features, labelSize: 2, bounds, seed, ...FLOWS[name] });
  const begin = performance.now();
  const { loss } = await flow.fit(train.x, votes);
  const seconds = (performance.now() - begin) / 1000;
  score(name, flow);
  if (name === 'flow') {
    for (const method of RIVALS) {
      const rival = labelBaseline({ method, features, labelSize: 2, bounds, seed });
      await rival.fit(train.x, votes);
      score(method, rival);
    }
    // The true labels as the only signal.
    const supervised = labelBaseline({ method: 'majority', features, labelSize: 2 });
    await supervised.fit(
      train.x,
      train.y.map((label) => [label]),
    );
    score('supervised', supervised);
  }
  return { accuracies, seconds, loss: loss.at(-1) as number };
}

await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const result = await run(JSON.parse(argv.at(-1) ?? '') as Task);
process.send?.(result, () => process.exit());
