export type { LayerSelection, LayersBefore, LayersFrom } from '../core/layer_selection.js';
export type { Layer, ModelWeight } from '../core/model_weights.js';
export type { ReinitLaw } from '../core/reinitialize.js';
export {
  type AscentConfig,
  ascend,
  type SealPhase,
  type SealScheduleOptions,
  sealSchedule,
} from './ascent.js';
export { BlockNorm } from './block_norm_layer.js';
export {
  type ClassSelfDistillationConfig,
  classSelfDistillation,
  pairByClass,
} from './class_self_distillation.js';
export { type CrossEntropyConfig, crossEntropy } from './cross_entropy.js';
export { layerFeatures } from './features.js';
export { type FewShotOptions, type FewShotResult, fewShotEpisodes } from './few_shot.js';
export { ForgetRelearn, type ForgetRelearnConfig } from './forget_relearn.js';
export type { ForgetFunction } from './forget_session.js';
export type { GenerationConfig } from './generations.js';
export { clipByGlobalNorm, GradientClip, type GradientClipConfig, globalNorm } from './gradient_clip.js';
export { difficultGroup, type GroupAccuracy, groupAccuracy, margins } from './groups.js';
export { type KnnProbeOptions, knnProbe, type ProbeData, type ProbeResult } from './knn_probe.js';
export { type KnowledgeEvolutionOptions, knowledgeEvolution } from './knowledge_evolution.js';
export { LaterLayerForgetting, type LaterLayerForgettingConfig } from './later_layer_forgetting.js';
export { type BornAgainOptions, bornAgain, type LaterLayersOptions, laterLayers, rifle } from './later_layers.js';
export { type LayerDecayConfig, layerDecay } from './layer_decay.js';
export { type LayerwiseOptions, layerwise, layerwiseBlock } from './layerwise.js';
export { LayerwiseLearningRate, type LayerwiseLearningRateConfig } from './layerwise_learning_rate.js';
export { LearningRateSchedule, type LearningRateScheduleConfig } from './learning_rate_schedule.js';
export { type LinearProbeOptions, linearProbe } from './linear_probe.js';
export { kelsMask, leadingChannels, magnitudeMask, welsMask } from './masks.js';
export type { ForgetContext, ForgetMemory, ForgetOperation, Remembered } from './operation.js';
export { type PartialForgettingOptions, partialForgetting } from './partial_forgetting.js';
export { type PredictionDepthData, type PredictionDepthResult, predictionDepth } from './prediction_depth.js';
export {
  type DenseSparseDenseOptions,
  denseSparseDense,
  type IterativeMagnitudePruningOptions,
  iterativeMagnitudePruning,
} from './pruning.js';
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
export { SkipNonFinite } from './skip_non_finite.js';
export { type SlimModelOptions, slimModel } from './slim_model.js';
export { type Forgetting, type StartForgettingOptions, startForgetting } from './start_forgetting.js';
export { type TopographicSimilarityOptions, topographicSimilarity } from './topographic_similarity.js';
export { WeightDecay, type WeightDecayConfig } from './weight_decay.js';
