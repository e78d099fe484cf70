/** The pages as a host serves them, and a browser that visits them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { build, createServer as createDevServer } from 'vite';
import { vi } from 'vitest';
import { chromiumArguments, findChromium } from '../../scripts/chromium.js';
import { root } from '../../scripts/entries.js';
import { serve } from '../setup/serve.js';

/** As strict as the policy in the pages, but sent with every file: a worker obeys only the policy of its own file. */
const POLICY = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
    "connect-src 'self'; worker-src 'self'",
};

const DESK = { viewport: { width: 1100, height: 800 }, colorScheme: 'light' } as const;
const PHONE = { viewport: { width: 360, height: 800 }, colorScheme: 'dark', hasTouch: true, isMobile: true } as const;

/** A page that is open, and what went wrong on it. */
export interface Visit {
  page: Page;
  /** Errors and warnings of the console, exceptions, files that were not found. */
  complaints: string[];
}

/** Pages behind an address, and how to take them down. */
interface Served {
  origin: string;
  close: () => Promise<unknown>;
}

const config = join(root, 'examples/web/vite.config.ts');

/** The production build, as any static host serves it. */
async function serveBuild(): Promise<Served> {
  const folder = join(root, '.cache/pages');
  // Vitest's own value would make it something else than `npm run site` does.
  vi.stubEnv('NODE_ENV', 'production');
  await build({ configFile: config, logLevel: 'silent', build: { outDir: folder } }).finally(() => vi.unstubAllEnvs());
  const { origin, close } = await serve(folder, POLICY);
  const end = (): Promise<void> => {
    close();
    return rm(folder, { recursive: true });
  };
  return { origin, close: end };
}

/** The sources, as `npm run pages` serves them. */
async function serveSources(): Promise<Served> {
  const cacheDir = join(root, '.cache/pages-dev');
  const server = await createDevServer({
    configFile: config,
    cacheDir,
    logLevel: 'silent',
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  });
  await server.listen();
  const [url = ''] = server.resolvedUrls?.local ?? [];
  return { origin: new URL(url).origin, close: () => server.close() };
}

/** The pages and a browser. */
export class Site {
  private constructor(
    private readonly served: Served,
    private readonly browser: Browser,
  ) {}

  static async open(from: 'build' | 'sources'): Promise<Site> {
    const executablePath = findChromium();
    const [served, browser] = await Promise.all([
      from === 'build' ? serveBuild() : serveSources(),
      chromium.launch({ args: chromiumArguments, ...(executablePath && { executablePath }) }),
    ]);
    return new Site(served, browser);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.served.close();
  }

  /** Opens a page as on a desk, or as on a phone: narrow, in the dark, and touched by fingers. */
  async visit(
    name: string,
    device: 'desk' | 'phone' = 'desk',
    prepare?: (page: Page) => Promise<unknown>,
  ): Promise<Visit> {
    const page = await this.browser.newPage(device === 'desk' ? DESK : PHONE);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('response', (response) => {
      if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
    });
    await prepare?.(page);
    await page.goto(`${this.served.origin}/${name}index.html`);
    return { page, complaints };
  }
}

/** Tensors in the worker before the last run and after it, as the page's bar counts them. */
export interface RunFacts {
  before: number;
  after: number;
}

/** Waits until the run that goes on has ended, and returns its facts. */
export async function ended(page: Page): Promise<RunFacts> {
  await page.waitForSelector('body[data-state=idle]', { timeout: 120_000 });
  const alert = (await page.locator('[role=alert]').allTextContents()).join('');
  if (alert) throw new Error(`The page says: ${alert}`);
  const facts = await page.evaluate(() => ({ ...document.body.dataset }));
  return { before: Number(facts['before']), after: Number(facts['after']) };
}

/** An event of a trace; `tdur` is the processor's time in microseconds. */
interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  tdur?: number;
  args?: { name?: string };
}

/**
 * Watches the tasks of the page's own thread; the returned function ends that and gives the longest, in ms. It counts the
 * time of the processor: by the clock a task also lasts while others compute.
 */
export async function watchTasks(page: Page): Promise<() => Promise<number>> {
  const browser = page.context().browser();
  if (!browser) throw new Error('watchTasks: page must have a browser.');
  await browser.startTracing(page, { categories: ['toplevel'] });
  return async () => {
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
    const thread = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;
    const isMain = ({ name, args }: TraceEvent): boolean => name === 'thread_name' && args?.name === 'CrRendererMain';
    const mains = new Set(traceEvents.filter(isMain).map(thread));
    const tasks = traceEvents.filter((event) => event.name.endsWith('RunTask') && mains.has(thread(event)));
    if (tasks.length === 0) throw new Error('watchTasks: the trace must hold tasks of the page.');
    return tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur), 0) / 1000;
  };
}

/** Controls without a name, what makes the page wider than the screen, and all ids. */
export function inspect(page: Page): Promise<{ unnamed: string[]; tooWide: string[]; ids: string[] }> {
  return page.evaluate(() => {
    const controls = [...document.querySelectorAll<HTMLElement>('input, select, button, textarea, meter, progress')];
    const unnamed = controls.filter((control) => {
      const labels = 'labels' in control ? [...((control as HTMLInputElement).labels ?? [])] : [];
      const names = [control.getAttribute('aria-label'), ...labels.map(({ textContent }) => textContent)];
      return !(control.matches('button') && control.textContent?.trim()) && !names.some((name) => name?.trim());
    });
    const wide = [...document.querySelectorAll('body *')]
      .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest('.scroll'))
      .map(({ outerHTML }) => outerHTML.slice(0, 120));
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    return {
      unnamed: unnamed.map(({ outerHTML }) => outerHTML),
      tooWide: document.documentElement.scrollWidth > innerWidth ? wide : [],
      ids,
    };
  });
}
