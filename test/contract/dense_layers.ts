import { LogitFusion } from '../../src/cropr-dense/logit_fusion_layer.js';
import { LogitMap } from '../../src/cropr-dense/logit_map_layer.js';
import { RotaryBlock } from '../../src/cropr-dense/rotary_block_layer.js';
import { TokenGrid } from '../../src/cropr-dense/token_grid_layer.js';
import { TokenHead } from '../../src/cropr-dense/token_head_layer.js';
import { TokenIds } from '../../src/cropr-dense/token_ids_layer.js';
import type { InputSpec, LayerRow } from './layers.js';

const tokens: InputSpec = { shape: [5, 8] };

/** Ids of whole numbers, the same for each sample but turned round. */
const ids = (...values: number[]): InputSpec => ({
  shape: [values.length],
  dtype: 'int32',
  values: (sample) => (sample === 0 ? values : [...values].reverse()),
});

/** The rows of `cropr-dense`. */
export const denseLayerRows: readonly LayerRow[] = [
  {
    name: 'RotaryBlock',
    create: (name) => new RotaryBlock({ name, heads: 2, grid: [2, 2], seed: 1 }),
    inputs: [tokens],
  },
  {
    name: 'RotaryBlock with ids, drop path and class attention, on a grid scaled to another',
    create: (name) =>
      new RotaryBlock({
        name,
        heads: 1,
        grid: [3, 2],
        referenceGrid: [6, 4],
        mlpRatio: 1,
        dropPath: 0.4,
        kernelStd: 0.2,
        returnAttention: true,
        seed: 2,
      }),
    inputs: [tokens, ids(0, 6, 2, 5, 1)],
    constantOutputs: [1],
  },
  { name: 'TokenIds', create: (name) => new TokenIds({ name }), inputs: [tokens] },
  { name: 'TokenHead', create: (name) => new TokenHead({ name, units: 3, seed: 1 }), inputs: [tokens] },
  {
    name: 'LogitMap',
    create: (name) => new LogitMap({ name, grid: [2, 3], size: [4, 9] }),
    inputs: [{ shape: [6, 3] }],
  },
  {
    name: 'LogitMap that leaves out the class token and shrinks',
    create: (name) => new LogitMap({ name, grid: [3, 2], size: [2, 5] }),
    inputs: [{ shape: [7, 2] }],
  },
  {
    name: 'TokenGrid',
    create: (name) => new TokenGrid({ name, tokens: 7 }),
    inputs: [tokens, ids(0, 6, 2, 5, 1)],
  },
  {
    name: 'LogitFusion',
    create: (name) => new LogitFusion({ name }),
    inputs: [{ shape: [3, 2] }, ids(0, 4, 2), { shape: [5, 2] }, ids(5), { shape: [5, 2] }, ids(3, 1)],
    fixedInputs: [2, 4],
  },
];
