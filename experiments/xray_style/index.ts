/**
 * X-ray styles learned from pairs: Aubry's transfer by histograms, a filter of three numbers, the same with a
 * normalisation, and a network with a normalisation. Each hidden style is learned by each from the same pairs; what is
 * reported comes from images that no contender has seen.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { explainRemap, isMonotone, type RemapCurve, ssim } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { machine, quantile, table } from '../../bench/harness.js';
import { fromTensor, type GreyImage, toTensor } from '../../examples/data/grey_image.js';
import { writePng } from '../../examples/data/png.js';
import { lineChart } from '../../examples/plot/line_chart.js';
import { type Learned, learn } from './contenders.js';
import { type Pair, pairsOf, radiographs } from './data.js';
import { CONTENDERS, type Contender, SEEDS } from './settings.js';
import { STYLES, type Style } from './styles.js';

/** How near results come to the target. */
interface Score {
  ssim: number;
  mse: number;
}

const OUT = '.cache/experiments/xray-style';
const seeds = process.argv.includes('--quick') ? SEEDS.slice(0, 1) : SEEDS;

/** A score of each pair. */
async function scoresOf({ apply }: Learned, pairs: readonly Pair[]): Promise<Score[]> {
  const scores: Score[] = [];
  for (const { source, target } of pairs) {
    const image = toTensor(source);
    const result = await apply(image);
    const [alike = 0, error = 0] = tf.tidy(() => {
      const wanted = toTensor(target);
      return [ssim(wanted, result), tf.mean(tf.square(tf.sub(wanted, result)))].map((x) => x.dataSync()[0] as number);
    });
    scores.push({ ssim: alike, mse: error });
    tf.dispose([image, result]);
  }
  return scores;
}

function meanOf(scores: readonly Score[]): Score {
  const mean = (part: keyof Score): number => scores.reduce((sum, score) => sum + score[part], 0) / scores.length;
  return { ssim: mean('ssim'), mse: mean('mse') };
}

/** The curve that was learned beside the hidden one, as far as details are found. */
function curveChart(style: Style, { detail, remapped }: RemapCurve): string {
  const shown = detail.flatMap((d, i) => (Math.abs(d) <= 0.5 ? [[d, remapped[i] as number] as const] : []));
  return lineChart({
    title: `Style "${style.name}": what becomes of a detail`,
    xLabel: 'detail (grey value less local mean)',
    yLabel: 'remapped',
    series: [
      { name: 'learned by a network', points: shown },
      { name: 'hidden', points: shown.map(([d]) => [d, style.remap(d)]), dashed: true },
      { name: 'unchanged', points: shown.map(([d]) => [d, d]), dashed: true },
    ],
  });
}

/** Before, after and target, side by side. */
function beside(images: readonly GreyImage[]): GreyImage {
  const { height, width } = images[0] as GreyImage;
  const values = new Float32Array(height * width * images.length);
  images.forEach((image, i) => {
    for (let y = 0; y < height; y++) {
      values.set(image.values.subarray(y * width, (y + 1) * width), (y * images.length + i) * width);
    }
  });
  return { height, width: width * images.length, values };
}

async function drawExample(style: Style, { apply }: Learned, { kind, source, target }: Pair): Promise<void> {
  const image = toTensor(source);
  const result = await apply(image);
  const row = beside([source, await fromTensor(result), target]);
  await writeFile(`${OUT}/${style.name}-${kind}.png`, writePng(row));
  tf.dispose([image, result]);
}

await tf.setBackend('wasm');
await accelerateWasm();
await mkdir(OUT, { recursive: true });
console.log(machine());
const images = await radiographs();
const scores = new Map<string, Score[]>();
const note = (key: string, score: Score): void => void scores.set(key, [...(scores.get(key) ?? []), score]);

for (const style of STYLES) {
  const trained: Pair[] = [];
  const tested: Pair[] = [];
  for (const group of images) {
    trained.push(...(await pairsOf(group.kind, group.trained, style)));
    tested.push(...(await pairsOf(group.kind, group.tested, style)));
  }
  for (const contender of CONTENDERS) {
    for (const seed of contender === 'aubry' ? seeds.slice(0, 1) : seeds) {
      const learned = await learn(contender, trained, seed);
      const all = await scoresOf(learned, tested);
      for (const { kind } of images) {
        const places = tested.flatMap((pair, i) => (pair.kind === kind ? [i] : []));
        note(`${contender}/${kind}`, meanOf(places.map((i) => all[i] as Score)));
        if (contender === 'mlpNorm' && seed === seeds[0]) {
          await drawExample(style, learned, tested[places[0] as number] as Pair);
        }
      }
      const score = meanOf(all);
      note(contender, score);
      note(`${contender}/${style.name}`, score);
      const monotone = learned.curve ? `, ${isMonotone(learned.curve) ? 'monotone' : 'NOT monotone'}` : '';
      console.log(
        `${style.name}, ${contender}, seed ${seed}: SSIM ${score.ssim.toFixed(3)}, MSE ${score.mse.toExponential(1)}${monotone}`,
      );
      if (learned.curve && contender === 'mlpNorm' && seed === seeds[0]) {
        await writeFile(`${OUT}/${style.name}.svg`, curveChart(style, learned.curve));
        console.log(`  ${explainRemap(learned.curve)}`);
      }
      learned.dispose();
    }
  }
}

const median = (key: string, part: keyof Score): number =>
  quantile(
    (scores.get(key) ?? []).map((score) => score[part]),
    0.5,
  );
const columns = ['', ...STYLES.map(({ name }) => `/${name}`), ...images.map(({ kind }) => `/${kind}`)];
const row = (contender: Contender): string[] => [
  contender,
  ...columns.map((column) => median(`${contender}${column}`, 'ssim').toFixed(3)),
  median(contender, 'mse').toExponential(1),
];
const head = ['contender', 'SSIM', ...columns.slice(1).map((column) => column.slice(1)), 'MSE'];
console.log(`\n${seeds.length} seeds, ${STYLES.length} styles, medians; figures in ${OUT}\n`);
console.log(table([head, ...CONTENDERS.map(row)]));
const figures = CONTENDERS.map((contender) => [contender, Number(median(contender, 'ssim').toFixed(3))]);
console.log(`\n${JSON.stringify(Object.fromEntries(figures))}`);
