export { type CrossEntropyConfig, crossEntropy } from './cross_entropy.js';
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
export { WeightDecay, type WeightDecayConfig } from './weight_decay.js';
