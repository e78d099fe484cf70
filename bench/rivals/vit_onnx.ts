/** ViT-Ti as an ONNX file: standard operators only, opset 20 (LayerNormalization, exact Gelu). */
import { OnnxGraph } from './onnx.js';
import { channelsFirst, EPSILON, named, PATCHES, TOKENS, VIT_TI, type Weights } from './vit.js';

const { imageSize, channels, patchSize, dim, depth, heads, classes } = VIT_TI;
const PER_HEAD = dim / heads;

/** The file of the model for batches of this size: images `[B, 3, 224, 224]` → logits `[B, 1000]`. */
export function vitOnnx(weights: Weights, batch: number): Uint8Array {
  const graph = new OnnxGraph(20);
  const constant = (name: string, shape?: readonly number[]): string => {
    const weight = named(weights, name);
    return graph.floats(name, shape ?? weight.shape, weight.data);
  };
  const norm = (x: string, gamma: string, beta: string): string =>
    graph.node('LayerNormalization', [x, constant(gamma), constant(beta)], { axis: -1, epsilon: { float: EPSILON } });
  const dense = (x: string, kernel: string, bias: string): string =>
    graph.node('Add', [graph.node('MatMul', [x, constant(kernel)]), constant(bias)]);

  const attention = (x: string): string => {
    const parts = graph.nodeOf(3, 'Split', [x], { axis: -1, num_outputs: 3 });
    const [query = '', key = '', value = ''] = parts.map((part, i) => {
      const split = graph.node('Reshape', [part, graph.ints(batch, TOKENS, heads, PER_HEAD)]);
      return graph.node('Transpose', [split], { perm: i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] });
    });
    const scale = graph.floats(`scale_${x}`, [], Float32Array.of(PER_HEAD ** -0.5));
    const logits = graph.node('MatMul', [graph.node('Mul', [query, scale]), key]);
    const context = graph.node('MatMul', [graph.node('Softmax', [logits], { axis: -1 }), value]);
    const merged = graph.node('Transpose', [context], { perm: [0, 2, 1, 3] });
    return graph.node('Reshape', [merged, graph.ints(batch, TOKENS, dim)]);
  };

  const block = (x: string, name: string): string => {
    const at = (weight: string): string => `${name}/${weight}`;
    const qkv = dense(norm(x, at('attnGamma'), at('attnBeta')), at('qkvKernel'), at('qkvBias'));
    const middle = graph.node('Add', [x, dense(attention(qkv), at('projKernel'), at('projBias'))]);
    const hidden = dense(norm(middle, at('mlpGamma'), at('mlpBeta')), at('fc1Kernel'), at('fc1Bias'));
    return graph.node('Add', [middle, dense(graph.node('Gelu', [hidden]), at('fc2Kernel'), at('fc2Bias'))]);
  };

  const image = { name: 'images', shape: [batch, channels, imageSize, imageSize] };
  const { data, shape } = named(weights, 'embed/kernel');
  // [height, width, in, out] → [out, in, height, width].
  const kernel = transposed(channelsFirst(data, [1, patchSize, patchSize, channels * dim]), channels, dim);
  const convolution = graph.node(
    'Conv',
    [image.name, graph.floats('embed/kernel', [...shape].reverse(), kernel), constant('embed/bias')],
    { strides: [patchSize, patchSize] },
  );
  const columns = graph.node('Reshape', [convolution, graph.ints(batch, dim, PATCHES)]);
  const patches = graph.node('Transpose', [columns], { perm: [0, 2, 1] });
  const token = graph.node('Expand', [constant('embed/classToken'), graph.ints(batch, 1, dim)]);
  const embedded = graph.node('Concat', [token, patches], { axis: 1 });
  let tokens = graph.node('Add', [embedded, constant('embed/positions')]);
  for (let i = 0; i < depth; i++) tokens = block(tokens, `block_${i}`);
  const pooled = graph.node('ReduceMean', [tokens, graph.ints(1)], { keepdims: 0 });
  const logits = dense(norm(pooled, 'head/gamma', 'head/beta'), 'head/kernel', 'head/bias');
  return graph.file(image, { name: logits, shape: [batch, classes] });
}

/** `[in · out, pixels]` with out fastest → `[out, in, pixels]`. */
function transposed(data: Float32Array, inputs: number, outputs: number): Float32Array {
  const pixels = data.length / (inputs * outputs);
  const moved = new Float32Array(data.length);
  for (let i = 0; i < inputs; i++)
    for (let o = 0; o < outputs; o++) {
      const row = (i * outputs + o) * pixels;
      moved.set(data.subarray(row, row + pixels), (o * inputs + i) * pixels);
    }
  return moved;
}
