/** The programs of `accelerateWebgl()` against the composed operations, in Chromium: how many are launched, and how long it takes. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { chromium } from 'playwright';
import { chromiumArguments, findChromium } from '../scripts/chromium.js';
import { entries } from '../scripts/entries.js';
import { type BenchCase, machine, measure, quantile, table, throughputRatio, timingOf } from './harness.js';
import type { WebglPage } from './webgl_page.js';

declare const page: WebglPage;

const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length) ?? '';
const executablePath = findChromium();
/** `--gpu` renders with what the machine has, instead of in software. */
const args = process.argv.includes('--gpu') ? ['--no-sandbox', '--enable-gpu'] : chromiumArguments;

const { outputFiles } = await build({
  entryPoints: ['bench/webgl_page.ts'],
  bundle: true,
  write: false,
  format: 'iife',
  target: 'es2022',
  alias: Object.fromEntries(entries.map(({ specifier, source }) => [specifier, source]).reverse()),
  logLevel: 'error',
});
// WebGL needs no origin, but playwright a page.
const server = createServer((_, response) => response.end('<!doctype html>'));
await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
const browser = await chromium.launch({ args, ...(executablePath === undefined ? {} : { executablePath }) });
try {
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await tab.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  console.log(`${machine()}; ${await tab.evaluate(() => page.start())}`);

  const launched = new Map<string, number>();
  const caseOf = (name: string, ours: boolean): BenchCase => ({
    name: `${name}: ${ours ? 'ours' : 'composed'}`,
    items: 1,
    prepare: () => tab.evaluate((on) => page.accelerate(on), ours),
    run: async () => {
      launched.set(`${name}: ${ours ? 'ours' : 'composed'}`, await tab.evaluate((one) => page.run(one), name));
    },
  });
  const all = await tab.evaluate(() => page.names());
  const names = all.filter((name) => name.includes(only));
  const timings = await measure(
    names.flatMap((name) => [caseOf(name, false), caseOf(name, true)]),
    { warmUp: 1 },
  );
  const figures: Record<string, number> = {};
  const rows = names.map((name) => {
    const [composed, ours] = [timingOf(timings, `${name}: composed`), timingOf(timings, `${name}: ours`)];
    const { median, low, high } = throughputRatio(ours, composed);
    figures[name] = Number(median.toFixed(3));
    const milliseconds = [composed, ours].map((timing) => quantile(timing.milliseconds, 0.5).toFixed(0));
    const programs = [composed, ours].map((timing) => String(launched.get(timing.name)));
    return [name, ...programs, ...milliseconds, median.toFixed(2), `${low.toFixed(2)} to ${high.toFixed(2)}`];
  });
  const head = ['', 'programs, composed', 'ours', 'ms, composed', 'ours', 'times as fast', 'quartiles'];
  console.log(`\n${table([head, ...rows])}\n\n${JSON.stringify(figures)}`);
} finally {
  await browser.close();
  server.close();
}
