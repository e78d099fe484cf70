/** What is done on each page: in the production build and from the sources, by mouse and by finger. */
import type { Locator, Page } from 'playwright';
import { expect } from 'vitest';
import type { PageName } from '../../examples/web/pages.js';
import { ended, watchTasks } from './site.js';

type Place = readonly [x: number, y: number];

/** How a reader touches a page. */
export interface Hands {
  press(target: Locator): Promise<void>;
  drag(page: Page, from: Place, to: Place): Promise<void>;
}

const between = ([x0, y0]: Place, [x1, y1]: Place): Place[] =>
  [0.25, 0.5, 0.75, 1].map((share) => [x0 + share * (x1 - x0), y0 + share * (y1 - y0)]);

export const mouse: Hands = {
  press: (target) => target.click(),
  drag: async (page, from, to) => {
    await page.mouse.move(...from);
    await page.mouse.down();
    for (const place of between(from, to)) await page.mouse.move(...place);
    await page.mouse.up();
  },
};

export const finger: Hands = {
  press: (target) => target.tap(),
  drag: async (page, from, to) => {
    const session = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', places: readonly Place[]): Promise<unknown> =>
      session.send('Input.dispatchTouchEvent', { type, touchPoints: places.map(([x, y]) => ({ x, y })) });
    await touch('touchStart', [from]);
    for (const place of between(from, to)) await touch('touchMove', [place]);
    await touch('touchEnd', []);
    await session.detach();
  },
};

/** A place in an element, by shares of its width and height, scrolled to where it can be seen. */
async function placeIn(target: Locator, across: number, down: number): Promise<Place> {
  await target.scrollIntoViewIfNeeded();
  const box = await target.boundingBox();
  if (!box) throw new Error('placeIn: target must be visible.');
  return [box.x + across * box.width, box.y + down * box.height];
}

interface Act {
  /** The button that begins a training. */
  start: string;
  /** Uses what is on the page besides that. */
  use(page: Page, hands: Hands): Promise<void>;
}

/** How many patches are left behind the last router. */
export async function patchesLeft(page: Page): Promise<number> {
  return Number.parseFloat((await page.locator('#pictures figcaption span').last().textContent()) ?? '');
}

export const ACTS: Readonly<Record<PageName, Act>> = {
  cropr: {
    start: 'Train the routers',
    use: async (page, hands) => {
      await page.waitForSelector('body[data-looked]');
      const rate = page.getByLabel('Patches to drop');
      await hands.drag(page, await placeIn(rate, 0.66, 0.5), await placeIn(rate, 0.99, 0.5));
      await expect.poll(() => patchesLeft(page), { timeout: 30_000 }).toBe(10);
      const verdict = page.locator('#verdict');
      expect(await verdict.textContent()).toMatch(/^It reads a \d, (and that is right|but it is a \d)\.$/);
      await hands.press(page.getByRole('button', { name: 'Clutter alone' }));
      const field = page.locator('.field-to-draw');
      await hands.drag(page, await placeIn(field, 0.5, 0.3), await placeIn(field, 0.5, 0.6));
      // Of what was drawn nobody knows what it is.
      await expect.poll(() => verdict.textContent(), { timeout: 30_000 }).toMatch(/^It reads a \d\.$/);
    },
  },
  xray: {
    start: 'Learn the style',
    use: async (page, hands) => {
      const handle = page.getByRole('slider', { name: 'Detail 0.08 becomes' });
      const heightOf = async (): Promise<number> => Number(await handle.getAttribute('aria-valuenow'));
      const [x, y] = await placeIn(handle, 0.5, 0.5);
      await hands.drag(page, [x, y], [x, y - 40]);
      expect(await heightOf()).toBeGreaterThan(0.1);
      await page.waitForFunction(() => document.querySelector('.names')?.textContent?.includes('your curve'));
      const stack = page.locator('.stack');
      await hands.drag(page, await placeIn(stack, 0.5, 0.5), await placeIn(stack, 0.2, 0.5));
      expect(Number(await page.getByLabel('Compare').inputValue())).toBeLessThan(30);
    },
  },
  forgetting: {
    start: 'Train all three',
    use: async (page, hands) => {
      const digits = page.getByLabel('Digits of each class');
      await hands.press(digits);
      await digits.fill('10');
      // As few as there may be: the first progress comes after the first epoch.
      await page.keyboard.press('ArrowDown');
      expect(await digits.inputValue()).toBe('5');
    },
  },
  labels: {
    start: 'Learn from the rules',
    use: async (page, hands) => {
      await hands.press(page.getByRole('button', { name: 'Add a rule' }));
      await page.keyboard.type('delicious <img src=x>');
      expect(await page.locator('.facts').last().textContent()).toMatch(/^votes on [1-9]/);
      expect(await page.locator('main img').count()).toBe(0);
      await hands.press(page.getByLabel('Show the hidden truth'));
      expect(await page.locator('.facts').last().textContent()).toContain('right on');
    },
  },
  language: {
    start: 'Play',
    use: async (page) => {
      await page.getByLabel('Forgetting', { exact: true }).selectOption('noReset');
      expect(await page.getByLabel('every … iterations').isDisabled()).toBe(true);
    },
  },
};

/** Milliseconds of processor time that a task of the page may take while a worker trains; measured were 19 at most. */
const LONGEST = 100;

/** Waits for the first sign of progress; on WebGL programs must be compiled before, which takes software long. */
export async function begun(page: Page): Promise<void> {
  const hasBegun = (): boolean => (document.querySelector('progress')?.value ?? 0) > 0;
  await page.waitForFunction(hasBegun, undefined, { timeout: 200_000 });
}

/** Starts and stops by keyboard: no tensor may be left, and the page not be held up. */
export async function startAndStop(page: Page, start: string): Promise<void> {
  const focused = (): Promise<string | null> => page.evaluate(() => document.activeElement?.textContent ?? null);
  const longest = await watchTasks(page);
  try {
    await page.getByRole('button', { name: start }).press('Enter');
    await begun(page);
    expect(await focused()).toBe('Stop');
    await page.keyboard.press('Enter');
    const { before, after } = await ended(page);
    expect(after).toBe(before);
    expect(await focused()).toBe(start);
    expect(await page.locator('progress').evaluate((bar: HTMLProgressElement) => bar.value)).toBeLessThan(1);
  } finally {
    expect(await longest()).toBeLessThan(LONGEST);
  }
}
