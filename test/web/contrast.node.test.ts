/** The colours of the pages: text can be read in light and dark (WCAG 2.2, AA). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/entries.js';

const style = await readFile(join(root, 'examples/web/shell/style.css'), 'utf8');
const [light = '', dark = ''] = style.split('@media (prefers-color-scheme: dark)');
const coloursOf = (css: string): Record<string, string> =>
  Object.fromEntries([...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ['light', coloursOf(light)],
  ['dark', { ...coloursOf(light), ...coloursOf(dark) }],
])('in the %s', (_, colours) => {
  const of = (name: string): string => {
    const colour = colours[name];
    if (!colour) throw new Error(`The style must have a colour "${name}".`);
    return colour;
  };

  it('knows black from white', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  });

  it.each(['text', 'quiet', 'bad', 'good', 'accent'])('%s can be read on the page and on a card', (name) => {
    expect(contrast(of(name), of('page'))).toBeGreaterThan(4.5);
    expect(contrast(of(name), of('card'))).toBeGreaterThan(4.5);
  });

  it('a button can be read', () => {
    expect(contrast(of('on-accent'), of('accent'))).toBeGreaterThan(4.5);
  });

  it.each(['edge', 'line-1', 'line-2', 'line-3', 'line-4'])('%s can be seen', (name) => {
    expect(contrast(of(name), of('page'))).toBeGreaterThan(3);
  });
});

describe('the symbols of the language', async () => {
  const css = await readFile(join(root, 'examples/web/language/language.css'), 'utf8');
  const symbol = /\.symbol \{[^}]*[^-]color: (#[0-9a-f]{6})/.exec(css)?.[1] ?? '';
  const grounds = [...css.matchAll(/\.s\d \{\s*background: (#[0-9a-f]{6})/g)].map(([, colour = '']) => colour);

  it('can be read', () => {
    expect(grounds).toHaveLength(8);
    for (const ground of grounds) expect(contrast(symbol, ground)).toBeGreaterThan(4.5);
  });
});
