import { defineConfig } from 'tsup';
import { entries } from './scripts/entries.js';

/**
 * Each module of `src` becomes a module of `dist`. Bundlers drop an unused module whole (`sideEffects` allows it), but
 * they cannot drop one class of a larger file: `extends layers.Layer` and `registerClass` might have effects.
 */
export default defineConfig({
  entry: ['src/**/*.ts', '!src/**/*.d.ts', '!src/**/*.as.ts'],
  bundle: false,
  format: ['esm', 'cjs'],
  target: 'es2022',
  outDir: 'dist',
  clean: true,
  dts: {
    // Only what users import is declared.
    entry: Object.fromEntries(entries.map(({ module, source }) => [module, source])),
    // tsup sets `baseUrl`, which TypeScript 6 warns of.
    compilerOptions: { ignoreDeprecations: '6.0' },
  },
  plugins: [
    {
      name: 'cjs-imports-cjs',
      renderChunk(code, { path }) {
        if (!path.endsWith('.cjs')) return undefined;
        return { code: code.replace(/require\("(\.\.?\/[^"]+)\.js"\)/g, 'require("$1.cjs")') };
      },
    },
  ],
});
