/** A child process: trains the backbone of a seed, or fine-tunes one variant from it, and sends the accuracy. */
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { fileSystem } from 'tfjs-llf/node';
import { accelerateWasm } from 'tfjs-llf/wasm';
import type { Rate, Recipe, Variant } from './settings.js';
import { accuracy, adoptBackbone, build, train } from './train.js';

/** What a child is asked to do. */
export interface Task {
  seed: number;
  /** Without: the backbone itself. */
  variant?: Variant | Rate;
  recipe: Recipe;
  /** Number of held-back scenes to score it on. */
  testScenes: number;
  /** Folder of the seed's backbone. */
  backbone: string;
  /** Folder to save the trained model in. */
  folder: string;
}

/** What it answers: the share of held-back scenes classified rightly, in per cent. */
export interface TaskResult {
  accuracy: number;
}

const { seed, variant, recipe, testScenes, backbone, folder } = JSON.parse(argv.at(-1) ?? '') as Task;
await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const model = build(variant ?? 'unpruned', seed);
if (variant) adoptBackbone(model, await tf.loadLayersModel(fileSystem(backbone)));
await train(model, recipe, seed, variant ?? 'backbone');
await model.save(fileSystem(folder));
const result: TaskResult = { accuracy: await accuracy(model, testScenes) };
process.send?.(result, () => process.exit());
