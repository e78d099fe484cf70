/**
 * Two nets invent a language: one sees an object and says two symbols, the other has to find the object among five.
 * Both forget on purpose, which is said to make the language compositional: one symbol for the colour, one for the shape.
 *
 *     npx tsx --tsconfig tsconfig.test.json examples/lewis_game.ts [regime] [iterations] [seed]
 *
 * Regimes: `noReset`, `receiverReset`, `partialBalanced` (the default). It prints how often the object is found, how alike
 * the messages about like objects are, and at last the whole language; `lewis-game.html` and `.svg` show the course.
 */
import { writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { COLOURS, SHAPES } from './lewis-game/objects.js';
import { PUBLISHED, play, type Regime } from './lewis-game/regimes.js';
import { type LineChart, lineChart } from './plot/line_chart.js';
import { plotPage } from './plot/page.js';

const [regime = 'partialBalanced', iterations = '12000', seed = '1'] = process.argv.slice(2);
const known: readonly Regime[] = ['noReset', 'receiverReset', 'partialBalanced'];
if (!known.includes(regime as Regime))
  throw new Error(`lewis_game: regime must be one of ${known}, received "${regime}".`);
const plan = { ...PUBLISHED, iterations: Number(iterations), reportEvery: Math.ceil(Number(iterations) / 12) };

await tf.setBackend('wasm');
await accelerateWasm();
console.log('iteration   found   similarity (over pairs of different objects)');
let language: number[][] = [];
const history = await play(regime as Regime, plan, Number(seed), ({ iteration, won, similarity }, game) => {
  language = game.language();
  const [all, distinct] = [similarity.all.toFixed(3), similarity.distinct.toFixed(3)];
  console.log(`${String(iteration).padStart(9)}  ${(100 * won).toFixed(0).padStart(4)} %   ${all} (${distinct})`);
});
console.log('\nThe language, a row per colour, a column per shape:');
for (let colour = 0; colour < COLOURS; colour++) {
  const words = language.slice(SHAPES * colour, SHAPES * (colour + 1)).map((message) => message.join(''));
  console.log(`  ${words.join('  ')}`);
}

const chart: LineChart = {
  title: `The Lewis game: ${regime}`,
  xLabel: 'iteration',
  yLabel: 'share',
  series: [
    { name: 'found', points: history.map(({ iteration, won }) => [iteration, won]) },
    { name: 'topographic similarity', points: history.map(({ iteration, similarity }) => [iteration, similarity.all]) },
    {
      name: 'over different objects',
      points: history.map(({ iteration, similarity }) => [iteration, similarity.distinct]),
      dashed: true,
    },
  ],
};
await writeFile('lewis-game.svg', lineChart(chart));
await writeFile('lewis-game.html', await plotPage(chart));
