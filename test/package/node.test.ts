import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entries, root } from '../../scripts/entries.js';
import { bundle, runInNode } from './bundle.js';

const surface = JSON.parse(readFileSync(resolve(root, 'test/surface.json'), 'utf8')) as Record<
  string,
  { values: string[] }
>;

describe('in Node', () => {
  it.each(entries)('$specifier: import and require give the same objects', async ({ specifier }) => {
    const printed = await runInNode(`
      import { createRequire } from 'node:module';
      import * as imported from '${specifier}';
      const required = createRequire(import.meta.url)('${specifier}');
      const names = Object.keys(imported).sort();
      console.log(JSON.stringify({ names, same: names.every((name) => imported[name] === required[name]) }));
    `);
    expect(JSON.parse(printed)).toEqual({ names: surface[specifier]?.values, same: true });
  });

  it('the subpaths share their classes with the main entry, as CommonJS too', async () => {
    const printed = await runInNode(
      `
      const main = require('${resolve(root, 'dist/index.cjs')}');
      const cropr = require('${resolve(root, 'dist/cropr/index.cjs')}');
      require('${resolve(root, 'dist/register.cjs')}');
      const { serialization } = require('@tensorflow/tfjs-core');
      const map = serialization.SerializationMap.getMap().classNameMap;
      console.log(JSON.stringify([
        Object.keys(main).sort(),
        main.CroprPruner === cropr.CroprPruner,
        map.LLFCroprPruner[0] === main.CroprPruner,
        main.CroprPruner.name,
      ]));
    `,
      'cjs',
    );
    expect(JSON.parse(printed)).toEqual([surface['tfjs-llf']?.values, true, true, 'CroprPruner']);
  });
});

describe('a saved model', () => {
  let folder = '';
  let saved = '';

  const predict = `
    const [logits] = model.predict(tf.fill([1, 8, 8, 1], 0.5));
    console.log(JSON.stringify([...logits.dataSync()]));
  `;
  const load = `
    import * as tf from '@tensorflow/tfjs';
    import { fileSystem } from 'tfjs-llf/node';
  `;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tfjs-llf-'));
    saved = await runInNode(`
      import { visionTransformer } from 'tfjs-llf';
      ${load}
      const model = visionTransformer({
        imageSize: 8, channels: 1, patchSize: 2, dim: 8, depth: 4, heads: 2, classes: 3, pruning: { prune: 4 },
      });
      await model.save(fileSystem('${folder}'));
      ${predict}
    `);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const program = (first: string): string => `
    ${first}
    ${load}
    const model = await tf.loadLayersModel(fileSystem('${folder}'));
    ${predict}
  `;

  it('loads in a bundle with tfjs-llf/register and predicts the same', async () => {
    const { code } = await bundle(program(`import 'tfjs-llf/register';`));
    expect(JSON.parse(saved)).toHaveLength(3);
    expect(JSON.parse(await runInNode(code))).toEqual(JSON.parse(saved));
  });

  it('does not load in a bundle without: tfjs names the first layer that it does not know', async () => {
    const { code } = await bundle(program(''));
    await expect(runInNode(code)).rejects.toThrow(/Unknown layer: LLFPatchEmbedding/);
  });
});
