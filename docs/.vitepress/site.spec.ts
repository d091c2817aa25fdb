// The built site: every link leads somewhere, every page is readable on a small
// screen and breaks no rule of axe-core, and the search needs no network.
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test as base, type Page } from '@playwright/test';
import axe from 'axe-core';

const root = resolve(import.meta.dirname, '../..');
const site = join(root, 'build/docs-site');
const repository = 'https://github.com/latchkey/latchkey/blob/main/';
/** The whole reference of the API is one page that Redoc makes, with ways of its own. */
const pages = globSync('**/*.html', { cwd: site }).filter((page) => !page.startsWith('api/') && page !== '404.html').sort();

const types: Record<string, string> = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', woff2: 'font/woff2', json: 'application/json' };

/** A page whose site comes from the folder. Whatever else it asks for is in outside, and gets no answer. */
const test = base.extend<{ outside: string[] }>({
  outside: [async ({ context }, use) => {
    const outside: string[] = [];
    await context.route('**/*', async (route) => {
      const url = new URL(route.request().url());
      const file = join(site, decodeURIComponent(url.pathname.endsWith('/') ? `${url.pathname}index.html` : url.pathname));
      if (url.hostname !== 'docs.test') outside.push(url.href);
      if (url.hostname !== 'docs.test' || !existsSync(file)) return route.abort();
      return route.fulfill({ body: readFileSync(file), contentType: types[file.split('.').pop()!] ?? 'application/octet-stream' });
    });
    await use(outside);
  }, { auto: true }],
});

test('every link leads somewhere', () => {
  const html = new Map(pages.map((page) => [page, readFileSync(join(site, page), 'utf8')]));
  const has = (page: string, id: string) => new RegExp(` id="${id.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}"`).test(html.get(page)!);
  const broken: string[] = [];
  let checked = 0;
  for (const [page, text] of html) {
    for (const [, raw] of text.matchAll(/<a [^>]*?href="([^"]*)"/g)) {
      const href = raw.replace(/&amp;/g, '&');
      checked++;
      if (href.startsWith(repository)) {
        if (!existsSync(join(root, decodeURIComponent(href.slice(repository.length).split('#')[0])))) broken.push(`${page}: ${href}`);
        continue;
      }
      const url = new URL(href, `http://docs.test/${page}`);
      if (url.hostname !== 'docs.test') continue; // somebody else's, which needs a network
      const target = decodeURIComponent(url.pathname.slice(1)).replace(/(^|\/)$/, '$1index.html');
      const file = join(site, target);
      if (!existsSync(file) || !statSync(file).isFile()) broken.push(`${page}: ${href}`);
      else if (url.hash && html.has(target) && !has(target, decodeURIComponent(url.hash.slice(1)))) broken.push(`${page}: ${href}`);
    }
  }
  expect(broken).toEqual([]);
  expect(checked).toBeGreaterThan(500);
  console.log(`${checked} links on ${pages.length} pages`);
});

async function brokenRules(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map((v) => `${v.id}: ${v.nodes.slice(0, 5).map((n) => n.target.join(' ')).join('; ')}`);
  });
}

test('every page is readable at 320 px, and breaks no rule of axe-core', async ({ page, outside }) => {
  for (const file of pages) {
    for (const [width, colorScheme] of [[1280, 'light'], [320, 'dark']] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.goto(`/${file}`);
      await expect(page.locator('h1').first()).toBeVisible();
      expect.soft(await brokenRules(page), `${file} at ${width} px, ${colorScheme}: axe`).toEqual([]);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(over, `${file} at ${width} px: what sticks out`).toBeLessThanOrEqual(0);
    }
  }
  expect(outside, 'what the pages load from elsewhere').toEqual([]);
});

test('the search finds pages without a network', async ({ page, outside }) => {
  await page.goto('/index.html');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('dead letter redrive');
  await page.getByRole('option').first().click();
  await expect(page).toHaveURL(/\/operations\.html/);
  expect(outside).toEqual([]);
});
