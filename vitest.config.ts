import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { browserTests } from './scripts/browser_tests.js';
import { chromiumArguments, findChromium, webgpuArguments } from './scripts/chromium.js';
import { entries, root } from './scripts/entries.js';

const executablePath = findChromium();
/** What `npm run contract` asks for. */
const { TEST_BACKEND = '', TEST_ACCELERATED = '' } = process.env;
const onWebgpu = TEST_BACKEND === 'webgpu';
const args = onWebgpu ? [...chromiumArguments, ...webgpuArguments] : chromiumArguments;

export default defineConfig({
  root,
  // Two browsers at once must not write the same prepared modules (see scripts/test.ts).
  cacheDir: `node_modules/.vite-${(process.env['TEST_SHARD'] ?? 'all').replace('/', '-of-')}`,
  resolve: {
    alias: entries.map(({ specifier, source }) => ({ find: new RegExp(`^${specifier}$`), replacement: source })),
  },
  test: {
    env: { TEST_BACKEND, TEST_ACCELERATED },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          // What needs a browser says so in its name, as what needs Node does.
          exclude: ['test/package/**', 'test/**/*.{webgl,webgpu}.test.ts'],
          setupFiles: ['test/setup/node.ts'],
          // By default one core is left to the watcher: on two cores the files would run one after another.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        optimizeDeps: {
          include: ['', '-core', '-layers', '-backend-webgl', ...(onWebgpu ? ['-backend-webgpu'] : [])]
            .map((part) => `@tensorflow/tfjs${part}`)
            .concat('fast-check'),
        },
        test: {
          name: 'browser',
          include: onWebgpu ? ['test/contract/*.test.ts'] : [...browserTests],
          setupFiles: ['test/setup/browser.ts'],
          // Software rendering on a busy machine may stand still for minutes.
          testTimeout: 300_000,
          hookTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            instances: [{ browser: 'chromium' }],
            provider: playwright({
              launchOptions: { args, ...(executablePath === undefined ? {} : { executablePath }) },
            }),
          },
        },
      },
      {
        // Of the build: run `npm run build` before.
        test: { name: 'package', environment: 'node', include: ['test/package/**/*.test.ts'], testTimeout: 60_000 },
      },
    ],
  },
});
