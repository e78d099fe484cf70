export {
  type AveragePrecision,
  type AveragePrecisionConfig,
  averagePrecision,
  type DetectedImage,
  type Labelled,
  type Scored,
} from './average_precision.js';
export { multiLabelLoss } from './multi_label_loss.js';
export { type Box, type Boxed, boxOverlap, type Masked, maskOverlap } from './overlap.js';
