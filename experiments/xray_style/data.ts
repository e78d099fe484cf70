/** Pairs of a radiograph and its styled self. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import * as tf from '@tensorflow/tfjs';
import { type RandomStream, randomStream } from 'tfjs-llf';
import { cropped, fromTensor, type GreyImage, toTensor } from '../../examples/data/grey_image.js';
import { phantom } from '../../examples/data/phantom.js';
import { angiogram, chestScout } from '../../examples/data/radiographs.js';
import { ANGIOGRAM, BATCH, CROP, PHANTOM } from './settings.js';
import { type Style, styled } from './styles.js';

/** Kinds of images, and which are trained on and which tested on. */
export interface Radiographs {
  kind: string;
  trained: GreyImage[];
  tested: GreyImage[];
}

/** The images, decoded once for all processes into a file of the folder. */
export async function radiographs(folder: string): Promise<Radiographs[]> {
  const file = `${folder}/radiographs.bin`;
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, serialize(await decoded()));
  }
  return deserialize(readFileSync(file)) as Radiographs[];
}

/** The chest is cut in two halves; of the angiogram early frames are trained on and late ones tested on. */
async function decoded(): Promise<Radiographs[]> {
  const [chest, frames] = await Promise.all([chestScout(), angiogram()]);
  const half = chest.width / 2;
  return [
    {
      kind: 'chest',
      trained: [cropped(chest, 0, 0, chest.height, half)],
      tested: [cropped(chest, 0, half, chest.height, half)],
    },
    {
      kind: 'angiogram',
      trained: frames.slice(0, ANGIOGRAM.trained).filter((_, i) => i % ANGIOGRAM.every === 0),
      tested: frames.slice(ANGIOGRAM.from).filter((_, i) => i % ANGIOGRAM.every === 0),
    },
    {
      kind: 'phantom',
      trained: PHANTOM.trained.map((seed) => phantom(seed, PHANTOM.side)),
      tested: PHANTOM.tested.map((seed) => phantom(seed, PHANTOM.side)),
    },
  ];
}

/** An image before and after. */
export interface Pair {
  kind: string;
  source: GreyImage;
  target: GreyImage;
}

/** Images with their styled selves. */
export async function pairsOf(kind: string, images: readonly GreyImage[], style: Style): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const source of images) {
    const target = tf.tidy(() => styled(toTensor(source), style));
    pairs.push({ kind, source, target: await fromTensor(target) });
    target.dispose();
  }
  return pairs;
}

/** Random crops for one step, each kind as likely: `[BATCH, CROP, CROP, 1]` of both. */
export function cropsOf(pairs: readonly Pair[], seed: number, step: number): { xs: tf.Tensor; ys: tf.Tensor } {
  const stream: RandomStream = randomStream(seed, 'crops', step);
  const kinds = [...new Set(pairs.map(({ kind }) => kind))];
  return tf.tidy(() => {
    const chosen = Array.from({ length: BATCH }, () => {
      const kind = kinds[stream.integer(kinds.length)] as string;
      const own = pairs.filter((pair) => pair.kind === kind);
      const { source, target } = own[stream.integer(own.length)] as Pair;
      const top = stream.integer(source.height - CROP + 1);
      const left = stream.integer(source.width - CROP + 1);
      const part = (image: GreyImage): tf.Tensor4D => toTensor(cropped(image, top, left, CROP, CROP));
      return { source: part(source), target: part(target) };
    });
    return { xs: tf.concat(chosen.map(({ source }) => source)), ys: tf.concat(chosen.map(({ target }) => target)) };
  });
}
