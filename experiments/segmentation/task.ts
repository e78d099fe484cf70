/** A child process: trains the backbone of a seed, or fine-tunes one variant from it, and sends the score. */
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { fileSystem } from 'tfjs-llf/node';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { backboneOf, modelOf } from './files.js';
import type { Settings, Variant } from './settings.js';
import { adoptBackbone, build, score, train } from './train.js';

/** What a child is asked to do. */
export interface Task {
  seed: number;
  variant: Variant | 'backbone';
  settings: Settings;
}

/** What it answers, in per cent: mIoU over all classes, mean over the digits without the background. */
export interface TaskResult {
  miou: number;
  digits: number;
}

const { seed, variant, settings } = JSON.parse(argv.at(-1) ?? '') as Task;
await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const backbone = fileSystem(backboneOf(settings, seed));
const kind = variant === 'backbone' ? 'unpruned' : variant;
const model = build(kind, seed);
if (variant === 'backbone') {
  await train(model, settings.pretrain, seed, 'backbone');
  await model.save(backbone);
} else {
  adoptBackbone(model, await tf.loadLayersModel(backbone));
  await train(model, settings.fineTune, seed, variant);
  // For the picture.
  if (variant === 'cropr') await model.save(fileSystem(modelOf(settings, variant, seed)));
}
const result: TaskResult = await score(model, kind, settings.testScenes);
process.send?.(result, () => process.exit());
