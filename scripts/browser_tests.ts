import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { root } from './entries.js';

/** The tests that run in a browser: those on backends, unless their name says that they need Node. */
export const browserTests: readonly string[] = readdirSync(resolve(root, 'test'), { recursive: true, encoding: 'utf8' })
  .map((path) => `test/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.test.ts') && !path.endsWith('.node.test.ts'))
  .filter((path) => readFileSync(resolve(root, path), 'utf8').includes('onEachBackend('))
  .sort();
