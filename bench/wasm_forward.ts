/** ViT-Ti/16 forward: ours and plain tfjs on our kernels, plain tfjs on stock ones, onnxruntime-web. */
import * as tf from '@tensorflow/tfjs';
import { visionTransformer } from 'tfjs-llf';
import { type BenchCase, measure } from './harness.js';
import { measuredIn, prediction } from './models.js';
import { nativeModel, ONNX_RUNTIME, ONNX_RUNTIME_NODE, onnxModel } from './rivals/onnxruntime.js';
import { channelsFirst, randomImages, VIT_TI, weightsOf } from './rivals/vit.js';
import { vitOnnx } from './rivals/vit_onnx.js';
import { plainForward, plainVariables } from './rivals/vit_tfjs.js';
import { accelerated, figure, printReport, requireAgreement, stock } from './wasm_kernels.js';

const OURS = 'tfjs-llf';
const PLAIN = 'plain tfjs, accelerated';
const STOCK = 'plain tfjs, stock';
const PAIRS = [
  [OURS, ONNX_RUNTIME],
  [OURS, ONNX_RUNTIME_NODE],
  [OURS, STOCK],
  [PLAIN, STOCK],
] as const;

/** Times batches of this size for so many seconds; returns our throughput over that of onnxruntime-web. */
export async function forward(batch: number, seconds: number): Promise<number | null> {
  await accelerated();
  const model = visionTransformer(VIT_TI);
  const weights = await weightsOf(model);
  const variables = plainVariables(weights);
  const images = randomImages(batch);
  const pixels = channelsFirst(await images.data<'float32'>(), images.shape);
  const shape = [batch, VIT_TI.channels, VIT_TI.imageSize, VIT_TI.imageSize];
  const onnx = await onnxModel(vitOnnx(weights, batch), shape);
  const native = await nativeModel(vitOnnx(weights, batch), shape);
  if (!native) console.log(`\n${ONNX_RUNTIME_NODE}: not installed`);

  const plain = async (): Promise<Float32Array> => {
    const logits = plainForward(variables, images);
    const values = await logits.data<'float32'>();
    logits.dispose();
    return values;
  };
  const cases: BenchCase[] = [
    { ...prediction(OURS, model, images), prepare: accelerated },
    { name: PLAIN, items: batch, prepare: accelerated, run: plain },
    { name: STOCK, items: batch, prepare: stock, run: plain },
    { name: ONNX_RUNTIME, items: batch, run: () => onnx.run(pixels) },
    ...(native ? [{ name: ONNX_RUNTIME_NODE, items: batch, run: () => native.run(pixels) }] : []),
  ];

  const logits = tf.tidy(() => model.predict(images) as tf.Tensor);
  const own = await logits.data<'float32'>();
  logits.dispose();
  const accelerationOnly = await plain();
  await stock();
  console.log(`\n## ViT-Ti forward, batch ${batch}\n`);
  requireAgreement([
    [STOCK, await plain()],
    [OURS, own],
    [PLAIN, accelerationOnly],
    [ONNX_RUNTIME, await onnx.run(pixels)],
    ...(native ? ([[ONNX_RUNTIME_NODE, await native.run(pixels)]] as const) : []),
  ]);
  const timings = await measure(cases, { seconds, ...measuredIn });
  printReport(timings, PAIRS);

  images.dispose();
  tf.dispose(variables);
  model.dispose();
  await onnx.dispose();
  await native?.dispose();
  return figure(timings, OURS, ONNX_RUNTIME);
}
