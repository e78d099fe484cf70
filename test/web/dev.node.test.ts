/** The pages as they are served while one works on them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGES } from '../../examples/web/pages.js';
import { findChromium } from '../../scripts/chromium.js';
import { ended, Site } from './site.js';

describe.skipIf(findChromium() === undefined)('the pages from their sources', () => {
  let site: Site;

  beforeAll(async () => {
    site = await Site.open('sources');
  }, 120_000);
  afterAll(() => site.close());

  it.each(PAGES.map(({ name }) => name))(
    '%s loads',
    async (name) => {
      const { page, complaints } = await site.visit(`${name}/`);
      await page.waitForSelector('body[data-loaded]');
      if (name === 'labels') {
        // One of them trains: the workers of all are the same file.
        await page.getByLabel('Epochs').fill('10');
        await page.getByRole('button', { name: 'Learn from the rules' }).click();
        const { before, after } = await ended(page);
        expect(after).toBe(before);
      }
      expect(complaints).toEqual([]);
      await page.close();
    },
    120_000,
  );
});
