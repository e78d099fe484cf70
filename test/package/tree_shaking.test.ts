import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'vite';
import { describe, expect, it } from 'vitest';
import { entries, root } from '../../scripts/entries.js';
import { bundle } from './bundle.js';

type Exports = Record<string, unknown>;

const load = (module: string): Promise<Exports> => import(resolve(root, `dist/${module}.js`)) as Promise<Exports>;

/** The entries with a folder that the main entry re-exports: one for each method. */
const main = await load('index');
const methods: { folder: string; exports: Exports }[] = [];
for (const { module } of entries) {
  const exports = await load(module);
  const names = Object.keys(exports);
  if (module.endsWith('/index') && names.every((name) => name in main)) {
    methods.push({ folder: module.slice(0, -'index'.length), exports });
  }
}

/** A method that is built on others ships parts of them. */
const builtOn: Readonly<Record<string, readonly string[]>> = {
  'cropr-dense/': ['cropr/'],
  'detection/': ['cropr/', 'cropr-dense/'],
};

const classNameOf = (value: unknown): unknown => (typeof value === 'function' ? Reflect.get(value, 'className') : null);

/** Name of export, name for tfjs. Callbacks and abstract layers have none of their own. */
const layers: [string, string][] = Object.entries(main).flatMap(([name, value]) => {
  const className = Object.hasOwn(Object(value), 'className') ? classNameOf(value) : undefined;
  return typeof className === 'string' && className.startsWith('LLF') ? [[name, className]] : [];
});

const allNames = layers.map(([, className]) => className).sort();

/** The layer classes that a code holds. (Fused kernels have names of the same form.) */
const classNames = (code: string): string[] => allNames.filter((name) => new RegExp(`\\b${name}\\b`).test(code));

it('finds the methods and the layers', () => {
  expect(methods.map(({ folder }) => folder)).toEqual(expect.arrayContaining(['cropr/', 'forgetting/']));
  expect(layers.map(([name]) => name)).toEqual(expect.arrayContaining(['CroprPruner', 'AuxHead', 'LastLayerFusion']));
});

describe('a bundle', () => {
  it.each(layers)('of { %s } holds no other layer', async (name, className) => {
    const { code } = await bundle(`import { ${name} } from 'tfjs-llf'; console.log(${name});`);
    expect(classNames(code)).toEqual([className]);
  });

  for (const { folder, exports } of methods) {
    it(`of one export of ${folder} holds no code of another method`, async () => {
      const others = methods
        .map((method) => method.folder)
        .filter((other) => other !== folder && !builtOn[folder]?.includes(other));
      for (const name of Object.keys(exports)) {
        const { modules } = await bundle(`import { ${name} } from 'tfjs-llf'; console.log(${name});`);
        expect(modules, name).not.toEqual([]);
        expect(
          modules.filter((module) => others.some((other) => module.startsWith(other))),
          name,
        ).toEqual([]);
      }
    });
  }

  it('of nothing is empty, whatever the entry', async () => {
    for (const { specifier } of entries.filter(({ module }) => module !== 'register')) {
      expect((await bundle(`import '${specifier}';`)).modules, specifier).toEqual([]);
    }
  });

  it('of tfjs-llf/register holds every layer', async () => {
    const { code } = await bundle(`import 'tfjs-llf/register';`);
    expect(classNames(code)).toEqual(allNames);
  });

  it('by Vite is the same: one layer alone, all with register', async () => {
    const bundled = async (entry: string, name: string): Promise<string[]> => {
      const id = 'virtual:program';
      const result = await build({
        root,
        configFile: false,
        logLevel: 'silent',
        plugins: [
          {
            name: 'program',
            resolveId: (source) => (source === id ? id : undefined),
            load: (source) => (source === id ? entry : undefined),
          },
        ],
        build: { write: false, rollupOptions: { input: id, external: [/^@tensorflow\//] } },
      });
      const outputs = [result].flat().flatMap((one) => ('output' in one ? one.output : []));
      expect(outputs.length, name).toBeGreaterThan(0);
      return classNames(outputs.map((chunk) => ('code' in chunk ? chunk.code : '')).join(''));
    };
    expect(await bundled(`import { CroprPruner } from 'tfjs-llf'; console.log(CroprPruner);`, 'one')).toEqual([
      'LLFCroprPruner',
    ]);
    expect(await bundled(`import 'tfjs-llf/register';`, 'all')).toEqual(
      layers.map(([, className]) => className).sort(),
    );
  });
});

it('declares types for what is exported, and nothing else', () => {
  for (const { module } of entries) {
    for (const extension of ['js', 'cjs', 'd.ts', 'd.cts']) {
      expect(existsSync(resolve(root, `dist/${module}.${extension}`)), `${module}.${extension}`).toBe(true);
    }
  }
  expect(existsSync(resolve(root, 'dist/core/random.d.ts'))).toBe(false);
});
