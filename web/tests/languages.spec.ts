// The dashboard in each of its languages.
import { expect, inspect, Office, signedIn, test, url } from './stack';
import en from '../src/messages/en';

const locales = { de: 'de-AT', fr: 'fr-CA', es: 'es-MX', 'pt-BR': 'pt-PT', ja: 'ja-JP', 'zh-Hans': 'zh-CN' };
const others = Object.keys(locales) as (keyof typeof locales)[];

type Words = Record<string, unknown>;

/** Every message by its place, made with parameters that show whether they are used. */
function flat(words: Words, at = ''): [string, string][] {
  return Object.entries(words).flatMap(([key, value]): [string, string][] => {
    const here = `${at}/${key}`;
    if (typeof value === 'string') return [[here, value]];
    if (typeof value === 'function') return [1, 2, 1_000_000].map((n) => [`${here}(${n})`, String((value as (...p: unknown[]) => string)(n, 'B', 'C'))]);
    return flat(value as Words, here);
  });
}

test('every language has every message, with what belongs into it', async () => {
  const english = flat(en);
  for (const language of others) {
    const { default: words } = (await import(`../src/messages/${language}`)) as { default: Words };
    const said = new Map(flat(words));
    expect([...said.keys()].sort(), language).toEqual(english.map(([at]) => at).sort());
    const wrong: string[] = [];
    for (const [at, text] of said) {
      if (text.trim() === '' || /undefined|#(?![0-9a-f]{6})/.test(text)) wrong.push(`${at}: ${text}`);
    }
    // What the English message names, such as a person or a number, the other one names, too.
    for (const [at, text] of english.filter(([at]) => at.endsWith('(2)'))) {
      const parts = ['2', 'B', 'C'].filter((part) => new RegExp(`\\b${part}\\b`).test(text));
      if (!parts.every((part) => said.get(at)?.includes(part))) wrong.push(`${at}: ${said.get(at)} lacks something of: ${text}`);
    }
    expect(wrong, language).toEqual([]);
    const same = english.filter(([at, text]) => said.get(at) === text && /[a-z]{4,} [a-z]{3,}/i.test(text));
    expect(same, `${language}: left in English`).toEqual([]);
  }
});

for (const language of others) {
  test(`an invitation in ${language}`, async ({ browser, complaints }) => {
    const office = await Office.make();
    const u = await office.invite();
    const context = await browser.newContext({ locale: locales[language], baseURL: url, reducedMotion: 'reduce' });
    await complaints.watch(context);
    const page = await context.newPage();
    await page.goto(u.invitation.url);
    const { default: t } = (await import(`../src/messages/${language}`)) as { default: typeof en };
    await expect(page.getByRole('heading', { name: t.invitation.title('Ada Admin', 'Nexus') })).toBeVisible();
    await expect(page.locator('html')).toHaveAttribute('lang', language);
    await inspect(page, `invitation in ${language}`);
    // No other language was loaded.
    const files = await page.evaluate(() => performance.getEntriesByType('resource').map((e) => new URL(e.name).pathname));
    const loaded = ['en', ...others].filter((l) => files.some((f) => new RegExp(`/${l}-[\\w-]{8}\\.js$`).test(f)));
    expect(loaded).toEqual([language]);
    await context.close();
  });
}

test('the users page in German, chosen by hand and kept', async ({ page, complaints }) => {
  complaints.expect(400, 409);
  const office = await Office.make();
  await office.invite({ name: 'Bärbel Überseedampfschifffahrtsgesellschaft' });
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await page.getByRole('button', { name: 'Your account' }).click();
  await inspect(page, 'account menu');
  await page.getByRole('menuitemradio', { name: 'Deutsch' }).click();
  await expect(page.getByRole('heading', { name: 'Benutzer' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('row', { name: /Bärbel/ })).toContainText('Angefragt');
  await expect(page.getByRole('row', { name: /Bärbel/ })).toContainText('Endet in 7 Tagen');
  await inspect(page, 'users in German');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  // What the API says in English is said in German here.
  await page.getByRole('button', { name: 'Aktionen für Ada Admin' }).click();
  await page.getByRole('menuitem', { name: 'Archivieren' }).click();
  await expect(page.getByText('Das ist der letzte aktive Admin.').first()).toBeVisible();
  await page.getByRole('link', { name: 'Benutzer hinzufügen' }).first().click();
  await page.getByRole('button', { name: 'Benutzer einladen' }).click();
  await expect(page.getByText('Das wird gebraucht.').first()).toBeVisible();
  await inspect(page, 'add users in German');
  await page.goto(office.users.replace('users', 'general'));
  await inspect(page, 'settings in German');
});
