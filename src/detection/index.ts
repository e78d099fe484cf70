export {
  type AveragePrecision,
  type AveragePrecisionConfig,
  averagePrecision,
  type DetectedImage,
  type Labelled,
  type Scored,
} from './average_precision.js';
export { type DetectConfig, type Detection, detect } from './detect.js';
export { DetectionHead, type DetectionHeadConfig } from './detection_head_layer.js';
export { type DetectionLossConfig, detectionLoss } from './detection_loss.js';
export { type DetectionObject, type DetectionTargetsConfig, detectionTargets } from './detection_targets.js';
export {
  type DetectionFusion,
  type DetectionMaskConfig,
  type DetectionPruningConfig,
  type DetectionTransformerConfig,
  detectionTransformer,
} from './detection_transformer.js';
export { multiLabelLoss } from './multi_label_loss.js';
export { type Box, type Boxed, boxOverlap, type Masked, maskOverlap } from './overlap.js';
