/// <reference types="node" />
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { io } from '@tensorflow/tfjs-core';

type WeightsManifest = io.WeightsManifestConfig;
type WeightSpec = io.WeightsManifestEntry;

/** File names that tfjs and its tools use. */
const MODEL_FILE = 'model.json';
const WEIGHTS_FILE = 'weights.bin';

const BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  complex64: 8,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

/**
 * Saves and loads models on the disk of a Node process, without tfjs-node.
 *
 * `path` is a folder (made when saving), or the path of the `.json` file in it. It holds `model.json` and `weights.bin`
 * in the standard format of tfjs, so that a page can load the same files over http with `tf.loadLayersModel(url)`, and
 * files that a converter or tfjs-node wrote load here, in any number of shards. With `includeOptimizer: true` the
 * optimizer's slots are saved too. Both files are written in full under another name and then renamed: what stops the
 * writing leaves the old model.
 *
 * @throws When loading, if a file is missing, the JSON is corrupt or no model, or the weight files are shorter or longer
 * than `model.json` says; when saving, if the folder cannot be written.
 *
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import * as tf from '@tensorflow/tfjs';
 * import { fileSystem } from 'tfjs-llf/node';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
 * const folder = await mkdtemp(join(tmpdir(), 'model-'));
 * await model.save(fileSystem(folder));
 * const loaded = await tf.loadLayersModel(fileSystem(folder));
 * ```
 */
export function fileSystem(path: string): io.IOHandler {
  if (typeof path !== 'string' || path === '') {
    throw new Error(`fileSystem: path must be the path of a folder or of a .json file, received ${String(path)}.`);
  }
  const file = path.endsWith('.json') ? resolve(path) : join(resolve(path), MODEL_FILE);
  return { save: (artifacts) => save(file, artifacts), load: () => load(file) };
}

async function save(file: string, artifacts: io.ModelArtifacts): Promise<io.SaveResult> {
  if (artifacts.modelTopology instanceof ArrayBuffer) {
    throw new Error('fileSystem: model must be a LayersModel with a JSON topology, received a binary one.');
  }
  const data = io.CompositeArrayBuffer.join(artifacts.weightData);
  const { weightData: _data, weightSpecs = [], getWeightStream: _stream, ...rest } = artifacts;
  const json = { ...rest, weightsManifest: [{ paths: [WEIGHTS_FILE], weights: weightSpecs }] };
  const folder = dirname(file);
  await writeTogether(folder, [
    [join(folder, WEIGHTS_FILE), new Uint8Array(data)],
    [file, JSON.stringify(json)],
  ]);
  return { modelArtifactsInfo: io.getModelArtifactsInfoForJSON({ ...artifacts, weightSpecs, weightData: data }) };
}

/** Writes files beside their places and then moves all of them there; a failure leaves neither half a file nor another. */
async function writeTogether(folder: string, files: [string, string | Uint8Array][]): Promise<void> {
  const mark = `.${randomUUID()}.tmp`;
  try {
    await mkdir(folder, { recursive: true });
    for (const [file, content] of files) await writeFile(file + mark, content);
    for (const [file] of files) await rename(file + mark, file);
  } catch (cause) {
    await Promise.all(files.map(([file]) => rm(file + mark, { force: true }).catch(() => {})));
    const reason = (cause as NodeJS.ErrnoException).code ?? cause;
    throw new Error(`fileSystem: ${folder} must be a folder that can be written, received ${reason}.`, { cause });
  }
}

async function load(file: string): Promise<io.ModelArtifacts> {
  const json = parse(file, (await read(file)).toString('utf8'));
  return io.getModelArtifactsForJSON(json, async (manifest) => {
    const specs = manifest.flatMap(({ weights }) => weights);
    return [specs, await readWeights(dirname(file), manifest)];
  });
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'no such file' : String(code ?? cause);
    throw new Error(`fileSystem: ${file} must be a readable file, received ${reason}.`, { cause });
  }
}

function parse(file: string, text: string): io.ModelJSON {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`fileSystem: ${file} must be JSON, received ${(cause as Error).message}.`, { cause });
  }
  const part = (key: string): unknown =>
    typeof json === 'object' && json !== null ? Reflect.get(json, key) : undefined;
  if (typeof part('modelTopology') !== 'object' || part('modelTopology') === null) {
    throw new Error(`fileSystem: ${file} must be a saved model, received JSON without "modelTopology".`);
  }
  const manifest = part('weightsManifest');
  if (!Array.isArray(manifest) || !manifest.every(isGroup)) {
    throw new Error(`fileSystem: ${file} must be a saved model, received JSON without a sound "weightsManifest".`);
  }
  return json as io.ModelJSON;
}

/** A group of weights in the manifest: its files, and what they hold. */
function isGroup(group: unknown): boolean {
  const { paths, weights } = (group ?? {}) as Partial<WeightsManifest[number]>;
  return (
    Array.isArray(paths) &&
    paths.every((path) => typeof path === 'string') &&
    Array.isArray(weights) &&
    weights.every((weight) => Array.isArray(weight?.shape))
  );
}

async function readWeights(folder: string, manifest: WeightsManifest): Promise<ArrayBuffer> {
  const buffers: ArrayBuffer[] = [];
  for (const { paths, weights } of manifest) {
    const shards = await Promise.all(paths.map((path) => read(join(folder, path))));
    const received = shards.reduce((total, shard) => total + shard.byteLength, 0);
    const expected = expectedBytes(weights);
    if (expected !== undefined && expected !== received) {
      const files = paths.map((path) => join(folder, path)).join(', ');
      throw new Error(`fileSystem: ${files} must hold ${expected} bytes of weights, received ${received}.`);
    }
    buffers.push(...shards.map((shard) => new Uint8Array(shard).buffer));
  }
  return io.CompositeArrayBuffer.join(buffers);
}

/** Bytes of a group of weights; unknown if it holds strings. */
function expectedBytes(weights: readonly WeightSpec[]): number | undefined {
  let total = 0;
  for (const { shape, dtype, quantization } of weights) {
    const bytes = BYTES[quantization?.dtype ?? dtype];
    if (bytes === undefined) return undefined;
    total += bytes * shape.reduce((product, length) => product * length, 1);
  }
  return total;
}
