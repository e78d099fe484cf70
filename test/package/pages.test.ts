import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumArguments, findChromium } from '../../scripts/chromium.js';
import { root } from '../../scripts/entries.js';
import type { PageReport } from './page/main.js';

const executablePath = findChromium();
const binaries = join(root, 'node_modules/@tensorflow/tfjs-backend-wasm/dist');

const policy = (scripts: string): Record<string, string> => ({
  'Content-Security-Policy': `default-src 'none'; connect-src 'self'; script-src 'self' ${scripts}`,
});

/** The headers of a page, by its path. */
const headers: Record<string, Record<string, string>> = {
  '/plain': {},
  '/isolated': { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
  '/strict': policy("'wasm-unsafe-eval'"),
  '/forbidden': policy(''),
};

/** The page's program, as Vite bundles it for a user of the built package. */
async function program(): Promise<string> {
  const result = await build({
    root,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, rollupOptions: { input: join(root, 'test/package/page/main.ts') } },
  });
  const outputs = [result].flat().flatMap((one) => ('output' in one ? one.output : []));
  expect(outputs).toHaveLength(1);
  return outputs.map((chunk) => ('code' in chunk ? chunk.code : '')).join('');
}

function serve(script: string): Server {
  return createServer(async ({ url = '' }, response) => {
    const page = headers[url];
    // A worker of the threaded build must not be more open than its page.
    const isolated = headers['/isolated'];
    try {
      if (page) {
        response.writeHead(200, { ...page, 'Content-Type': 'text/html' });
        response.end('<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>');
      } else if (url === '/page.js') {
        response.writeHead(200, { ...isolated, 'Content-Type': 'text/javascript' }).end(script);
      } else if (/^\/wasm\/[\w-]+\.wasm$/.test(url)) {
        const binary = await readFile(join(binaries, url.slice('/wasm/'.length)));
        response.writeHead(200, { ...isolated, 'Content-Type': 'application/wasm' }).end(binary);
      } else response.writeHead(404).end();
    } catch {
      response.writeHead(500).end();
    }
  });
}

if (!executablePath) console.log('Skipped: the tests of pages, since no Chromium was found.');

describe.skipIf(!executablePath)('in a page of Chromium', () => {
  let server: Server;
  let browser: Browser;
  const fetched: string[] = [];

  beforeAll(async () => {
    const script = await program();
    server = serve(script).on('request', ({ url = '' }) => fetched.push(url));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    browser = await chromium.launch({ args: chromiumArguments, ...(executablePath && { executablePath }) });
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    server.close();
  });

  async function visit(path: string): Promise<PageReport> {
    fetched.length = 0;
    const page = await browser.newPage();
    // tfjs takes at most half as many threads as it finds cores.
    await page.addInitScript(`Object.defineProperty(navigator, 'hardwareConcurrency', { value: 4 })`);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
    await page.waitForFunction('globalThis.report');
    const report = await page.evaluate<PageReport>('globalThis.report');
    await page.close();
    return report;
  }

  /** Expects that every kernel has run, with the results of cpu, and training with its losses. */
  function expectRight({ warning, kernels = [], ran = [], errors = {}, losses, isInstalled, error }: PageReport): void {
    expect(error).toBeUndefined();
    expect(warning).toBe('');
    expect(kernels.length).toBeGreaterThan(30);
    expect(kernels.filter((name) => !ran.includes(name))).toEqual([]);
    expect(Object.keys(errors).length).toBeGreaterThan(15);
    expect(Object.entries(errors).filter(([, part]) => !(part < 1e-5))).toEqual([]);
    const [wasm = [], cpu = []] = [losses?.wasm, losses?.cpu];
    expect(cpu[3]).toBeLessThan(cpu[0] as number);
    expect(wasm).toHaveLength(cpu.length);
    wasm.forEach((loss, step) => {
      expect(Math.abs(loss - (cpu[step] as number))).toBeLessThan(1e-4);
    });
    expect(isInstalled).toBe(false);
  }

  it('all kernels work, those with relaxed SIMD', async () => {
    const report = await visit('/plain');
    expectRight(report);
    expect(report).toMatchObject({ isIsolated: false, isShared: false, threads: 1, simd: 'relaxed' });
    expect(fetched).toContain('/wasm/tfjs-backend-wasm-simd.wasm');
  });

  it('they work in the shared memory of the threaded build, where the page is isolated', async () => {
    const report = await visit('/isolated');
    expectRight(report);
    expect(report).toMatchObject({ isIsolated: true, isShared: true, threads: 2, simd: 'relaxed' });
    expect(fetched).toContain('/wasm/tfjs-backend-wasm-threaded-simd.wasm');
  });

  it('they work under a strict policy with wasm-unsafe-eval', async () => {
    const report = await visit('/strict');
    expectRight(report);
    expect(report.simd).toBe('relaxed');
  });

  it('they stay out, with an error that says so, where a policy forbids WASM', async () => {
    const report = await visit('/forbidden');
    // The backend of tfjs does not start there, whatever else it then takes.
    expect(report).toEqual({
      isIsolated: false,
      isBackend: false,
      error: expect.stringContaining('accelerateWasm: backend must be "wasm"'),
      isInstalled: false,
    });
  });
});
