/** What a page is like for those who do not see well or use no pointer: contrasts, focus, sizes (WCAG 2.2, AA). */
import type { Page } from 'playwright';

/** Texts and controls that do not stand out from what is behind them; each with its contrast. */
export function faint(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    type Colour = readonly [red: number, green: number, blue: number, alpha: number];
    const parse = (colour: string): Colour => {
      const [red = 0, green = 0, blue = 0, alpha = 1] = [...colour.matchAll(/[\d.]+/g)].map(Number);
      return [red, green, blue, alpha];
    };
    const over = (top: Colour, below: Colour): Colour => {
      const mix = (i: 0 | 1 | 2): number => top[3] * top[i] + (1 - top[3]) * below[i];
      return [mix(0), mix(1), mix(2), 1];
    };
    const behind = (node: Element | null): Colour => {
      if (!node) return [255, 255, 255, 1];
      const own = parse(getComputedStyle(node).backgroundColor);
      return own[3] === 1 ? own : over(own, behind(node.parentElement));
    };
    const luminance = (colour: Colour): number => {
      const [red, green, blue] = [0, 1, 2].map((i) => {
        const value = (colour[i] as number) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (colour: string, ground: Colour): number => {
      const [low, high] = [luminance(over(parse(colour), ground)), luminance(ground)].sort((x, y) => x - y);
      return ((high as number) + 0.05) / ((low as number) + 0.05);
    };
    const found: string[] = [];
    const check = (what: Element, colour: string, ground: Colour, least: number): void => {
      const ratio = contrast(colour, ground);
      if (ratio < least) found.push(`${ratio.toFixed(2)}: ${what.outerHTML.slice(0, 100)}`);
    };
    const isSilent = (one: Element): boolean => !one.checkVisibility() || one.closest(':disabled') !== null;
    for (const one of document.querySelectorAll('body, body *')) {
      if (isSilent(one) || one.matches('script, noscript, canvas, option')) continue;
      const style = getComputedStyle(one);
      const hasText = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
      if (hasText || one.matches('input, select')) check(one, style.color, behind(one), 4.5);
      const isFramed = one.matches('button:not(.main), select, input[type=text], input[type=number]');
      if (isFramed) check(one, style.borderTopColor, behind(one.parentElement), 3);
      if (one.matches('button.main')) check(one, style.backgroundColor, behind(one.parentElement), 3);
      if (one.matches('svg circle:not(.reach), svg .drawn, svg .learned')) check(one, style.stroke, behind(one), 3);
    }
    return found;
  });
}

/** Goes through the page by the Tab key: what it cannot reach, and where the focus is not seen. */
export async function tabThrough(page: Page): Promise<{ missed: string[]; unseen: string[] }> {
  await page.evaluate(() => {
    const reachable = 'a[href], button, input, select, textarea, [tabindex="0"]';
    for (const one of document.querySelectorAll<HTMLElement>(reachable)) {
      const isOne = !(one as HTMLInputElement).disabled && one.checkVisibility();
      // Of radios in a group one takes the focus.
      if (isOne && !one.matches('input[type=radio]:not(:checked)')) one.dataset['missed'] = '';
    }
    (document.activeElement as HTMLElement | null)?.blur();
  });
  const unseen: string[] = [];
  for (let press = 0; press < 100; press++) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const one = document.activeElement as HTMLElement | null;
      if (!one || one === document.body || one.dataset['missed'] === undefined) return undefined;
      delete one.dataset['missed'];
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2 ? '' : one.outerHTML.slice(0, 100);
    });
    if (seen === undefined) break;
    if (seen !== '') unseen.push(seen);
  }
  const missed = await page.evaluate(() =>
    [...document.querySelectorAll('[data-missed]')].map(({ outerHTML }) => outerHTML.slice(0, 100)),
  );
  return { missed, unseen };
}

/** Controls that are too small for a finger: 24 pixels each way. */
export function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('button, input, select, header a, .reach')]
      .filter((one) => one.checkVisibility())
      .filter((one) => {
        // A label is pressed as its control is.
        const { width, height } = (one.closest('label') ?? one).getBoundingClientRect();
        return Math.min(width, height) < 24;
      })
      .map(({ outerHTML }) => outerHTML.slice(0, 100)),
  );
}
