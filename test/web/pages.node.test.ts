/** The pages in a browser: they load, train a little, answer, stop, and leave nothing behind. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { phantom } from '../../examples/data/phantom.js';
import { readPng, writePng } from '../../examples/data/png.js';
import { PAGES } from '../../examples/web/pages.js';
import { findChromium } from '../../scripts/chromium.js';
import { root } from '../../scripts/entries.js';
import { faint, tabThrough, tooSmall } from './access.js';
import { ACTS, begun, finger, mouse, patchesLeft, startAndStop } from './acts.js';
import { ended, inspect, Site } from './site.js';

const isThere = findChromium() !== undefined;
if (!isThere) console.log('Skipped: the tests of the pages to play with, since no Chromium was found.');

// Software rendering on a busy machine.
vi.setConfig({ testTimeout: 300_000 });
const screenshots = join(root, '.cache/screenshots');

describe.skipIf(!isThere)('the pages to play with', () => {
  let site: Site;

  beforeAll(async () => {
    await mkdir(screenshots, { recursive: true });
    site = await Site.open('build');
  }, 120_000);
  afterAll(() => site.close());

  async function shoot(page: Page, name: string): Promise<void> {
    const image = await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
    expect(image.length).toBeGreaterThan(5000);
  }

  it.each(['', ...PAGES.map(({ name }) => `${name}/`)])(
    '"%s" fits a phone, in the dark, names its controls and obeys a finger',
    async (name) => {
      const { page, complaints } = await site.visit(name, 'phone');
      if (name !== '') await page.waitForSelector('body[data-loaded]');
      // Even where a host sends no header.
      const policy = await page.locator('meta[http-equiv=Content-Security-Policy]').getAttribute('content');
      expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/);
      expect(await page.getByRole('link', { name: 'Documentation' }).count()).toBe(1);
      const { unnamed, tooWide, ids } = await inspect(page);
      expect(unnamed).toEqual([]);
      expect(tooWide).toEqual([]);
      expect(new Set(ids).size).toBe(ids.length);
      expect(await tooSmall(page)).toEqual([]);
      const method = PAGES.find((one) => `${one.name}/` === name);
      if (method) await ACTS[method.name].use(page, finger);
      await shoot(page, `${name.replace('/', '') || 'index'}-phone`);
      expect(complaints).toEqual([]);
      await page.close();
    },
  );

  it('finds what is faint, small, out of reach, or does not show that it has the focus', async () => {
    const { page } = await site.visit('');
    await page.evaluate(() => {
      const add = (tag: string, text: string, style: Partial<CSSStyleDeclaration>): HTMLElement => {
        const made = document.createElement(tag);
        made.append(text);
        Object.assign(made.style, style);
        document.body.append(made);
        return made;
      };
      add('p', 'too pale', { color: '#999999' });
      add('button', 'too pale a frame', { borderColor: '#dddddd' });
      add('button', 'x', { minHeight: '0', height: '10px', padding: '0' }).tabIndex = -1;
      add('button', 'without outline', { outline: 'none' });
    });
    expect((await faint(page)).map((text) => text.replace(/^[\d.]+: <(\w+).*/, '$1'))).toEqual(['p', 'button']);
    expect(await tooSmall(page)).toHaveLength(1);
    const { missed, unseen } = await tabThrough(page);
    expect([missed.length, unseen.length]).toEqual([1, 1]);
    expect(missed[0]).toContain('>x<');
    expect(unseen[0]).toContain('without outline');
    await page.close();
  });

  it.each(PAGES)('$name can be used by keyboard alone, and read in light and dark', async ({ name }) => {
    const { page, complaints } = await site.visit(`${name}/`);
    await page.waitForSelector('body[data-loaded]');
    expect(await tabThrough(page)).toEqual({ missed: [], unseen: [] });
    expect(await faint(page)).toEqual([]);
    await shoot(page, `${name}-light`);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await faint(page)).toEqual([]);
    await shoot(page, `${name}-dark`);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each(PAGES)('$name trains on WebGL', async ({ name }) => {
    const { page, complaints } = await site.visit(`${name}/`);
    await page.waitForSelector('body[data-loaded]');
    if (name === 'forgetting') await ACTS.forgetting.use(page, mouse);
    await page.getByLabel('WebGL').check();
    await startAndStop(page, ACTS[name].start);
    expect(await page.locator('[role=status]').textContent()).toContain('WebGL with');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('cropr: routers that begin anew learn, beside what one does', async () => {
    const { page, complaints } = await site.visit('cropr/');
    await ACTS.cropr.use(page, mouse);
    await startAndStop(page, ACTS.cropr.start);
    expect(await page.locator('#speed').textContent()).toMatch(/\d+ images per second, \d+\.\d\d times as many/);
    await page.getByLabel('Steps').fill('10');
    await page.getByRole('button', { name: ACTS.cropr.start }).click();
    await page.getByLabel('Patches to drop').press('Home');
    await expect.poll(() => patchesLeft(page), { timeout: 30_000 }).toBe(100);
    await page.getByRole('button', { name: 'Another scene' }).click();
    await ended(page);
    const field = page.locator('.field-to-draw');
    await page.getByRole('button', { name: 'Empty' }).click();
    await field.press('Space');
    for (let step = 0; step < 8; step++) await field.press('ArrowDown');
    const photo = { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from(writePng(phantom(3, 128))) };
    await page.getByLabel('Or a photo').setInputFiles(photo);
    await page.locator('#accuracy').scrollIntoViewIfNeeded();
    await page.waitForFunction(() =>
      document.querySelector('#speeds figcaption')?.textContent?.includes('At share of'),
    );
    await shoot(page, 'cropr');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('xray: a filter learns from two files, a curve is drawn by hand, and both can be saved', async () => {
    const { page, complaints } = await site.visit('xray/');
    await page.waitForSelector('body[data-loaded]');
    await page.getByRole('slider', { name: 'Detail 0.08 becomes' }).press('PageUp');
    await page.waitForSelector('body[data-drawn="-0.40,-0.25,-0.15,-0.08,-0.03,0.00,0.03,0.13,0.15,0.25,0.40"]');
    expect(await page.locator('.names').textContent()).toContain('your curve');
    await page.getByLabel('Image', { exact: true }).selectOption('own');
    const image = phantom(3, 128);
    const bright = { ...image, values: image.values.map((value) => 0.2 + 0.7 * value) };
    for (const [label, one] of [
      ['Before', image],
      ['After', bright],
    ] as const) {
      const file = { name: 'image.png', mimeType: 'image/png', buffer: Buffer.from(writePng(one)) };
      await page.getByLabel(`${label} (PNG`).setInputFiles(file);
    }
    await page.waitForFunction(() => document.querySelector('canvas')?.width === 128);
    await page.getByLabel('Steps').fill('10');
    await page.getByRole('button', { name: 'Learn the style' }).click();
    const { before, after } = await ended(page);
    expect(after).toBe(before);
    expect(await page.locator('#words').textContent()).toContain('slope');
    await page.getByLabel('Compare').press('ArrowRight');
    await page.getByRole('button', { name: 'Take the learned curve' }).click();
    await shoot(page, 'xray');
    for (const [name, end] of [
      ['Your curve as JSON', '}\n'],
      ['Your curve as SVG', '</svg>\n'],
      ['The learned curve as JSON', '}\n'],
    ] as const) {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
      const text = await readFile(await download.path(), 'utf8');
      expect(text.endsWith(end)).toBe(true);
      if (name.endsWith('JSON')) expect(JSON.parse(text)).toMatchObject({ format: 'tfjs-llf remap curve' });
    }
    const png = page.waitForEvent('download');
    await page.getByRole('button', { name: 'The right image as PNG' }).click();
    expect(readPng(await readFile(await (await png).path()))).toMatchObject({ width: 128, height: 128 });
    await page.getByLabel('Steps').fill('2000');
    await startAndStop(page, ACTS.xray.start);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('forgetting: three nets train side by side', async () => {
    const { page, complaints } = await site.visit('forgetting/');
    await startAndStop(page, ACTS.forgetting.start);
    await page.getByLabel('Generations').fill('2');
    await page.getByLabel('Epochs in each').fill('4');
    await page.getByLabel('Digits of each class').fill('5');
    await page.getByRole('button', { name: 'Train all three' }).click();
    const { before, after } = await ended(page);
    expect(after).toBe(before);
    const rows = await page.locator('#now tbody tr').allTextContents();
    expect(rows.map((row) => /(Long|forgetting|SEAL)8\d+ %[0-4]\.\d\d\d+ %$/.test(row))).toEqual([true, true, true]);
    await shoot(page, 'forgetting');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('labels: rules are counted, a flow learns from them, and a typed word stays text', async () => {
    const { page, complaints } = await site.visit('labels/');
    await page.waitForSelector('body[data-loaded]');
    await ACTS.labels.use(page, mouse);
    await page.getByLabel('Epochs').fill('20');
    await page.getByRole('button', { name: 'Learn from the rules' }).click();
    const { before, after } = await ended(page);
    expect(after).toBe(before);
    expect(await page.locator('#reviews meter').count()).toBe(20);
    const scores = await page.locator('#scores tbody tr').allTextContents();
    expect(scores).toHaveLength(2);
    await shoot(page, 'labels');
    await page.getByLabel('Show', { exact: true }).selectOption('silent');
    expect(await page.locator('#reviews li').first().textContent()).toContain('no rule votes');
    await page.getByLabel('Epochs').fill('500');
    await startAndStop(page, ACTS.labels.start);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('language: the dictionary fills while two nets play', async () => {
    const { page, complaints } = await site.visit('language/');
    await startAndStop(page, ACTS.language.start);
    await startAndStop(page, ACTS.language.start);
    expect(await page.locator('#protocol td').allTextContents()).toSatisfy((all: string[]) =>
      all.every((text) => /^[A-H]{2}$/.test(text)),
    );
    expect(await page.locator('#verdict').textContent()).toContain('of 32 objects');
    await shoot(page, 'language');
    expect(await page.locator('[role=status]').textContent()).toContain('WASM with');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('says that WebGL was lost, and goes on with WASM or anew', async () => {
    const { page, complaints } = await site.visit('language/');
    await page.waitForSelector('body[data-loaded]');
    await page.getByLabel('WebGL').check();
    await page.getByRole('button', { name: ACTS.language.start }).click();
    await begun(page);
    await page.workers()[0]?.evaluate(() => {
      const { backend } = (
        globalThis as unknown as { _tfengine: { backend: { gpgpu: { gl: WebGLRenderingContext } } } }
      )._tfengine;
      backend.gpgpu.gl.getExtension('WEBGL_lose_context')?.loseContext();
    });
    await page.waitForSelector('body[data-state=idle]');
    expect(await page.locator('.run ~ [role=alert]').textContent()).toBe(
      'This page has lost WebGL. Start again, or choose WASM.',
    );
    await startAndStop(page, ACTS.language.start);
    await page.getByLabel('WASM').check();
    await startAndStop(page, ACTS.language.start);
    expect(complaints.filter((text) => !text.includes('CONTEXT_LOST_WEBGL'))).toEqual([]);
    await page.close();
  });

  it('says that there is no WebGL, and goes on with WASM', async () => {
    // What a browser without it answers.
    const blind = 'OffscreenCanvas.prototype.getContext = () => null;\n';
    const { page } = await site.visit('language/', 'desk', (page) =>
      page.route('**/worker-*.js', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: blind + (await response.text()) });
      }),
    );
    await page.waitForSelector('body[data-loaded]');
    await page.getByLabel('WebGL').check();
    await page.getByRole('button', { name: ACTS.language.start }).click();
    await page.waitForSelector('body[data-state=idle]');
    expect(await page.locator('.run ~ [role=alert]').textContent()).toBe(
      'This browser does not offer WebGL here. Choose the other.',
    );
    await page.getByLabel('WASM').check();
    await startAndStop(page, ACTS.language.start);
    await page.close();
  });
});
