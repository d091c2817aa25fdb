// Workspace settings > Users: a list for who has many people, and one change for many at once.
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, inspect, Office, signedIn, test, unique } from './stack';

const toast = (page: Page, words: RegExp | string) => page.getByRole('region', { name: 'Messages' }).getByText(words).first();

async function many(office: Office, n: number, more: Record<string, unknown> = {}): Promise<void> {
  const users = Array.from({ length: n }, (_, i) => ({ name: `Person ${i + 1}`, email: `p${i + 1}-${unique()}@corp.com`, role: 'builder', sendEmail: false, ...more }));
  await office.admin.send('POST', `${office.path}/users/batch`, { users });
}

test('many at once: archive, those who stay are named, restore', async ({ page }) => {
  const office = await Office.make();
  const users = await Promise.all([1, 2, 3].map((n) => office.invite({ name: `Person ${n}`, sendEmail: false })));
  await office.accept(users[0]!);
  await office.accept(users[1]!);
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await page.getByRole('checkbox', { name: 'Select all shown' }).check();
  await expect(page.getByText('4 selected')).toBeVisible();
  await inspect(page, 'selection');
  // The last admin cannot go: the others do, and the page says who did not.
  await page.getByRole('button', { name: 'Archive (4)' }).click();
  const ask = page.getByRole('dialog', { name: 'Archive 4 people?' });
  await expect(ask).toContainText('Access ends at once');
  await ask.getByRole('button', { name: 'Archive (4)' }).click();
  await expect(page.getByRole('dialog')).toContainText('1 person was left as they were');
  await expect(page.getByRole('dialog')).toContainText('Ada Admin');
  await inspect(page, 'who was left');
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await expect(page.getByRole('link', { name: /^Archived/ })).toContainText('3');
  await page.getByRole('checkbox', { name: 'Select Person 1' }).check();
  await page.getByRole('checkbox', { name: 'Select Person 2' }).check();
  await page.getByRole('button', { name: 'Restore (2)' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore (2)' }).click();
  await expect(toast(page, '2 people restored.')).toBeVisible();
  expect((await office.get(users[0]!)).status).toBe('active');
});

test('archiving many can be undone', async ({ page }) => {
  const office = await Office.make();
  const users = await Promise.all([1, 2].map((n) => office.invite({ name: `Person ${n}`, sendEmail: false })));
  for (const u of users) await office.accept(u);
  await signedIn(page, office.admin);
  await page.goto(office.users);
  for (const n of [1, 2]) await page.getByRole('checkbox', { name: `Select Person ${n}` }).check();
  await page.getByRole('button', { name: 'Archive (2)' }).click();
  await inspect(page, 'archive many?');
  await page.getByRole('dialog').getByRole('button', { name: 'Archive (2)' }).click();
  await expect(toast(page, '2 people archived.')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(toast(page, '2 people restored.')).toBeVisible();
  expect((await office.get(users[1]!)).status).toBe('active');
});

test('everyone who matches is selected over all pages, and gets a role', async ({ page }) => {
  const office = await Office.make();
  await many(office, 60);
  await signedIn(page, office.admin);
  await page.goto(`${office.users}?status=requested`);
  await page.getByRole('checkbox', { name: 'Select all shown' }).check();
  await expect(page.getByText('50 selected')).toBeVisible();
  await page.getByRole('button', { name: 'Select all 60 who match' }).click();
  await expect(page.getByText('60 selected')).toBeVisible();
  expect(new URL(page.url()).hash).toContain('selected=all');
  await page.reload();
  await expect(page.getByText('60 selected')).toBeVisible();
  await inspect(page, 'everyone selected');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Change role' }).click();
  const ask = page.getByRole('dialog', { name: 'Change the role of 60 people' });
  await ask.getByRole('radio', { name: 'End user' }).check();
  await ask.getByRole('button', { name: 'Change role (60)' }).click();
  await expect(toast(page, 'The role of 60 people is changed.')).toBeVisible({ timeout: 30_000 });
  const { users } = await office.admin.send<{ users: unknown[] }>('GET', `${office.path}/users?role=end-user&limit=100`);
  expect(users).toHaveLength(60);
  await expect(page.getByRole('row', { name: /Person \d/ }).first()).toContainText('End user');
});

test('a change for many can be stopped, and says how far it came', async ({ page }) => {
  const office = await Office.make();
  await many(office, 30);
  await signedIn(page, office.admin);
  await page.goto(`${office.users}?status=requested`);
  await page.getByRole('checkbox', { name: 'Select all shown' }).check();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Change role' }).click();
  let release = () => {};
  const held = new Promise<void>((r) => (release = r));
  let asked = 0;
  await page.route(/\/users\/usr_/, async (route) => {
    asked++;
    await held;
    await route.continue();
  });
  await page.getByRole('dialog').getByRole('button', { name: 'Change role (30)' }).click();
  await expect(page.getByRole('progressbar', { name: 'Changing roles' })).toBeVisible();
  await expect.poll(() => asked).toBe(4);
  await inspect(page, 'progress');
  await page.getByRole('button', { name: 'Stop' }).click();
  release();
  await expect(page.getByRole('dialog')).toContainText('It was not tried for 26 people.');
  await expect(page.getByRole('dialog')).toContainText('The role of 4 people is changed.');
  await inspect(page, 'stopped');
  expect(asked).toBe(4);
});

test('groups, links and export of those who are selected', async ({ page }) => {
  const office = await Office.make();
  await office.admin.send('PUT', `${office.path}/groups/finance`, { name: 'Finance' });
  const formula = await office.invite({ name: '=SUM(A1)', sendEmail: false });
  await many(office, 3);
  await signedIn(page, office.admin);
  await page.goto(office.users);
  for (const name of ['Person 1', '=SUM(A1)', 'Ada Admin']) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
  const begin = async (action: string) => {
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: action }).click();
  };
  const file = async (press: () => Promise<void>) => {
    const download = page.waitForEvent('download');
    await press();
    return readFileSync(await (await download).path(), 'utf8').trimEnd().split('\r\n');
  };

  await begin('Download links');
  // Ada has none: she has joined.
  const links = await file(() => page.getByRole('dialog', { name: 'Download 2 links?' }).getByRole('button', { name: 'Download links (2)' }).click());
  expect(links[0]).toBe('name,email,link');
  expect(links).toHaveLength(3);
  expect(links.find((line) => line.includes(formula.email))).toBe(`"'=SUM(A1)",${formula.email},${formula.invitation.url}`);

  await begin('Export CSV');
  const people = await file(() => page.getByRole('dialog').getByRole('button', { name: 'Export CSV (3)' }).click());
  expect(people[0]).toMatch(/^name,email,role,groups,metadata,/);
  expect(people).toHaveLength(4);

  await begin('Change groups');
  const ask = page.getByRole('dialog', { name: 'Change the groups of 3 people' });
  await expect(ask.getByRole('button', { name: 'Change groups (3)' })).toBeDisabled();
  await ask.getByRole('checkbox', { name: 'Finance' }).check();
  await inspect(page, 'groups for many');
  await ask.getByRole('button', { name: 'Change groups (3)' }).click();
  await expect(toast(page, 'The groups of 3 people are changed.')).toBeVisible();
  const { users } = await office.admin.send<{ users: { name: string }[] }>('GET', `${office.path}/users?group=finance`);
  expect(users.map((u) => u.name).sort()).toEqual(['=SUM(A1)', 'Ada Admin', 'Person 1']);
});

test('rows are one line of 44 pixels, and whole where the focus is', async ({ page }) => {
  const office = await Office.make();
  const long = `${'long.'.repeat(11)}${unique()}`;
  await office.invite({ name: `Maximiliane ${'Wolkenstein'.repeat(6)}`, email: `${long.slice(0, 60)}@${'department.'.repeat(5)}corp.com`, sendEmail: false });
  await many(office, 60);
  await page.setViewportSize({ width: 1280, height: 800 });
  await signedIn(page, office.admin);
  await page.goto(`${office.users}?sort=oldest`);
  const row = page.getByRole('row', { name: /Maximiliane/ });
  await expect(row).toBeVisible();
  const height = async () => Math.round((await row.boundingBox())!.height);
  expect(await height()).toBe(44);
  await row.getByRole('checkbox').focus();
  await page.keyboard.press('Tab');
  await expect.poll(height).toBeGreaterThan(44);
  await row.getByRole('checkbox').evaluate((e: HTMLElement) => (e.ownerDocument.activeElement as HTMLElement).blur());
  await inspect(page, 'long names');
  // The header stays in sight.
  await page.getByRole('rowheader').nth(40).scrollIntoViewIfNeeded();
  await page.mouse.wheel(0, 300);
  await expect(page.getByRole('columnheader', { name: 'Person' })).toBeInViewport();
  await page.evaluate(() => scrollTo(0, 0));
  const visible = await page.getByRole('rowheader').evaluateAll((rows) => rows.filter((r) => r.getBoundingClientRect().bottom <= innerHeight).length);
  console.log(`    rows visible at 1280x800: ${visible}`);
  expect(visible).toBeGreaterThanOrEqual(10);
});

test('columns are chosen, and kept in this browser', async ({ page }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await expect(page.getByRole('columnheader', { name: 'Groups' })).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'Joined' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Display' }).click();
  await page.getByRole('checkbox', { name: 'Groups' }).uncheck();
  await page.getByRole('checkbox', { name: 'Joined' }).check();
  await page.keyboard.press('Escape');
  await page.reload();
  await expect(page.getByRole('columnheader', { name: 'Joined' })).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'Groups' })).toHaveCount(0);
  await page.evaluate(() => localStorage.setItem('latchkey-columns', 'email,role,groups,status,inviter,added,joined'));
  await page.reload();
  await expect(page.getByRole('columnheader', { name: 'Invited by' })).toBeVisible();
  await inspect(page, 'every column');
});

test('the keyboard: / searches, Ctrl+K opens the commands', async ({ page }) => {
  const office = await Office.make();
  await many(office, 3);
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await expect(page.getByRole('rowheader')).toHaveCount(4);
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.type('a/b');
  await expect(page.getByRole('searchbox')).toHaveValue('a/b');
  await page.keyboard.press('Control+k');
  const menu = page.getByRole('dialog', { name: 'Commands' });
  await expect(menu.getByRole('searchbox')).toBeFocused();
  await inspect(page, 'commands');
  await page.keyboard.type('person 2');
  await expect(menu.getByRole('menuitem')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(menu).toHaveCount(0);
  await expect(page.getByRole('rowheader')).toHaveCount(1);
  await expect(page.getByRole('searchbox')).toHaveValue('person 2');
  await page.keyboard.press('Control+k');
  await expect(menu.getByRole('searchbox')).toBeFocused();
  await page.keyboard.type('needs att');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('link', { name: 'Needs attention' })).toHaveAttribute('aria-current', 'true');
});

test('who is selected survives a reload, and another filter ends it', async ({ page }) => {
  const office = await Office.make();
  await many(office, 3);
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await page.getByRole('checkbox', { name: 'Select Person 2' }).check();
  expect(new URL(page.url()).search, 'ids reach no server').not.toContain('usr_');
  await page.reload();
  await expect(page.getByRole('checkbox', { name: 'Select Person 2' })).toBeChecked();
  await expect(page.getByText('1 selected')).toBeVisible();
  await page.getByRole('link', { name: /^Requested/ }).click();
  await expect(page.getByText('1 selected')).toHaveCount(0);
});

test('while the page and its list are on their way, something is to be seen', async ({ page }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  let release = () => {};
  const held = new Promise<void>((r) => (release = r));
  await page.route(/\/users\?/, async (route) => {
    await held;
    await route.continue();
  });
  let start = () => {};
  const scripts = new Promise<void>((r) => (start = r));
  await page.route(/\/assets\/index-.*\.js/, async (route) => {
    await scripts;
    await route.continue();
  });
  await page.goto(office.users, { waitUntil: 'commit' });
  await expect(page.locator('.starting .spinner')).toBeVisible();
  start();
  await expect(page.locator('.skeleton')).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'Loading…' })).toBeAttached();
  release();
  await expect(page.getByRole('rowheader', { name: /Ada Admin/ })).toBeVisible();
  await expect(page.locator('.skeleton')).toHaveCount(0);
});
