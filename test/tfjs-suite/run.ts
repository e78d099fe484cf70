/**
 * `npm run test:tfjs-suite [-- --stock]`: runs the test files of tfjs-core on its WASM backend with our kernels installed, or with
 * the stock ones. Fails if a spec fails that `known_failures.json` does not list. The last line is a JSON object of counts.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { SuiteReport } from './report.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const KNOWN = resolve(here, 'known_failures.json');
const bundle = resolve(root, '.cache/tfjs-suite/suite.cjs');
const stock = process.argv.includes('--stock');

await mkdir(dirname(bundle), { recursive: true });
await build({
  entryPoints: [resolve(here, 'entry.ts')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // One copy of tfjs-core, the one that the test files import by relative paths; else its registries would be two.
  alias: {
    '@tensorflow/tfjs-core': resolve(root, 'node_modules/@tensorflow/tfjs-core'),
    '@tensorflow/tfjs-core/dist': resolve(root, 'node_modules/@tensorflow/tfjs-core/dist'),
  },
  mainFields: ['module', 'main'],
  // tfjs-core says that its test files have no effects; with that, none would be bundled.
  ignoreAnnotations: true,
  external: ['jasmine-core', 'jasmine-core/*'],
  loader: { '.node': 'empty' },
  logLevel: 'error',
});
process.env['TFJS_SUITE_STOCK'] = stock ? '1' : '';
const { report } = createRequire(import.meta.url)(bundle) as { report: Promise<SuiteReport> };
const { passed, failed, pending } = await report;

const known = new Set(JSON.parse(await readFile(KNOWN, 'utf8')) as string[]);
const names = failed.map(({ name }) => name);
if (process.argv.includes('--update'))
  await writeFile(KNOWN, `${JSON.stringify([...new Set(names)].sort(), null, 2)}\n`);
const news = stock ? [] : failed.filter(({ name }) => !known.has(name));
for (const { name, message } of news) console.log(`FAILED ${name}\n  ${message.split('\n')[0]}`);
if (!stock) {
  const mended = [...known].filter((name) => !names.includes(name));
  if (mended.length > 0) console.log(`${mended.length} known failures pass now; take them off the list with --update`);
}
console.log(JSON.stringify({ passed, failed: failed.length, pending }));
// Some specs leave timers behind.
process.exit(news.length > 0 ? 1 : 0);
