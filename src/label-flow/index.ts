export { ConditionalFlow, type ConditionalFlowConfig } from './conditional_flow_layer.js';
export {
  type FlowLoss,
  type FlowLossConfig,
  type GroupMeanLossConfig,
  groupMeanLoss,
  type LabelFlowLossConfig,
  type Lambdas,
  labelFlowLoss,
} from './loss.js';
export { packSignals } from './pack.js';
