import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entries, root } from '../../scripts/entries.js';
import { runInNode } from './bundle.js';

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
