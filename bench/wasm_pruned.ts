/** What Cropr adds on our kernels: ViT-Ti/16, batch 8, pruned against unpruned. */
import { pruningRates, tokenCounts } from 'tfjs-llf';
import { measure } from './harness.js';
import { inferenceModel, measuredIn, prediction } from './models.js';
import { randomImages, TOKENS, VIT_TI } from './rivals/vit.js';
import { accelerated, figure, printReport } from './wasm_kernels.js';

const BATCH = 8;
/** Modules after blocks 0 to 9, with fusion or not: 18 + 9 · 17 = 171 of 196 patches, 87 %. */
const AFTER = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const RATE = 17;
const UNPRUNED = 'unpruned';
const CROPR = 'Cropr';
const NO_FUSION = 'Cropr, no fusion';

/** Multiplications of the blocks, for the tokens that enter each. */
function multiplications(tokens: readonly number[]): number {
  const { dim } = VIT_TI;
  return tokens.reduce((total, count) => total + 12 * count * dim ** 2 + 2 * count ** 2 * dim, 0);
}

/** Times both; returns the throughput of the pruned model, with fusion, over that of the unpruned one. */
export async function pruned(seconds: number): Promise<number | null> {
  await accelerated();
  const left = tokenCounts(TOKENS, pruningRates(RATE, AFTER.length));
  const entering = [TOKENS, ...left];
  const full = multiplications(Array.from({ length: VIT_TI.depth }, () => TOKENS));
  const ratio = (last: number): string => (full / multiplications([...entering, last])).toFixed(2);
  console.log(`\n## Cropr, batch ${BATCH}\n`);
  console.log(`tokens entering the blocks: ${entering.join(', ')}, then ${TOKENS} with fusion`);
  console.log(`multiplications, unpruned over pruned: ${ratio(TOKENS)}, ${ratio(entering.at(-1) as number)} no fusion`);

  const images = randomImages(BATCH);
  const models = {
    [UNPRUNED]: inferenceModel(VIT_TI),
    [CROPR]: inferenceModel({ ...VIT_TI, pruning: { prune: RATE, after: AFTER } }),
    [NO_FUSION]: inferenceModel({ ...VIT_TI, pruning: { prune: RATE, after: AFTER, fusion: false } }),
  };
  const cases = Object.entries(models).map(([name, model]) => prediction(name, model, images));
  const timings = await measure(cases, { seconds, ...measuredIn });
  printReport(timings, [
    [CROPR, UNPRUNED],
    [NO_FUSION, UNPRUNED],
  ]);
  images.dispose();
  for (const model of Object.values(models)) model.dispose();
  return figure(timings, CROPR, UNPRUNED);
}
