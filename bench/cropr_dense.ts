/**
 * A segmenter of the size of ViT-S/16, EVA-02 blocks, at 512 px with random weights on our WASM kernels: unpruned, pruned by
 * Cropr (queries folded) and by the random pruner, with and without fusion.
 */
import * as tf from '@tensorflow/tfjs';
import { type DensePruningConfig, LogitMap, pruningRates, segmentationTransformer, tokenCounts } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { type BenchCase, measure, quantile, report, throughputRatio, timingOf } from './harness.js';
import { deployed, measuredIn, prediction, useWasm } from './models.js';

/** Classes as in ADE20k. */
const SEGMENTER = { imageSize: 512, channels: 3, patchSize: 16, dim: 384, depth: 12, heads: 6, classes: 150, seed: 1 };
const SIDE = SEGMENTER.imageSize / SEGMENTER.patchSize;
const TOKENS = 1 + SIDE ** 2;
/** Modules after blocks 0 to 9, with fusion or not: 89 + 9 · 88 = 881 of 1024 patches, 86 %. */
const AFTER = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const RATE = 88;
const SECONDS = 150;
const PAIRS = [
  ['Cropr', 'unpruned'],
  ['Cropr, no fusion', 'unpruned'],
  ['Cropr', 'random'],
  ['Cropr, no fusion', 'random, no fusion'],
] as const;

/** Multiply-adds of the blocks, for the tokens that enter each: six maps of width D and 8/3 · D, and attention. */
function multiplyAdds(tokens: readonly number[]): number {
  const { dim } = SEGMENTER;
  return tokens.reduce((total, count) => total + 12 * count * dim ** 2 + 2 * count ** 2 * dim, 0);
}

/** What all have in common and no pruning saves: the logits of patches enlarged to those of pixels, and read. */
function mapAlone(): BenchCase {
  const { imageSize, classes } = SEGMENTER;
  const layer = new LogitMap({ grid: [SIDE, SIDE], size: [imageSize, imageSize] });
  const logits = tf.randomUniform([1, TOKENS, classes], -1, 1, 'float32', 2);
  const run = async (): Promise<void> => {
    const map = layer.apply(logits) as tf.Tensor;
    await map.data();
    map.dispose();
  };
  return { name: 'map alone', items: 1, run };
}

function segmenter(pruning?: DensePruningConfig): tf.LayersModel {
  return deployed(segmentationTransformer({ ...SEGMENTER, ...(pruning && { pruning }) }));
}

console.log(await useWasm());
const { simd, warning } = await accelerateWasm();
console.log(`SIMD: ${simd ?? 'none'} ${warning}`);
const left = tokenCounts(TOKENS, pruningRates(RATE, AFTER.length));
const entering = [TOKENS, ...left];
const last = entering[entering.length - 1] as number;
const full = multiplyAdds(Array.from({ length: SEGMENTER.depth }, () => TOKENS));
const fewer = (final: number): string => (full / multiplyAdds([...entering, final])).toFixed(3);
console.log(
  `ViT-S/16, 512 px; ${RATE} tokens pruned after each of the blocks 0 to 9 (${RATE + 1} after block 0): ` +
    `${TOKENS - last} of ${TOKENS - 1} patches (${((100 * (TOKENS - last)) / (TOKENS - 1)).toFixed(0)} %)`,
);
console.log(`tokens entering the blocks: ${entering.join(', ')}, and ${TOKENS} with fusion, ${last} without`);
console.log(`multiply-adds of the blocks, unpruned over pruned: ${fewer(TOKENS)} with fusion, ${fewer(last)} without`);

const models = {
  unpruned: segmenter(),
  Cropr: segmenter({ prune: RATE, after: AFTER }),
  random: segmenter({ prune: RATE, after: AFTER, router: 'random' }),
  'Cropr, no fusion': segmenter({ prune: RATE, after: AFTER, fusion: 'none' }),
  'random, no fusion': segmenter({ prune: RATE, after: AFTER, fusion: 'none', router: 'random' }),
};
const image = tf.randomUniform([1, SEGMENTER.imageSize, SEGMENTER.imageSize, 3], -1, 1, 'float32', 1);
const cases = [...Object.entries(models).map(([name, model]) => prediction(name, model, image)), mapAlone()];
const timings = await measure(cases, { seconds: SECONDS, ...measuredIn });
console.log(`\nbatch 1, ${timings[0]?.milliseconds.length} rounds\n\n${report(timings, PAIRS)}`);

const times = (name: string): number[] => timingOf(timings, name).milliseconds;
const withoutMap = (name: string): number[] => times(name).map((time, i) => time - (times('map alone')[i] as number));
for (const name of ['Cropr', 'Cropr, no fusion']) {
  const ratios = withoutMap(name).map((time, i) => (withoutMap('unpruned')[i] as number) / time);
  console.log(`${name} / unpruned, the map left out of both: ${quantile(ratios, 0.5).toFixed(3)}`);
}
const ratio = (rival: string): number =>
  Number(throughputRatio(timingOf(timings, 'Cropr'), timingOf(timings, rival)).median.toFixed(3));
console.log(`\n${JSON.stringify({ croprOverUnpruned: ratio('unpruned'), croprOverRandom: ratio('random') })}`);
