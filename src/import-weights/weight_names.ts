/**
 * Where a weight is in a file: the tensors of these names, joined along their first axis; of the whole only part `[i, n]`,
 * the i-th of n equal ones, where that is given.
 */
export interface WeightSource {
  /** Tensors of the file, in the order in which they are joined. */
  readonly names: readonly string[];
  /** Which of how many equal parts. */
  readonly part?: readonly [index: number, count: number];
}

/** Tells where a weight `layer/name` of a model may be in a file; the first place that the file has is taken. */
export type WeightNames = (weight: string) => readonly WeightSource[];

const NORM = { Gamma: 'weight', Beta: 'bias', gamma: 'weight', beta: 'bias' } as const;
const LINEAR = { Kernel: 'weight', Bias: 'bias' } as const;
/** Queries, keys and values as the three parts of a packed kernel. */
const PARTS: readonly string[] = ['query', 'key', 'value'];

/** Dotted names of the parts of a layer, the likeliest first. */
const BLOCK: Readonly<Record<string, readonly string[]>> = {
  attn: ['norm1'],
  mlp: ['norm2'],
  qkv: ['attn.qkv'],
  query: ['attn.q_proj'],
  key: ['attn.k_proj'],
  value: ['attn.v_proj'],
  proj: ['attn.proj'],
  gate: ['mlp.fc1_g'],
  inner: ['mlp.norm'],
  fc1: ['mlp.fc1', 'mlp.fc1_x'],
  fc2: ['mlp.fc2'],
};
const AUX: Readonly<Record<string, readonly string[]>> = {
  value: ['cross_attn.v'],
  proj: ['cross_attn.proj'],
  mlp: ['cross_attn.mlp_norm'],
  fc1: ['cross_attn.mlp.fc1'],
  fc2: ['cross_attn.mlp.fc2'],
};
/** The norm of a head and its linear map have one stem. */
const AUX_HEAD: Readonly<Record<string, string>> = {
  headGamma: 'head.norm.weight',
  headBeta: 'head.norm.bias',
  headKernel: 'head.head.weight',
  headBias: 'head.head.bias',
};
const ROUTER: Readonly<Record<string, string>> = {
  queries: 'queries',
  queryKernel: 'q.weight',
  keyKernel: 'k.weight',
  gamma: 'attn_norm.weight',
  beta: 'attn_norm.bias',
};
const OTHER: Readonly<Record<string, readonly string[]>> = {
  'embed/classToken': ['cls_token'],
  'embed/positions': ['pos_embed'],
  'embed/kernel': ['patch_embed.proj.weight'],
  'embed/bias': ['patch_embed.proj.bias'],
  'head/gamma': ['fc_norm.weight', 'norm.weight'],
  'head/beta': ['fc_norm.bias', 'norm.bias'],
  'head/kernel': ['head.weight'],
  'head/bias': ['head.bias'],
};

/** `fc1Kernel` → the names of its stem with `weight` or `bias` behind. */
function stemmed(table: Readonly<Record<string, readonly string[]>>, prefix: string, name: string): string[] {
  const [, stem = '', kind = ''] = /^(\w+)(Gamma|Beta|Kernel|Bias)$/.exec(name) ?? [];
  const suffix = { ...NORM, ...LINEAR }[kind as keyof typeof LINEAR];
  return (table[stem] ?? []).map((path) => `${prefix}.${path}.${suffix}`);
}

function blockSources(prefix: string, name: string): WeightSource[] {
  const plain = stemmed(BLOCK, prefix, name).map((path): WeightSource => ({ names: [path] }));
  const [, stem = '', kind = ''] = /^(\w+)(Kernel|Bias)$/.exec(name) ?? [];
  const part = PARTS.indexOf(stem);
  const suffix = LINEAR[kind as keyof typeof LINEAR];
  if (stem === 'qkv') plain.push({ names: ['q', 'k', 'v'].map((letter) => `${prefix}.attn.${letter}_proj.${suffix}`) });
  if (part < 0) return plain;
  // EVA-02 in timm, where it is packed, keeps the two biases apart.
  if (suffix === 'bias') plain.push({ names: [`${prefix}.attn.${stem[0]}_bias`] });
  return [...plain, { names: [`${prefix}.attn.qkv.${suffix}`], part: [part, 3] }];
}

/**
 * The names that timm's vision transformers and the authors' code of Token Cropr give to the weights of
 * {@link visionTransformer} and {@link segmentationTransformer}: the default of {@link importWeights}.
 *
 * Takes `layer/name` and returns where it may be in a file. For layers of other names translate first:
 * `(weight) => timmNames(weight.replace('encoder_', 'block_'))`.
 *
 * @example
 * ```ts
 * import { timmNames } from 'tfjs-llf';
 *
 * const [source] = timmNames('block_3/fc1Kernel');
 * if (source?.names.join() !== 'blocks.3.mlp.fc1.weight') throw new Error('as timm calls it');
 * ```
 */
export function timmNames(weight: string): WeightSource[] {
  const [, layer = '', index = '', name = ''] = /^(block|router|aux)_(\d+)\/(\w+)$/.exec(weight) ?? [];
  const only = (path: string | undefined): WeightSource[] =>
    path === undefined ? [] : [{ names: [`cropr.${index}.${path}`] }];
  if (layer === 'block') return blockSources(`blocks.${index}`, name);
  if (layer === 'router') return Object.hasOwn(ROUTER, name) ? only(`cross_attn.${ROUTER[name]}`) : [];
  if (layer === 'aux' && Object.hasOwn(AUX_HEAD, name)) return only(AUX_HEAD[name]);
  const paths = layer === 'aux' ? stemmed(AUX, `cropr.${index}`, name) : (OTHER[weight] ?? []);
  return paths.map((path) => ({ names: [path] }));
}
