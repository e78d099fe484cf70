export type { CallbackState, Json, NumberLogs, TrainingCallback } from './core/callback.js';
export {
  type Checkpoint,
  type CheckpointInfo,
  restoreCheckpoint,
  type SaveCheckpointOptions,
  saveCheckpoint,
} from './core/checkpoint.js';
export type { LayerArgs, Shape } from './core/layer.js';
export { type RandomStream, randomStream, setSeed, type UniformStream } from './core/random.js';
export * from './cropr/index.js';
export * from './cropr-dense/index.js';
export * from './detection/index.js';
export * from './forgetting/index.js';
export * from './import-weights/index.js';
export * from './label-flow/index.js';
export * from './local-laplacian/index.js';
export { stopGradient } from './ops/stop_gradient.js';
