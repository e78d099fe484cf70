/** The model that the rivals share: ViT-Ti/16 at 224 px, and its weights as plain arrays. */
import { type LayersModel, randomUniform, type Tensor } from '@tensorflow/tfjs';

/** Configuration for `visionTransformer`; the weights are random, but the same in each run. */
export const VIT_TI = {
  imageSize: 224,
  channels: 3,
  patchSize: 16,
  dim: 192,
  depth: 12,
  heads: 3,
  classes: 1000,
  seed: 1,
} as const;

/** Epsilon of its layer norms. */
export const EPSILON = 1e-6;
export const PATCHES: number = (VIT_TI.imageSize / VIT_TI.patchSize) ** 2;
/** Patches and the class token. */
export const TOKENS: number = PATCHES + 1;

/** The same images in each run: `[B, 224, 224, 3]`. */
export function randomImages(batch: number): Tensor {
  return randomUniform([batch, VIT_TI.imageSize, VIT_TI.imageSize, VIT_TI.channels], -1, 1, 'float32', 1);
}

/** An array and its shape. */
interface Weight {
  shape: number[];
  data: Float32Array;
}

/** Weights by `layer/weight`, as in `block_0/qkvKernel`. */
export type Weights = Readonly<Record<string, Weight>>;

/** A copy of all weights of a model. */
export async function weightsOf(model: LayersModel): Promise<Weights> {
  const found = model.layers.flatMap(({ weights }) => weights);
  const entries = found.map(async (weight): Promise<[string, Weight]> => {
    const value = weight.read();
    return [weight.originalName, { shape: value.shape, data: (await value.data<'float32'>()).slice() }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The entry of a name. */
export function named<T>(entries: Readonly<Record<string, T>>, name: string): T {
  const entry = entries[name];
  if (entry === undefined) throw new Error(`named: name must be one of ${Object.keys(entries)}, received "${name}".`);
  return entry;
}

/** `[B, H, W, C]` → `[B, C, H, W]`. */
export function channelsFirst(data: Float32Array, [batch, height, width, channels]: readonly number[]): Float32Array {
  const [b = 0, h = 0, w = 0, c = 0] = [batch, height, width, channels];
  const pixels = h * w;
  const moved = new Float32Array(data.length);
  for (let n = 0; n < b; n++)
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let channel = 0; channel < c; channel++)
        moved[(n * c + channel) * pixels + pixel] = data[(n * pixels + pixel) * c + channel] as number;
  return moved;
}
