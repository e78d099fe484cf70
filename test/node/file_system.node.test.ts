import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileSystem } from '../../src/node/file_system.js';
import { smallModel, train, trainingData, weightValues } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llf-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The bytes of a tensor: tells -0 from 0, and one NaN from another. */
function bits(tensor: tf.Tensor): number[] {
  const { buffer, byteOffset, byteLength } = tensor.dataSync();
  return Array.from(new Uint8Array(buffer, byteOffset, byteLength));
}

const allBits = (model: tf.LayersModel): number[][] => model.getWeights().map(bits);

async function manifest(change: (json: Manifest) => void): Promise<void> {
  const file = join(folder, 'model.json');
  const json = JSON.parse(await readFile(file, 'utf8')) as Manifest;
  change(json);
  await writeFile(file, JSON.stringify(json));
}

interface Manifest {
  modelTopology?: unknown;
  weightsManifest: { paths: string[]; weights: tf.io.WeightsManifestEntry[] }[];
}

onEachBackend(() => {
  describe('fileSystem', () => {
    it('gives every weight back bit for bit, and the predictions', async () => {
      const model = smallModel();
      await train(model);
      const odd = tf.tensor1d([-0, Number.NaN, Number.NEGATIVE_INFINITY, 1e-40]);
      const norm = model.getLayer('norm');
      const [gamma, beta, average, variance] = norm.getWeights().map((weight) => weight.clone()) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      norm.setWeights([gamma, odd, average, variance]);
      await model.save(fileSystem(folder));
      expect((await readdir(folder)).sort()).toEqual(['model.json', 'weights.bin']);
      const loaded = await tf.loadLayersModel(fileSystem(folder));
      expect(allBits(loaded)).toEqual(allBits(model));
      norm.setWeights([gamma, beta, average, variance]);
      await model.save(fileSystem(folder));
      const again = await tf.loadLayersModel(fileSystem(folder));
      const { x } = trainingData();
      expect(bits(again.predict(x) as tf.Tensor)).toEqual(bits(model.predict(x) as tf.Tensor));
    });

    it('keeps the optimizer: momentum training goes on to the bit', async () => {
      const model = smallModel(tf.train.momentum(0.1, 0.9));
      await train(model, { epochs: 2 });
      await model.save(fileSystem(folder), { includeOptimizer: true });
      const loaded = await tf.loadLayersModel(fileSystem(folder));
      expect(loaded.optimizer.getClassName()).toBe('Momentum');
      for (const one of [model, loaded]) await train(one, { epochs: 2 });
      expect(weightValues(loaded)).toEqual(weightValues(model));
    });

    it('holds no tensors of its own', async () => {
      const model = smallModel();
      const { numTensors } = tf.memory();
      await model.save(fileSystem(folder));
      expect(tf.memory().numTensors).toBe(numTensors);
      const loaded = await tf.loadLayersModel(fileSystem(folder));
      loaded.dispose();
      expect(tf.memory().numTensors).toBe(numTensors);
    });
  });
});

describe('paths', () => {
  it('may be a folder that is yet to be made, a .json file, and relative', async () => {
    const model = smallModel();
    for (const path of [join(folder, 'a/b'), join(folder, 'c/net.json'), relative('.', join(folder, 'd'))]) {
      const { modelArtifactsInfo } = await model.save(fileSystem(path));
      expect(modelArtifactsInfo.modelTopologyType).toBe('JSON');
      expect(modelArtifactsInfo.weightDataBytes).toBe(42 * 4);
      expect(weightValues(await tf.loadLayersModel(fileSystem(path)))).toEqual(weightValues(model));
    }
    expect(await readdir(join(folder, 'c'))).toEqual(['net.json', 'weights.bin']);
  });

  it('must be given', () => {
    for (const bad of ['', undefined, 3]) {
      expect(() => fileSystem(bad as string)).toThrow(/^fileSystem: path must be the path of a folder or of a \.json/);
    }
  });
});

describe('the format', () => {
  it('is that of tfjs: a page can load the files over http', async () => {
    const model = smallModel();
    await model.save(fileSystem(folder));
    const server = createServer((request, response) => {
      readFile(join(folder, request.url ?? '')).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const loaded = await tf.loadLayersModel(`http://127.0.0.1:${port}/model.json`);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(weightValues(loaded)).toEqual(weightValues(model));
  });

  it('may come in several groups and shards, cut anywhere', async () => {
    const model = smallModel();
    await model.save(fileSystem(folder));
    const bytes = await readFile(join(folder, 'weights.bin'));
    await rm(join(folder, 'weights.bin'));
    const pieces: [string, number, number][] = [
      ['group1-shard1of3.bin', 0, 7],
      ['group1-shard2of3.bin', 7, 9],
      ['group1-shard3of3.bin', 9, 64],
      ['group2-shard1of1.bin', 64, bytes.length],
    ];
    for (const [name, from, to] of pieces) await writeFile(join(folder, name), bytes.subarray(from, to));
    await manifest((json) => {
      const weights = json.weightsManifest[0]?.weights ?? [];
      const names = pieces.map(([name]) => name);
      // The first group ends with the second weight: kernel [3, 4] and bias [4] are 64 bytes.
      json.weightsManifest = [
        { paths: names.slice(0, 3), weights: weights.slice(0, 2) },
        { paths: names.slice(3), weights: weights.slice(2) },
      ];
    });
    expect(allBits(await tf.loadLayersModel(fileSystem(folder)))).toEqual(allBits(model));
  });

  it('may be quantized, as the converter writes it', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2], useBias: false })] });
    await model.save(fileSystem(folder));
    await writeFile(join(folder, 'weights.bin'), Uint8Array.of(0, 1, 2, 3, 4, 255));
    await manifest((json) => {
      const weight = json.weightsManifest[0]?.weights[0] as tf.io.WeightsManifestEntry;
      weight.quantization = { dtype: 'uint8', scale: 0.5, min: -1 };
    });
    expect(weightValues(await tf.loadLayersModel(fileSystem(folder)))).toEqual([[-1, -0.5, 0, 0.5, 1, 126.5]]);
  });
});

describe('a model that cannot be read', () => {
  const load = (): Promise<unknown> => tf.loadLayersModel(fileSystem(folder));
  beforeEach(async () => {
    await smallModel().save(fileSystem(folder));
  });

  it('names the file that is missing', async () => {
    await rm(join(folder, 'weights.bin'));
    await expect(load()).rejects.toThrow(
      `fileSystem: ${join(folder, 'weights.bin')} must be a readable file, received no such file.`,
    );
    await rm(join(folder, 'model.json'));
    await expect(load()).rejects.toThrow(`fileSystem: ${join(folder, 'model.json')} must be a readable file`);
    await mkdir(join(folder, 'model.json'));
    await expect(load()).rejects.toThrow('must be a readable file, received EISDIR.');
  });

  it('counts the bytes of weights', async () => {
    const file = join(folder, 'weights.bin');
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, 100));
    await expect(load()).rejects.toThrow(`fileSystem: ${file} must hold 168 bytes of weights, received 100.`);
    await writeFile(file, Buffer.concat([bytes, Buffer.from('x')]));
    await expect(load()).rejects.toThrow('must hold 168 bytes of weights, received 169.');
  });

  it('tells corrupt JSON from JSON that is no model', async () => {
    const file = join(folder, 'model.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.slice(0, -10));
    await expect(load()).rejects.toThrow(`fileSystem: ${file} must be JSON, received`);
    for (const other of ['null', '[]', '3', '{"modelTopology":null}', '{"format":"layers-model"}']) {
      await writeFile(file, other);
      await expect(load()).rejects.toThrow('must be a saved model, received JSON without "modelTopology".');
    }
    const topology = '"modelTopology":{}';
    for (const bad of ['', ',"weightsManifest":{}', ',"weightsManifest":[null]', ',"weightsManifest":[{"paths":[]}]']) {
      await writeFile(file, `{${topology}${bad}}`);
      await expect(load()).rejects.toThrow('received JSON without a sound "weightsManifest".');
    }
  });
});

describe('a model that cannot be written', () => {
  it('leaves the old one and no scraps', async () => {
    const old = smallModel();
    await old.save(fileSystem(folder));
    const other = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2] })] });
    const before = await readFile(join(folder, 'weights.bin'));
    await rm(join(folder, 'weights.bin'));
    await mkdir(join(folder, 'weights.bin/in-the-way'), { recursive: true });
    await expect(other.save(fileSystem(folder))).rejects.toThrow(
      `fileSystem: ${folder} must be a folder that can be written, received E`,
    );
    await rm(join(folder, 'weights.bin'), { recursive: true });
    await writeFile(join(folder, 'weights.bin'), before);
    expect((await readdir(folder)).sort()).toEqual(['model.json', 'weights.bin']);
    expect(weightValues(await tf.loadLayersModel(fileSystem(folder)))).toEqual(weightValues(old));
  });

  it('says so where a file stands in place of the folder', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(smallModel().save(fileSystem(file))).rejects.toThrow(`fileSystem: ${file} must be a folder that can`);
  });

  it('must have a topology in JSON', async () => {
    const save = fileSystem(folder).save as NonNullable<tf.io.IOHandler['save']>;
    await expect(save({ modelTopology: new ArrayBuffer(4) })).rejects.toThrow('received a binary one.');
  });
});

describe('canary: tfjs without tfjs-node cannot save to disk', () => {
  it('so fileSystem is needed', async () => {
    expect('fileSystem' in tf.io).toBe(false);
    await expect(smallModel().save('file://model')).rejects.toThrow('Cannot find any save handlers');
  });
});
