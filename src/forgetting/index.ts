export {
  type AscentConfig,
  ascend,
  type SealPhase,
  type SealScheduleOptions,
  sealSchedule,
} from './ascent.js';
export { type CrossEntropyConfig, crossEntropy } from './cross_entropy.js';
export type { GenerationConfig } from './generations.js';
export { clipByGlobalNorm, GradientClip, type GradientClipConfig, globalNorm } from './gradient_clip.js';
export { type LayerDecayConfig, layerDecay } from './layer_decay.js';
export { LayerwiseLearningRate, type LayerwiseLearningRateConfig } from './layerwise_learning_rate.js';
export { LearningRateSchedule, type LearningRateScheduleConfig } from './learning_rate_schedule.js';
export {
  type CosineWarmupOptions,
  cosineWarmup,
  type LongCosineOptions,
  longCosine,
  type PolynomialOptions,
  polynomial,
  type Schedule,
  type StepDecayOptions,
  stepDecay,
} from './schedules.js';
export { SEALAnnealer, type SEALAnnealerConfig } from './seal_annealer.js';
export { WeightDecay, type WeightDecayConfig } from './weight_decay.js';
