/**
 * Runs vitest projects one after the other and ends with one line over all of them:
 *
 *     tsx scripts/test.ts node browser [part of a file name ...]
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Reporter, startVitest } from 'vitest/node';
import { browserTests } from './browser_tests.js';
import { findChromium } from './chromium.js';

const known = ['node', 'browser', 'package'];

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

class Tally implements Reporter, Counts {
  passed = 0;
  failed = 0;
  skipped = 0;

  get counts(): Counts {
    const { passed, failed, skipped } = this;
    return { passed, failed, skipped };
  }

  add({ passed, failed, skipped }: Counts): void {
    this.passed += passed;
    this.failed += failed;
    this.skipped += skipped;
  }

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

/** Runs the tests of one project here, or a part of them: `1/2` is the first half of the files. */
async function run(project: string, shard?: string): Promise<void> {
  try {
    const vitest = await startVitest('test', filters, {
      project,
      watch: false,
      passWithNoTests: filters.length > 0 || shard !== undefined,
      reporters: ['default', tally],
      ...(shard === undefined ? {} : { shard }),
    });
    await vitest.close();
  } catch (error) {
    console.error(error);
    tally.failed++;
  }
}

/**
 * The tests of the browser, half of the files in each of two processes with a browser of its own: one browser renders
 * for all of its pages in one thread.
 */
async function runInTwoBrowsers(): Promise<void> {
  const halves = ['1/2', '2/2'].map(
    (shard) =>
      new Promise<void>((done) => {
        const child = fork(fileURLToPath(import.meta.url), ['browser', ...filters], {
          env: { ...process.env, TEST_SHARD: shard },
        });
        let received = false;
        child.on('message', (counts) => {
          received = true;
          tally.add(counts as Counts);
        });
        child.on('exit', () => {
          if (!received) tally.failed++;
          done();
        });
      }),
  );
  await Promise.all(halves);
}

const shard = process.env['TEST_SHARD'];
for (const project of names.filter((name) => known.includes(name))) {
  if (project === 'browser' && findChromium() === undefined) {
    tally.skipped += browserTests.length;
    notice =
      `Skipped: ${browserTests.length} files of webgl tests, since no Chromium was found. ` +
      'To get one: `apt-get install chromium`, or set CHROME_PATH to yours.\n';
  } else if (project === 'browser' && shard === undefined && availableParallelism() > 1) await runInTwoBrowsers();
  else await run(project, shard);
}

if (shard === undefined) process.stdout.write(`${notice}${tally}\n`);
else await new Promise((sent) => process.send?.(tally.counts, sent));
// Something that vitest left open must not keep the command from ending.
process.exit(tally.failed > 0 || tally.passed === 0 ? 1 : Number(process.exitCode ?? 0));
