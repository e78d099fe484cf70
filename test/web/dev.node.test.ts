/** The pages as they are served while one works on them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGES } from '../../examples/web/pages.js';
import { findChromium } from '../../scripts/chromium.js';
import { ACTS, mouse, startAndStop } from './acts.js';
import { Site } from './site.js';

describe.skipIf(findChromium() === undefined)('the pages from their sources', () => {
  let site: Site;

  beforeAll(async () => {
    site = await Site.open('sources');
  }, 120_000);
  afterAll(() => site.close());

  it.each(PAGES)(
    '$name loads, answers and trains a little',
    async ({ name }) => {
      const { page, complaints } = await site.visit(`${name}/`);
      await page.waitForSelector('body[data-loaded]');
      await ACTS[name].use(page, mouse);
      await startAndStop(page, ACTS[name].start);
      expect(complaints).toEqual([]);
      await page.close();
    },
    120_000,
  );
});
