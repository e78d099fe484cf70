import { expandDims, type serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { input, type LayersModel, model as modelOf, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { argumentError } from '../core/checks.js';
import type { Layer } from '../core/model_weights.js';
import { AuxHead } from './aux_head_layer.js';
import { CroprPruner } from './cropr_pruner_layer.js';

/** A router returns `[kept, pruned, order, attention, normalized?, keptIds?, prunedIds?]`. */
const FIRST_ATTENTION = 3;
/** Options of a router that scores by one vector. */
const FOLDED = { queries: 1, heads: 1, queryProjection: false, keyProjection: false, returnAttention: false };

/**
 * Makes the inference model of a model that was trained with aux heads: without them, and with routers that score by one
 * vector, the sum of all queries with every projection folded in, instead of the attention.
 *
 * Returns a model of its own with copies of the weights (dispose both), layers of the same names, and those outputs of
 * the given model that need no aux head. It ranks the same tokens and predicts the same, up to the rounding of the
 * folded score. A router whose attention the remaining outputs still use stays as it is; aux heads within a nested
 * model stay.
 *
 * @throws If no output is left without aux heads.
 *
 * Source: Token Cropr (CVPR 2025), inference with folded queries. (The published code keeps all queries.)
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { stripAuxHeads, visionTransformer } from 'tfjs-llf';
 *
 * const model = visionTransformer({
 *   imageSize: 28, channels: 1, patchSize: 7, dim: 16, depth: 4, heads: 2, classes: 10, pruning: { prune: 4 },
 * });
 * const fast = stripAuxHeads(model);
 * const logits = fast.predict(tf.zeros([1, 28, 28, 1])) as tf.Tensor; // one output, no list
 * if (logits.shape.join() !== '1,10') throw new Error('the logits alone');
 * ```
 */
export function stripAuxHeads(model: LayersModel): LayersModel {
  const outputs = model.outputs.filter((output) => !ancestors([output]).some(isAuxLogits));
  if (outputs.length === 0)
    throw argumentError('stripAuxHeads', 'model', 'one with an output besides those of aux heads', model.name);
  const needed = ancestors(outputs);
  const inputs = model.inputs.filter((tensor) => needed.includes(tensor));
  const twins = new Map<Layer, Layer>();
  for (const { sourceLayer } of needed) {
    if (!twins.has(sourceLayer)) twins.set(sourceLayer, twinOf(sourceLayer, needed));
  }
  const rebuild = rebuilder(inputs, twins);
  const stripped = modelOf({ inputs: inputs.map(rebuild), outputs: outputs.map(rebuild), name: model.name });
  for (const [layer, twin] of twins) copyWeights(layer, twin);
  return stripped;
}

function isAuxLogits({ sourceLayer }: SymbolicTensor): boolean {
  return sourceLayer instanceof AuxHead;
}

/** The symbolic tensors that the given ones are computed from, themselves included. */
function ancestors(tensors: readonly SymbolicTensor[]): SymbolicTensor[] {
  const found = new Set<SymbolicTensor>();
  const visit = (tensor: SymbolicTensor): void => {
    if (found.has(tensor)) return;
    found.add(tensor);
    tensor.inputs.forEach(visit);
  };
  tensors.forEach(visit);
  return [...found];
}

/** How many outputs a router has for aux heads, `attention` and `normalized`, from the fourth on. */
function attentionOutputs({ options: { returnAttention, preNorm } }: CroprPruner): number {
  return returnAttention ? (preNorm ? 2 : 1) : 0;
}

function isAttention({ sourceLayer, tensorIndex }: SymbolicTensor): boolean {
  if (!(sourceLayer instanceof CroprPruner)) return false;
  return tensorIndex >= FIRST_ATTENTION && tensorIndex < FIRST_ATTENTION + attentionOutputs(sourceLayer);
}

/** The layer built anew from its config; a router whose attention nobody needs becomes one with a single query. */
function twinOf(layer: Layer, needed: readonly SymbolicTensor[]): Layer {
  const config = layer.getConfig();
  const asked = needed.some((tensor) => tensor.sourceLayer === layer && isAttention(tensor));
  if (layer instanceof CroprPruner && !asked) Object.assign(config, FOLDED);
  const cls = layer.constructor as serialization.SerializableConstructor<Layer> & typeof serialization.Serializable;
  return cls.fromConfig(cls, config) as Layer;
}

/** A function that finds each tensor's counterpart in the new graph, applying every twin as its layer was. */
function rebuilder(
  inputs: readonly SymbolicTensor[],
  twins: ReadonlyMap<Layer, Layer>,
): (tensor: SymbolicTensor) => SymbolicTensor {
  const applied = new Map<string, SymbolicTensor[]>();
  const key = ({ sourceLayer, nodeIndex }: SymbolicTensor): string => `${nodeIndex}/${sourceLayer.name}`;
  for (const tensor of inputs) {
    const { shape, dtype, sourceLayer } = tensor;
    applied.set(key(tensor), [input({ batchShape: shape, dtype, name: sourceLayer.name })]);
  }
  const rebuild = (tensor: SymbolicTensor): SymbolicTensor => {
    const { sourceLayer, tensorIndex, callArgs } = tensor;
    const twin = twins.get(sourceLayer) as Layer;
    let outputs = applied.get(key(tensor));
    if (outputs === undefined) {
      const given = tensor.inputs.map(rebuild);
      const result = twin.apply(given.length === 1 ? (given[0] as SymbolicTensor) : given, callArgs);
      outputs = (Array.isArray(result) ? result : [result]) as SymbolicTensor[];
      applied.set(key(tensor), outputs);
    }
    return outputs[tensorIndex - droppedBefore(sourceLayer, twin, tensorIndex)] as SymbolicTensor;
  };
  return rebuild;
}

/** How many of the outputs before this one the twin has no more. */
function droppedBefore(layer: Layer, twin: Layer, tensorIndex: number): number {
  if (!(layer instanceof CroprPruner && twin instanceof CroprPruner) || tensorIndex < FIRST_ATTENTION) return 0;
  return attentionOutputs(layer) - attentionOutputs(twin);
}

function copyWeights(layer: Layer, twin: Layer): void {
  tidy(() => {
    const folds = layer instanceof CroprPruner && twin instanceof CroprPruner && !twin.options.returnAttention;
    twin.setWeights(folds ? foldedWeights(layer) : layer.getWeights());
  });
}

/** `queries [1, D]`, and `gamma` and `beta` where the router normalises. */
function foldedWeights(router: CroprPruner): Tensor[] {
  return [expandDims(router.foldedQuery(), 0), ...(router.options.preNorm ? router.getWeights().slice(-2) : [])];
}
