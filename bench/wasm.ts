/**
 * The kernels of `tfjs-llf/wasm` against stock tfjs, onnxruntime-web and jax-js, one thread each.
 * `--only=forward,training,cnn,cropr` runs some of the parts.
 */
import { argv } from 'node:process';
import { useWasm } from './models.js';
import { cnnTraining } from './wasm_cnn.js';
import { forward } from './wasm_forward.js';
import { accelerated } from './wasm_kernels.js';
import { pruned } from './wasm_pruned.js';
import { training } from './wasm_training.js';

const PARTS = ['forward', 'training', 'cnn', 'cropr'];
const flag = argv.find((argument) => argument.startsWith('--only='));
const chosen = flag === undefined ? PARTS : flag.slice('--only='.length).split(',');
const unknown = chosen.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) throw new Error(`bench: --only must name some of ${PARTS.join(', ')}, received "${unknown}".`);

console.log(await useWasm());
const { kernels, simd, warning } = await accelerated();
console.log(`SIMD: ${simd ?? 'none'}; ${kernels.length} kernels: ${kernels.join(', ')}${warning}`);

/** A part that was not chosen gives no figure. */
const run = async <T>(part: string, bench: () => Promise<T>, otherwise: T): Promise<T> =>
  chosen.includes(part) ? bench() : otherwise;

const figures = {
  forwardB1OverOrtWeb: await run('forward', () => forward(1, 20), null),
  forwardB8OverOrtWeb: await run('forward', () => forward(8, 45), null),
  ...(await run('training', training, { trainOverStock: null, trainOverJaxJs: null })),
  cnnTrainOverCpu: await run('cnn', cnnTraining, null),
  croprOverUnpruned: await run('cropr', () => pruned(30), null),
  simd: simd ?? null,
};
console.log(`\n${JSON.stringify(figures)}`);
