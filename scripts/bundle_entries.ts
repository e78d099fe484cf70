/**
 * Bundles what `.size-limit.json` measures into `.cache/size`, as Vite does it for a page: minified, tfjs outside. Such a
 * bundle names each import from tfjs once, so what is measured is the library's own code.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { build } from 'vite';
import { entries, root } from './entries.js';

const folder = resolve(root, '.cache/size');

/** Single exports, and every entry as a whole. */
const programs: Record<string, string> = Object.fromEntries(
  [
    ['CroprPruner'],
    ['TrainableLLF'],
    ['ConditionalFlow'],
    ['labelFlow'],
    ['averagePrecision'],
    ['SEALAnnealer'],
    ['LaterLayerForgetting'],
    ['ForgetRelearn', 'knowledgeEvolution'],
    ['WeightDecay'],
    ['cosineWarmup'],
  ].map((names) => [names[0], `export { ${names.join(', ')} } from 'tfjs-llf';`]),
);
for (const { specifier } of entries) {
  programs[specifier.replace('/', '-')] = `import '${specifier}'; export * from '${specifier}';`;
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
for (const [name, program] of Object.entries(programs)) {
  const entry = resolve(folder, `${name}.entry.js`);
  await writeFile(entry, program);
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      target: 'es2022',
      outDir: folder,
      emptyOutDir: false,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: entry,
        preserveEntrySignatures: 'strict',
        external: [/^@tensorflow\//, /^node:/, 'cli-progress'],
        output: { entryFileNames: `${name}.js` },
      },
    },
  });
}
