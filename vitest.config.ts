import { readdirSync, readFileSync } from 'node:fs';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumArguments, findChromium } from './scripts/chromium.js';
import { entries, root } from './scripts/entries.js';

const tests = 'test/**/*.test.ts';
const ofTheBuild = 'test/package/**';

/** What runs on a backend runs in the browser too, unless its name says that it needs Node. */
const onBackends = readdirSync(`${root}/test`, { recursive: true, encoding: 'utf8' })
  .map((path) => `test/${path}`)
  .filter((path) => path.endsWith('.test.ts') && !path.endsWith('.node.test.ts'))
  .filter((path) => readFileSync(`${root}/${path}`, 'utf8').includes('onEachBackend('));

const executablePath = findChromium();

export default defineConfig({
  root,
  resolve: {
    alias: entries.map(({ specifier, source }) => ({ find: new RegExp(`^${specifier}$`), replacement: source })),
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: [tests],
          exclude: [ofTheBuild],
          setupFiles: ['test/setup/node.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        optimizeDeps: {
          include: ['@tensorflow/tfjs', '@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'fast-check'],
        },
        test: {
          name: 'browser',
          include: onBackends,
          setupFiles: ['test/setup/browser.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            instances: [{ browser: 'chromium' }],
            provider: playwright({
              launchOptions: { args: chromiumArguments, ...(executablePath === undefined ? {} : { executablePath }) },
            }),
          },
        },
      },
      {
        test: { name: 'package', environment: 'node', include: ['test/package/**/*.test.ts'], testTimeout: 60_000 },
      },
    ],
  },
});
