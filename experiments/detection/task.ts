/** A child process: trains the backbone of a seed, or fine-tunes one variant from it, and sends the score. */
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { fileSystem } from 'tfjs-llf/node';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { backboneOf, modelOf } from './files.js';
import type { Settings, Variant } from './settings.js';
import { adoptBackbone, build, type Score, score, train } from './train.js';

/** What a child is asked to do. */
export interface Task {
  seed: number;
  variant: Variant | 'backbone';
  settings: Settings;
}

const { seed, variant, settings } = JSON.parse(argv.at(-1) ?? '') as Task;
await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const backbone = fileSystem(backboneOf(settings, seed));
const model = build(variant === 'backbone' ? 'unpruned' : variant, seed);
if (variant === 'backbone') {
  for (const [part, recipe] of settings.pretrain.entries()) await train(model, recipe, seed, `backbone ${part + 1}`);
  await model.save(backbone);
} else {
  adoptBackbone(model, await tf.loadLayersModel(backbone));
  await train(model, settings.fineTune, seed, variant);
  await model.save(fileSystem(modelOf(settings, variant, seed)));
}
const result: Score = await score(model, settings.testScenes);
process.send?.(result, () => process.exit());
