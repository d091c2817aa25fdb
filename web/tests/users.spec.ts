// Workspace settings > Users.
import { readFileSync } from 'node:fs';
import type { Page, Route } from '@playwright/test';
import { expect, inspect, Office, passDays, signedIn, test, unique } from './stack';

async function choose(page: Page, name: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: action, exact: true }).click();
}

const toast = (page: Page, words: RegExp | string) => page.getByRole('region', { name: 'Messages' }).getByText(words).first();

test('archive with undo, archive for good, restore', async ({ page }) => {
  const office = await Office.make();
  const u = await office.accept(await office.invite());
  await signedIn(page, office.admin);
  await page.goto(office.users);
  const row = page.getByRole('row', { name: /John Doe/ });
  await choose(page, 'John Doe', 'Archive');
  await expect(row).toContainText('Archived');
  await inspect(page, 'archived, with a toast');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(row).toContainText('Active');
  expect((await office.get(u)).status).toBe('active');
  await choose(page, 'John Doe', 'Archive');
  await expect(row).toContainText('Archived');
  await page.getByRole('link', { name: /^Archived/ }).click();
  await expect(row).toBeVisible();
  await choose(page, 'John Doe', 'Restore');
  await expect(row).toContainText('Active');
  await expect(toast(page, 'John Doe is active again')).toBeVisible();
  expect((await office.get(u)).status).toBe('active');
});

test('the last admin stays, and the page says why', async ({ page, complaints }) => {
  complaints.expect(409);
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await choose(page, 'Ada Admin', 'Archive');
  const refusal = page.getByRole('alert').filter({ hasText: 'This is the last active admin.' });
  await expect(refusal).toBeFocused();
  await inspect(page, 'refused at the row');
  await refusal.getByRole('button', { name: 'Close' }).click();
  await expect(refusal).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Actions for Ada Admin' })).toBeFocused();
});

test('edit a pending person: name, role, groups, metadata; the link stays', async ({ page, complaints }) => {
  const office = await Office.make();
  await office.admin.send('PUT', `${office.path}/groups/manager`, { name: 'Manager' });
  const u = await office.invite({ metadata: { apiKey: 'old', region: 'eu' } });
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await choose(page, 'John Doe', 'Edit');
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByLabel('Name')).toHaveValue('John Doe');
  await inspect(page, 'edit');
  await dialog.getByLabel('Name').fill('John D.');
  await dialog.getByRole('radio', { name: 'End user' }).check();
  await dialog.getByRole('checkbox', { name: 'Manager' }).check();
  const metadata = dialog.getByLabel('User metadata');
  await metadata.fill('{\n  "apiKey": "new"\n  "deep": {}\n}');
  await expect(dialog.getByText('Line 3, column 3: a comma is missing here.')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Save' })).toBeDisabled();
  await inspect(page, 'edit, bad metadata');
  await metadata.fill('[1]');
  await expect(dialog.getByText('metadata must be an object')).toBeVisible();
  await metadata.fill('{"apiKey": "new", "gone": null}');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText('“gone” cannot become null')).toBeVisible();
  await metadata.fill('{"apiKey": "new", "deep": {"list": [1, null]}}');

  // Meanwhile somebody else has a hand in it.
  complaints.expect(412);
  await office.admin.send('PATCH', `${office.path}/users/${u.id}`, { name: 'Johnny' });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Somebody else changed this person');
  await expect(dialog.getByRole('alert')).toBeFocused();
  await dialog.getByRole('button', { name: 'Show them as they are now' }).click();
  await expect(dialog.getByLabel('Name')).toHaveValue('Johnny');
  await dialog.getByRole('radio', { name: 'End user' }).check();
  await dialog.getByRole('checkbox', { name: 'Manager' }).check();
  await metadata.fill('{"apiKey": "new", "deep": {"list": [1, null]}}');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(toast(page, 'Johnny is saved')).toBeVisible();
  const row = page.getByRole('row', { name: /Johnny/ });
  await expect(row).toContainText('End user');
  await expect(row).toContainText('Manager');
  expect(await office.get(u)).toMatchObject({ role: 'end-user', groups: ['manager'], metadata: { apiKey: 'new', deep: { list: [1, null] } } });
  const link = await office.admin.send<typeof u>('GET', `${office.path}/users/${u.id}/link`);
  expect(link.invitation.url).toBe(u.invitation.url);
});

test('what was edited is not lost unasked', async ({ page }) => {
  const office = await Office.make();
  await office.invite();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await choose(page, 'John Doe', 'Edit');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('John D.');
  let answer = false;
  page.on('dialog', (asked) => void (answer ? asked.accept() : asked.dismiss()));
  await page.keyboard.press('Escape');
  await expect(dialog.getByLabel('Name')).toHaveValue('John D.');
  answer = true;
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await choose(page, 'John Doe', 'Edit');
  await expect(dialog.getByLabel('Name')).toHaveValue('John Doe');
  answer = false; // nothing to lose, nothing to ask
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});

test('copy the link, look at the history, erase for good', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await choose(page, 'John Doe', 'Copy invitation link');
  await expect(toast(page, 'in the clipboard')).toBeVisible();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(u.invitation.url);
  await choose(page, 'John Doe', 'Archive');
  await expect(toast(page, 'Undo sends a new one')).toBeVisible();
  await expect(async () => {
    await choose(page, 'John Doe', 'History');
    await expect(page.getByRole('dialog').getByText('Ada Admin archived the person')).toBeVisible({ timeout: 1000 });
  }).toPass();
  await expect(page.getByRole('dialog').getByText('Ada Admin invited the person')).toBeVisible();
  await inspect(page, 'history of a person');
  await page.keyboard.press('Escape');
  await choose(page, 'John Doe', 'Erase');
  await inspect(page, 'erase?');
  await page.getByRole('dialog').getByRole('button', { name: 'Erase' }).click();
  await expect(page.getByRole('row', { name: /John Doe/ })).toHaveCount(0);
  await office.admin.send('GET', `${office.path}/users/${u.id}`, undefined, 404);
});

test('filters, search, order and more pages', async ({ page }) => {
  const office = await Office.make();
  await office.admin.send('PUT', `${office.path}/groups/finance`, { name: 'Finance' });
  const rows = Array.from({ length: 60 }, (_, i) => ({
    name: `Person ${i}`, email: `p${i}-${unique()}@corp.com`, role: i % 2 ? 'builder' : 'end-user', groups: i % 10 === 0 ? ['finance'] : [], sendEmail: false,
  }));
  await office.admin.send('POST', `${office.path}/users/batch`, { users: rows });
  await signedIn(page, office.admin);
  await page.goto(office.users);
  const people = page.getByRole('rowheader');
  await expect(people).toHaveCount(50);
  await expect(page.getByText('61 people', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Load more' }).click();
  await expect(people).toHaveCount(61);
  await expect(page.getByRole('button', { name: 'Load more' })).toHaveCount(0);
  await page.getByRole('combobox', { name: 'Group' }).selectOption('finance');
  await expect(people).toHaveCount(6);
  await page.getByRole('combobox', { name: 'User role' }).selectOption('builder');
  await expect(page.getByText('Nobody matches these filters.')).toBeVisible();
  await inspect(page, 'nobody found');
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(people).toHaveCount(50);
  await page.getByRole('searchbox').fill('person 42');
  await expect(people).toHaveCount(1);
  const asked = new URL(page.url());
  expect(asked.search, 'what is searched for reaches no server').not.toContain('42');
  expect(asked.hash).toContain('42');
  await page.reload();
  await expect(page.getByRole('searchbox')).toHaveValue('person 42');
  await expect(people).toHaveCount(1);
  await page.getByRole('searchbox').fill('');
  await page.getByRole('button', { name: 'Display' }).click();
  await inspect(page, 'display');
  await page.getByRole('combobox', { name: 'Order' }).selectOption('oldest');
  await page.keyboard.press('Escape');
  await expect(people.first()).toContainText('Ada Admin');
  // The address says what is shown, and shows it again.
  await page.getByRole('link', { name: /^Requested/ }).click();
  await expect(people.first()).toContainText('Person');
  await page.reload();
  await expect(page.getByRole('link', { name: /^Requested/ })).toHaveAttribute('aria-current', 'true');
  await expect(page.getByRole('columnheader', { name: 'Added' })).toHaveAttribute('aria-sort', 'ascending');
  await page.getByRole('button', { name: 'Added' }).click();
  await expect(page.getByRole('columnheader', { name: 'Added' })).toHaveAttribute('aria-sort', 'descending');

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export CSV' }).click();
  const csv = readFileSync(await (await download).path(), 'utf8').trimEnd().split('\n');
  expect(csv[0]).toMatch(/^name,email,role,groups,metadata,/);
  expect(csv).toHaveLength(61);
});

test('expired, declined, and every state of delivery are told in words', async ({ page }) => {
  const office = await Office.make();
  const [late, no] = await Promise.all([office.invite({ name: 'Late Person', expiresInDays: 1 }), office.invite({ name: 'No Thanks' })]);
  await fetch(`${no.invitation.url.replace('/invite/', '/v1/invitations/')}/decline`, { method: 'POST' });
  await passDays(2);
  // And one that this page has never heard of.
  const states = ['new_to_us', 'none', 'scheduled', 'queued', 'sent', 'delivered', 'delayed', 'bounced', 'complained', 'suppressed', 'failed'];
  for (const s of states) await office.invite({ name: `Case ${s}`, sendEmail: false, expiresInDays: 20 });
  await page.route(/\/users\?/, async (route: Route) => {
    const answer = await route.fetch();
    const page = (await answer.json()) as { users: { name: string; invitation?: Record<string, unknown> }[] };
    for (const u of page.users) {
      const delivery = u.name.replace('Case ', '');
      if (states.includes(delivery)) Object.assign(u.invitation!, { delivery, deliveryReason: delivery === 'bounced' ? 'The mailbox does not exist.' : delivery === 'failed' ? 'Words that are new.' : undefined, scheduledFor: delivery === 'scheduled' ? '2031-05-06T00:00:00Z' : undefined });
    }
    await route.fulfill({ response: answer, json: page });
  });
  await signedIn(page, office.admin);
  await page.goto(office.users);
  const row = (name: string) => page.getByRole('row', { name: new RegExp(name) });
  await expect(row('Case new_to_us')).toContainText('new_to_us');
  await expect(row('Case bounced')).toContainText('Bounced: mailbox does not exist');
  await expect(row('Case complained')).toContainText('Marked as spam');
  await expect(row('Case suppressed')).toContainText('Mail blocked');
  await expect(row('Case failed')).toContainText('Not sent');
  await expect(row('Case failed')).not.toContainText('Words that are new.');
  await expect(row('Case delayed')).toContainText('Mail delayed');
  await expect(row('Case delivered')).toContainText('Mail delivered');
  await expect(row('Case none')).toContainText('Not mailed');
  await expect(row('Case scheduled')).toContainText(/Leaves .*2031/);
  await expect(row('Case none')).toContainText('Ends in 20 days');
  await expect(row('Late Person')).toContainText('Expired');
  await expect(row('No Thanks')).toContainText('Declined');
  expect((await office.get(late)).status).toBe('expired');
  await inspect(page, 'every status');
});

test('a mail that came back is told of', async ({ page }) => {
  const office = await Office.make();
  await office.invite({ email: `bounce+${unique()}@simulator.amazonses.com` });
  const came = await office.invite({ name: 'Mail Came' });
  await signedIn(page, office.admin);
  const row = page.getByRole('row', { name: /John Doe/ });
  await expect(async () => {
    await page.goto(office.users);
    await expect(row).toContainText('Bounced', { timeout: 2000 });
    await expect(page.getByRole('row', { name: /Mail Came/ })).toContainText('Mail delivered', { timeout: 2000 });
  }).toPass();
  expect((await office.get(came)).invitation.delivery).toBe('delivered');
  await inspect(page, 'bounced');
  await choose(page, 'John Doe', 'History');
  await expect(page.getByRole('dialog').getByText('the person: Bounced')).toBeVisible();
});

test('an address that took no mail is mailed again only if the admin is sure', async ({ page, complaints }) => {
  complaints.expect(409);
  const office = await Office.make();
  const u = await office.invite();
  await signedIn(page, office.admin);
  const bodies: unknown[] = [];
  await page.route('**/resend', async (route: Route) => {
    bodies.push(route.request().postDataJSON());
    const refusal = { type: 'about:blank', title: 'Conflict', status: 409, detail: 'x', code: 'recipient_undeliverable', requestId: 'x' };
    if (bodies.length === 1) await route.fulfill({ status: 409, contentType: 'application/problem+json', json: refusal });
    else await route.fulfill({ json: await office.get(u) });
  });
  await page.goto(office.users);
  await choose(page, 'John Doe', 'Send again');
  const dialog = page.getByRole('dialog', { name: 'Mail John Doe again?' });
  await expect(dialog).toContainText(u.email);
  await inspect(page, 'mail again?');
  await dialog.getByRole('button', { name: 'Send anyway' }).click();
  await expect(toast(page, 'A new invitation is on its way')).toBeVisible();
  expect(bodies).toEqual([null, { confirm: true }]);
});

test('the menu and the dialogs by keyboard', async ({ page }) => {
  const office = await Office.make();
  await office.invite();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  const button = page.getByRole('button', { name: 'Actions for John Doe' });
  await button.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Edit' })).toBeFocused();
  await inspect(page, 'row menu');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('menuitem', { name: 'Send again' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(button).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Edit John Doe' })).toBeVisible();
  // The focus stays in the dialog, and comes back from it.
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('[role=dialog]') !== null)).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(button).toBeFocused();
  await page.keyboard.press('Home');
  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('#main')).toBeFocused();
});

test('loading, error and offline are said', async ({ page, complaints, context }) => {
  complaints.expect(500);
  const office = await Office.make();
  await signedIn(page, office.admin);
  let release = () => {};
  const held = new Promise<void>((r) => (release = r));
  await page.route(/\/users\?/, async (route) => {
    await held;
    await route.fulfill({ status: 500, contentType: 'application/problem+json', json: { type: 'about:blank', title: 'x', status: 500, detail: 'Something went wrong on our side.', code: 'internal', requestId: 'req-1' } });
  });
  await page.goto(office.users);
  await expect(page.getByText('Loading…').first()).toBeAttached();
  release();
  await expect(page.getByRole('alert')).toContainText('Something went wrong on our side.');
  await inspect(page, 'failed');
  await page.unroute(/\/users\?/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('rowheader', { name: /Ada Admin/ })).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText('You are offline')).toBeVisible();
  await inspect(page, 'offline');
  complaints.expect(NaN); // the browser's own words for a request that had no connection
  await choose(page, 'Ada Admin', 'History');
  await expect(page.getByRole('dialog')).toContainText('cannot be reached');
  await context.setOffline(false);
  await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('dialog')).not.toContainText('cannot be reached');
});

test('members see the list where the workspace says so, and can change nothing', async ({ page, complaints }) => {
  const office = await Office.make();
  const u = await office.accept(await office.invite());
  await signedIn(page, u);
  await page.goto(office.users);
  await expect(page.getByText('Only admins of this workspace can see this page.')).toBeVisible();
  await inspect(page, 'not for members');
  await office.admin.send('PATCH', office.path, { directory: 'members' });
  await page.reload();
  await expect(page.getByRole('rowheader', { name: /Ada Admin/ })).toBeVisible();
  await expect(page.getByRole('button', { name: /Actions for/ })).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Add users' })).toHaveCount(0);
  await inspect(page, 'list for members');
  complaints.expect(404);
  await page.goto('/no-such-workspace/workspace-settings/users');
  await expect(page.getByRole('heading', { name: 'There is nothing at this address' })).toBeVisible();
  await inspect(page, 'no such workspace');
});

test('what iPhones need is allowed by the Content-Security-Policy', async ({ page }) => {
  // The component library puts a style element into the page there, and only
  // the one whose hash infra/blueprint has may pass.
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'platform', { get: () => 'iPhone' });
    Object.defineProperty(navigator, 'userAgentData', { get: () => undefined });
  });
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await page.getByRole('button', { name: 'Actions for Ada Admin' }).click();
  await expect(page.getByRole('menuitem', { name: 'Edit' })).toBeVisible();
  const contained = await page.evaluate(() => getComputedStyle(document.querySelector('table')!).overscrollBehaviorY);
  expect(contained).toBe('contain');
});
