/**
 * The picture of the guide: samples of the flow for some test rows of breast cancer, as training goes on. Writes
 * `docs/guides/label-flow-samples.svg`.
 */
import { writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { type ConditionalFlow, labelFlow } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import table from '../../test/fixtures/label-flow/tabular_breast_cancer.json' with { type: 'json' };
import { splitOf } from '../../test/label-flow/tables.js';

const EPOCHS = [1, 20, 50, 100, 200, 500];
const SAMPLES = 20;
/** Rows of the test, of both classes. */
const CHOSEN = 6;
const FILE = new URL('../../docs/guides/label-flow-samples.svg', import.meta.url);

await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const { train, test, votes, bounds } = splitOf(table, 0);
const rows = [0, 1].flatMap((label) => test.y.flatMap((own, n) => (own === label ? [n] : [])).slice(0, CHOSEN / 2));
const noise = tf.randomNormal([SAMPLES, rows.length, 2], 0, 1, 'float32', 1);

/** Samples of the second label `[epoch][sample][row]`. */
const seen: number[][][] = [];
const learner = labelFlow({
  features: table.d,
  labelSize: 2,
  bounds,
  hidden: 16,
  seed: 0,
  callbacks: [
    new tf.CustomCallback({
      onEpochEnd: async (epoch) => {
        if (!EPOCHS.includes(epoch + 1)) return;
        const flow = learner.model?.layers.at(-1) as ConditionalFlow;
        // The rows of a split are scaled already; the learner's own scaling of them is nearly the identity.
        const x = tf.tensor2d(rows.map((n) => test.x[n] as number[]));
        const samples = flow.sample(x, noise);
        seen.push((samples.arraySync() as number[][][]).map((one) => one.map((label) => label[1] as number)));
        tf.dispose([x, samples]);
      },
    }),
  ],
});
await learner.fit(train.x, votes);

const WIDTH = 640;
const LINE = 18;
const BLOCK = rows.length * LINE + 34;
const [LEFT, RIGHT] = [-0.5, 1.5];
const place = (value: number): number =>
  90 + ((Math.max(LEFT, Math.min(RIGHT, value)) - LEFT) / (RIGHT - LEFT)) * (WIDTH - 110);
const colour = (n: number): string => (test.y[n] === 1 ? '#c2410c' : '#1d4ed8');
const blocks = seen.map((samples, e) => {
  const top = 24 + e * BLOCK;
  const dots = samples.flatMap((sample) =>
    sample.map((value, i) => {
      const y = top + (i + 0.5) * LINE;
      return `<circle cx="${place(value).toFixed(1)}" cy="${y}" r="3" fill="${colour(rows[i] as number)}" fill-opacity="0.5"/>`;
    }),
  );
  const lines = [0, 1].map((value) => {
    const x = place(value).toFixed(1);
    return `<path d="M${x} ${top}V${top + rows.length * LINE}" stroke="#999"/>`;
  });
  return [...lines, `<text x="8" y="${top + (rows.length * LINE) / 2}">epoch ${EPOCHS[e]}</text>`, ...dots].join('\n');
});
const height = 24 + seen.length * BLOCK;
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">
<title>Samples of the probability that a flow gives to single rows, after some epochs: they come together</title>
<rect width="${WIDTH}" height="${height}" fill="white"/>
<text x="${place(0).toFixed(1)}" y="15" text-anchor="middle">0</text><text x="${place(1).toFixed(1)}" y="15" text-anchor="middle">1</text>
${blocks.join('\n')}
</svg>
`;
await writeFile(FILE, svg);
const spread = tf.tidy(() =>
  seen.map((samples) => tf.mean(tf.sqrt(tf.moments(tf.tensor2d(samples), 0).variance)).dataSync()[0]),
);
console.log(JSON.stringify({ epochs: EPOCHS, spread: spread.map((one) => Number(one?.toFixed(3))) }));
