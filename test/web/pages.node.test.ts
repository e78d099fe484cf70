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
import { ended, inspect, Site, type Visit } from './site.js';

const isThere = findChromium() !== undefined;
if (!isThere) console.log('Skipped: the tests of the pages to play with, since no Chromium was found.');

/** A page that trains on another thread is itself busy for some ms at a time; more only where the machine is. */
const LONGEST = 1000;
// Software rendering on a busy machine.
vi.setConfig({ testTimeout: 180_000 });
const screenshots = join(root, '.cache/screenshots');

describe.skipIf(!isThere)('the pages to play with', () => {
  let site: Site;

  beforeAll(async () => {
    await mkdir(screenshots, { recursive: true });
    site = await Site.open('build');
  }, 120_000);
  afterAll(() => site.close());

  async function shoot(page: Page, name: string): Promise<void> {
    const image = await page.screenshot({ path: join(screenshots, `${name}.png`) });
    expect(image.length).toBeGreaterThan(5000);
  }

  /** Starts and stops by keyboard, after the first sign of progress, twice: no tensor may be left. */
  async function startAndStop({ page }: Visit, start: string): Promise<void> {
    const focused = (): Promise<string | null> => page.evaluate(() => document.activeElement?.textContent ?? null);
    for (let time = 0; time < 2; time++) {
      await page.getByRole('button', { name: start }).press('Enter');
      await page.waitForFunction(() => (document.querySelector('progress')?.value ?? 0) > 0);
      expect(await focused()).toBe('Stop');
      await page.keyboard.press('Enter');
      const { before, after, longest } = await ended(page);
      expect(after).toBe(before);
      expect(longest).toBeLessThan(LONGEST);
      expect(await focused()).toBe(start);
    }
    expect(await page.locator('progress').evaluate((bar: HTMLProgressElement) => bar.value)).toBeLessThan(1);
  }

  it.each(['', ...PAGES.map(({ name }) => `${name}/`)])(
    '"%s" fits a phone, in the dark, and names its controls',
    async (name) => {
      const { page, complaints } = await site.visit(name, 360, 'dark');
      if (name !== '') await page.waitForSelector('body[data-loaded]');
      // Even where a host sends no header.
      const policy = await page.locator('meta[http-equiv=Content-Security-Policy]').getAttribute('content');
      expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/);
      expect(await page.getByRole('link', { name: 'Documentation' }).count()).toBe(1);
      const { unnamed, tooWide, ids } = await inspect(page);
      expect(unnamed).toEqual([]);
      expect(tooWide).toEqual([]);
      expect(new Set(ids).size).toBe(ids.length);
      await shoot(page, `${name.replace('/', '') || 'index'}-phone`);
      expect(complaints).toEqual([]);
      await page.close();
    },
  );

  it('cropr: patches vanish as one slides', async () => {
    const visit = await site.visit('cropr/');
    const { page, complaints } = visit;
    await page.waitForSelector('body[data-loaded]');
    // Stopped early it reads badly, but it routes.
    await startAndStop(visit, 'Train the net');
    const left = (): Promise<number> =>
      page
        .locator('#pictures figcaption span')
        .last()
        .textContent()
        .then(Number.parseFloat as never);
    await expect.poll(left, { timeout: 30_000 }).toBeGreaterThan(20);
    const many = await left();
    await page.getByLabel('Patches to drop').press('End');
    await expect.poll(left, { timeout: 30_000 }).toBe(5);
    expect(many).toBeGreaterThan(5);
    expect(await page.locator('#speed').textContent()).toMatch(/^\d+ images per second; unpruned \d+: \d+\.\d\d times/);
    await page.getByRole('button', { name: 'Clear' }).click();
    const box = await page.locator('.field-to-draw').boundingBox();
    const [x, y] = [(box?.x ?? 0) + 60, (box?.y ?? 0) + 20];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x, y + 80, { steps: 4 });
    await page.mouse.up();
    await shoot(page, 'cropr');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('xray: a filter learns from two files, a curve is drawn by hand, and both can be saved', async () => {
    const visit = await site.visit('xray/');
    const { page, complaints } = visit;
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
    await startAndStop(visit, 'Learn the style');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('forgetting: three nets train side by side', async () => {
    const visit = await site.visit('forgetting/');
    const { page, complaints } = visit;
    await startAndStop(visit, 'Train all three');
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
    const visit = await site.visit('labels/');
    const { page, complaints } = visit;
    await page.waitForSelector('body[data-loaded]');
    const facts = page.locator('.facts').last();
    await page.getByRole('button', { name: 'Add a rule' }).click();
    await page.keyboard.type('delicious <img src=x>');
    expect(await facts.textContent()).toMatch(/^votes on [1-9]/);
    expect(await page.locator('main img').count()).toBe(0);
    await page.getByLabel('Epochs').fill('20');
    await page.getByLabel('Show the hidden truth').check();
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
    await startAndStop(visit, 'Learn from the rules');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each(['WASM', 'WebGL'])('language: the dictionary fills while two nets play on %s', async (backend) => {
    const visit = await site.visit('language/');
    const { page, complaints } = visit;
    await page.getByLabel(backend).check();
    await startAndStop(visit, 'Play');
    expect(await page.locator('#protocol td').allTextContents()).toSatisfy((all: string[]) =>
      all.every((text) => /^[A-H]{2}$/.test(text)),
    );
    expect(await page.locator('#verdict').textContent()).toContain('of 32 objects');
    await shoot(page, `language-${backend}`);
    expect(await page.locator('[role=status]').textContent()).toContain(`${backend} with`);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
