/**
 * Runs vitest projects one after the other and ends with one line over all of them:
 *
 *     tsx scripts/test.ts node browser [part of a file name ...]
 */
import { type Reporter, startVitest } from 'vitest/node';
import { browserTests } from './browser_tests.js';
import { findChromium } from './chromium.js';

const known = ['node', 'browser', 'package'];

class Tally implements Reporter {
  passed = 0;
  failed = 0;
  skipped = 0;

  onTestRunEnd(...[modules, errors]: Parameters<NonNullable<Reporter['onTestRunEnd']>>): void {
    this.failed += errors.length;
    for (const module of modules) {
      // A file that does not load has no tests to fail.
      this.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') this.passed++;
        else if (state === 'skipped') this.skipped++;
        else this.failed++;
      }
    }
  }

  toString(): string {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }
}

const names = process.argv.slice(2);
const filters = names.filter((name) => !known.includes(name));
const tally = new Tally();
let notice = '';

for (const project of names.filter((name) => known.includes(name))) {
  if (project === 'browser' && findChromium() === undefined) {
    tally.skipped += browserTests.length;
    notice =
      `Skipped: ${browserTests.length} files of webgl tests, since no Chromium was found. ` +
      'To get one: `apt-get install chromium`, or set CHROME_PATH to yours.\n';
    continue;
  }
  try {
    const vitest = await startVitest('test', filters, {
      project,
      watch: false,
      passWithNoTests: filters.length > 0,
      reporters: ['default', tally],
    });
    await vitest.close();
  } catch (error) {
    console.error(error);
    tally.failed++;
  }
}

process.stdout.write(`${notice}${tally}\n`);
// Something that vitest left open must not keep the command from ending.
process.exit(tally.failed > 0 || tally.passed === 0 ? 1 : Number(process.exitCode ?? 0));
