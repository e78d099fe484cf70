/** A project that installs the packed archive, and what its owner may build it with. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as esbuild from 'esbuild';
import { type Browser, chromium } from 'playwright';
import ts from 'typescript';
import * as vite from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { chromiumArguments, findChromium } from '../../scripts/chromium.js';
import { entries, root } from '../../scripts/entries.js';
import { type Served, serve } from '../setup/serve.js';

const run = promisify(execFile);

/** A program that names every entry in `specifiers`, and a mistake that the compiler must find. */
const typed = (specifiers: string[]): string => `
  import * as tf from '@tensorflow/tfjs';
  import 'tfjs-llf/register';
  ${specifiers.map((specifier, i) => `import * as entry${i} from '${specifier}';`).join('\n')}
  import { auxTargets, CroprPruner, type CroprPrunerConfig, LearningRateSchedule, visionTransformer } from 'tfjs-llf';

  const config: CroprPrunerConfig = { prune: 4 };
  const tokens = new CroprPruner(config).apply(tf.input({ shape: [17, 8] }));
  const model: tf.LayersModel = visionTransformer({
    imageSize: 8, channels: 1, patchSize: 2, dim: 8, depth: 4, heads: 2, classes: 3, pruning: { prune: 4 },
  });
  export const trained: Promise<tf.History> = model.fit(
    tf.zeros([2, 8, 8, 1]),
    auxTargets(tf.zeros([2, 3]), model),
    { callbacks: [new LearningRateSchedule((epoch) => 0.1 / (1 + epoch))] },
  );
  export const all = [tokens, ${specifiers.map((_, i) => `entry${i}`).join(', ')}];
  // @ts-expect-error: no such option.
  new CroprPruner({ prune: 4, depth: 3 });
`;

const specifiers = entries.map(({ specifier }) => specifier);

/** The files of the project. All of its programs load the model that the first one saves. */
const files = {
  'package.json': JSON.stringify({ name: 'consumer', type: 'module' }),
  'save.js': `
    import * as tf from '@tensorflow/tfjs';
    import { visionTransformer } from 'tfjs-llf';
    import { fileSystem } from 'tfjs-llf/node';
    const model = visionTransformer({
      imageSize: 8, channels: 1, patchSize: 2, dim: 8, depth: 4, heads: 2, classes: 3, pruning: { prune: 4 },
    });
    await model.save(fileSystem('model'));
    const [logits] = model.predict(tf.fill([1, 8, 8, 1], 0.5));
    console.log(JSON.stringify([...logits.dataSync()]));
  `,
  'load.js': `
    import * as tf from '@tensorflow/tfjs';
    import { fileSystem } from 'tfjs-llf/node';
    import 'tfjs-llf/register';
    const model = await tf.loadLayersModel(fileSystem('model'));
    const [logits] = model.predict(tf.fill([1, 8, 8, 1], 0.5));
    console.log(JSON.stringify([...logits.dataSync()]));
  `,
  'load.cjs': `
    const tf = require('@tensorflow/tfjs');
    const { fileSystem } = require('tfjs-llf/node');
    require('tfjs-llf/register');
    tf.loadLayersModel(fileSystem('model')).then((model) => {
      const [logits] = model.predict(tf.fill([1, 8, 8, 1], 0.5));
      console.log(JSON.stringify([...logits.dataSync()]));
    });
  `,
  'page.js': `
    import * as tf from '@tensorflow/tfjs';
    import 'tfjs-llf/register';
    async function report() {
      await tf.setBackend('cpu');
      const model = await tf.loadLayersModel(new URL('/model/model.json', location.href).href);
      const [logits] = model.predict(tf.fill([1, 8, 8, 1], 0.5));
      return [...logits.dataSync()];
    }
    globalThis.report = report().catch(String);
  `,
  'forgetful.js': `
    import * as tf from '@tensorflow/tfjs';
    import { LearningRateSchedule } from 'tfjs-llf';
    const load = () => tf.loadLayersModel(new URL('/model/model.json', location.href).href);
    globalThis.report = load().catch(String).finally(() => new LearningRateSchedule(() => 1));
  `,
  'node.ts': typed(specifiers),
  'page.ts': typed(specifiers.filter((specifier) => specifier !== 'tfjs-llf/node')),
};

/** As on a host of static files, or a CDN: one file is all of tfjs, the package is as it is packed. */
const importMap = {
  imports: {
    ...Object.fromEntries(
      ['', '-core', '-layers'].map((part) => [
        `@tensorflow/tfjs${part}`,
        '/node_modules/@tensorflow/tfjs/dist/tf.fesm.min.js',
      ]),
    ),
    ...Object.fromEntries(
      entries.map(({ specifier, module }) => [specifier, `/node_modules/tfjs-llf/dist/${module}.js`]),
    ),
  },
};

let project = '';
let expected: number[] = [];

/** What a program of the project prints, in a Node of its own. */
async function printed(file: string, ...options: string[]): Promise<number[]> {
  const { stdout } = await run(process.execPath, [...options, file], { cwd: project });
  return JSON.parse(stdout) as number[];
}

/** What bundles the two programs of pages. */
const bundlers: Record<string, (outdir: string) => Promise<unknown>> = {
  esbuild: (outdir) =>
    esbuild.build({
      absWorkingDir: project,
      entryPoints: ['page.js', 'forgetful.js'],
      bundle: true,
      format: 'esm',
      outdir,
      logLevel: 'silent',
    }),
  Vite: (outDir) =>
    vite.build({
      root: project,
      configFile: false,
      logLevel: 'silent',
      build: {
        outDir,
        minify: false,
        rollupOptions: {
          input: ['page.js', 'forgetful.js'].map((file) => join(project, file)),
          output: { entryFileNames: '[name].js' },
        },
      },
    }),
  async webpack(path) {
    const compiler = webpack({
      context: project,
      entry: { page: './page.js', forgetful: './forgetful.js' },
      // As in production, but for what takes most of the time and drops no module: minifying and joining them.
      mode: 'production',
      optimization: { minimize: false, concatenateModules: false, innerGraph: false, mangleExports: false },
      performance: false,
      output: { path },
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    await promisify(compiler.close.bind(compiler))();
    expect(stats?.toJson({ all: false, errors: true, warnings: true })).toMatchObject({ errors: [], warnings: [] });
  },
};

beforeAll(async () => {
  // Outside of the repository, whose modules would be found from within.
  project = await realpath(await mkdtemp(join(tmpdir(), 'tfjs-llf-consumer-')));
  const installed = join(project, 'node_modules/tfjs-llf');
  await mkdir(installed, { recursive: true });
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', project];
  const { stdout } = await run('npm', pack, { cwd: root, shell: process.platform === 'win32' });
  await run('tar', ['-xzf', join(project, stdout.trim()), '--strip-components=1', '-C', installed]);
  for (const name of ['@tensorflow', '@types', 'cli-progress']) {
    await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name), 'junction');
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(project, name), text);
  expected = await printed('save.js');
}, 120_000);

afterAll(() => rm(project, { recursive: true, force: true }));

describe('a saved model loads in Node after tfjs-llf/register', () => {
  it('of an ES module', async () => {
    expect(expected).toHaveLength(3);
    expect(await printed('load.js')).toEqual(expected);
  });

  it('of CommonJS', async () => {
    expect(await printed('load.cjs')).toEqual(expected);
  });

  it('of CommonJS, where Node cannot require ES modules', async () => {
    expect(await printed('load.cjs', '--no-experimental-require-module')).toEqual(expected);
  });
});

describe.skipIf(!findChromium())('a saved model loads in a page after tfjs-llf/register', () => {
  let served: Served;
  let browser: Browser;

  beforeAll(async () => {
    const executablePath = findChromium();
    served = await serve(project);
    browser = await chromium.launch({ args: chromiumArguments, ...(executablePath && { executablePath }) });
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    served.close();
  });

  /** What the program reports in a page. */
  async function visit(script: string, head = ''): Promise<unknown> {
    const html = `<!doctype html><link rel="icon" href="data:,">${head}<script type="module" src="${script}"></script>`;
    await writeFile(join(project, 'index.html'), html);
    const page = await browser.newPage();
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    await page.goto(`${served.origin}/index.html`, { waitUntil: 'load' });
    const report = await page.evaluate<unknown>('globalThis.report');
    await page.close();
    expect(errors).toEqual([]);
    return report;
  }

  const near = (values: number[]): unknown[] => values.map((value) => expect.closeTo(value, 5));

  it.each(Object.keys(bundlers))(
    'bundled by %s, and not without it',
    async (name) => {
      await bundlers[name]?.(join(project, name));
      expect(await visit(`/${name}/page.js`)).toEqual(near(expected));
      expect(await visit(`/${name}/forgetful.js`)).toMatch(/Unknown layer: LLFPatchEmbedding/);
    },
    180_000,
  );

  it('without a bundler, by an import map', async () => {
    const head = `<script type="importmap">${JSON.stringify(importMap)}</script>`;
    expect(await visit('/page.js', head)).toEqual(near(expected));
  });
});

describe('the types hold for a strict project without skipLibCheck', () => {
  it.each([
    ['node16', 'node.ts', ts.ModuleKind.Node16, ts.ModuleResolutionKind.Node16, ['node']],
    ['bundler', 'page.ts', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler, []],
  ])('that resolves modules as %s', (_, file, module, moduleResolution, types) => {
    const program = ts.createProgram([join(project, file)], {
      target: ts.ScriptTarget.ES2022,
      module,
      moduleResolution,
      strict: true,
      noEmit: true,
      types,
    });
    // The declarations of tfjs itself are not right.
    const ours = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(project.replaceAll('\\', '/')));
    expect(ours.length).toBeGreaterThan(entries.length);
    const found = ours.flatMap((file) =>
      ts.getPreEmitDiagnostics(program, file).map(({ messageText, start = 0 }) => {
        const line = file.getLineAndCharacterOfPosition(start).line + 1;
        return `${file.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      }),
    );
    expect(found).toEqual([]);
  });
});
