export type { Bounds } from './bounds.js';
export { type CompletionLossConfig, completionLoss, directedHausdorff } from './completion_loss.js';
export { ConditionalFlow, type ConditionalFlowConfig } from './conditional_flow_layer.js';
export type { Features } from './features.js';
export { type BaselineMethod, type LabelBaseline, type LabelBaselineConfig, labelBaseline } from './label_baseline.js';
export { type LabelFlow, type LabelFlowConfig, labelFlow } from './label_flow.js';
export {
  type FlowLoss,
  type FlowLossConfig,
  type GroupMeanLossConfig,
  groupMeanLoss,
  type LabelFlowLossConfig,
  type Lambdas,
  labelFlowLoss,
} from './loss.js';
export { type OneFeatureSignal, oneFeatureSignal } from './one_feature_signal.js';
export { packSignals } from './pack.js';
export { PointFlow, type PointFlowConfig } from './point_flow_layer.js';
export type { BrokenBound, LabelFlowReport } from './training_report.js';
export { errorBounds, type SignalSummary, voteSummary } from './vote_summary.js';
export type { Votes } from './votes.js';
export type { WeakLearner } from './weak_learner.js';
