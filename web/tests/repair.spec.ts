// Workspace settings > Users: an invitation that went wrong is mended where it is seen.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, inboxURL, inspect, Office, passDays, signedIn, test, unique, url } from './stack';

const root = resolve(import.meta.dirname, '../..');

/** The token of the link in the newest mail to an address that leads out of the mails. */
async function unsubscribe(email: string): Promise<void> {
  let token = '';
  await expect(async () => {
    const store = (await (await fetch(`${inboxURL}/store`)).json()) as { emails: { destination: { to: string[] }; body: { text: string } }[] };
    const mail = store.emails.filter((m) => m.destination.to.includes(email)).at(-1);
    token = /\/unsubscribe\/([\w-]+)|([\w-]{96})\/unsubscribe/.exec(mail?.body.text ?? '')?.slice(1).find(Boolean) ?? '';
    expect(token).not.toBe('');
  }).toPass();
  const answer = await fetch(`${url}/v1/invitations/${token}/unsubscribe`, { method: 'POST' });
  expect(answer.ok).toBe(true);
}

test('who needs attention is found in one tab, and a bounced address is corrected there', async ({ page }) => {
  const office = await Office.make();
  const lost = await office.invite({ name: 'Lost Letter', email: `bounce+${unique()}@simulator.amazonses.com`, role: 'builder' });
  await office.invite({ name: 'Too Late', expiresInDays: 1, sendEmail: false });
  await passDays(2);
  await office.invite({ name: 'All Well', expiresInDays: 20, sendEmail: false });
  await signedIn(page, office.admin);
  const row = (name: string) => page.getByRole('row', { name: new RegExp(name) });
  await expect(async () => {
    await page.goto(`${office.users}?status=attention`);
    await expect(row('Lost Letter')).toContainText('Bounced: mailbox does not exist', { timeout: 2000 });
  }).toPass();
  await expect(page.getByRole('link', { name: 'Needs attention' })).toHaveAttribute('aria-current', 'true');
  await expect(row('Too Late')).toContainText('Expired');
  await expect(row('All Well')).toHaveCount(0);
  await expect(row('Ada Admin')).toHaveCount(0);
  await inspect(page, 'needs attention');

  await page.getByRole('button', { name: 'Correct address: Lost Letter' }).click();
  const dialog = page.getByRole('dialog', { name: 'Correct the address of Lost Letter' });
  await expect(dialog.getByLabel('Email address')).toHaveValue(lost.email);
  await inspect(page, 'correct the address');
  const right = `found-${unique()}@corp.com`;
  await dialog.getByLabel('Email address').fill(right);
  await dialog.getByRole('button', { name: 'Correct and invite' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(row('Lost Letter')).toContainText(right);
  await office.admin.send('GET', `${office.path}/users/${lost.id}`, undefined, 404);
  const { users } = await office.admin.send<{ users: { email: string; role: string; status: string }[] }>('GET', `${office.path}/users?q=${right}`);
  expect(users).toMatchObject([{ role: 'builder', status: 'requested' }]);
  await page.reload();
  await expect(row('Too Late')).toBeVisible();
  await expect(row('Lost Letter'), 'nothing is wrong with it any more').toHaveCount(0);
});

test('in a large workspace, the search for those who need attention ends, and can go on', async ({ page }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  let asked = 0;
  await page.route(/\/users\?.*status=requested/, async (route) => {
    asked++;
    await route.fulfill({ json: { users: [], nextCursor: 'more' } });
  });
  await page.goto(`${office.users}?status=attention`);
  await expect(page.getByText('Nobody found so far.')).toBeVisible();
  expect(asked).toBe(40);
  await inspect(page, 'nobody so far');
  await page.getByRole('button', { name: 'Load more' }).click();
  await expect.poll(() => asked).toBe(80);
});

test('a refused address is said at its field, which has the focus', async ({ page, complaints }) => {
  complaints.expect(400, 409);
  const office = await Office.make();
  await office.invite();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await page.getByRole('button', { name: 'Actions for John Doe' }).click();
  await page.getByRole('menuitem', { name: 'Correct the address' }).click();
  const dialog = page.getByRole('dialog');
  const field = dialog.getByLabel('Email address');
  await field.fill('nobody');
  await dialog.getByRole('button', { name: 'Correct and invite' }).click();
  await expect(dialog.getByText('This is not a valid email address.')).toBeVisible();
  await expect(field).toBeFocused();
  await field.fill(office.admin.email);
  await dialog.getByRole('button', { name: 'Correct and invite' }).click();
  await expect(dialog.getByRole('alert')).toContainText('This address is already in the workspace.');
  await expect(dialog.getByRole('alert')).toBeFocused();
  await inspect(page, 'address refused');
});

test('whoever wants no mail is shown so, and gets a link instead', async ({ page, complaints }) => {
  complaints.expect(409);
  const office = await Office.make();
  const u = await office.invite();
  await unsubscribe(u.email);
  await signedIn(page, office.admin);
  await page.goto(`${office.users}?status=attention`);
  const row = page.getByRole('row', { name: /John Doe/ });
  await expect(row).toContainText('Wants no mail');
  await page.getByRole('button', { name: 'Actions for John Doe' }).click();
  await page.getByRole('menuitem', { name: 'Send again' }).click();
  const dialog = page.getByRole('dialog', { name: 'Invite John Doe without a mail?' });
  await expect(dialog).toContainText('This person does not want mail from this workspace.');
  await expect(dialog, 'no words of the API').not.toContainText('sendEmail');
  await inspect(page, 'wants no mail');
  await dialog.getByRole('button', { name: 'Make and copy a new link' }).click();
  await expect(page.getByText('The new link for John Doe is in the clipboard.').first()).toBeVisible();
  const link = await office.admin.send<typeof u>('GET', `${office.path}/users/${u.id}/link`);
  expect(link.invitation.url).not.toBe(u.invitation.url);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link.invitation.url);
});

test('whoever is signed out finds the way back beside the button', async ({ page, complaints }) => {
  complaints.expect(401);
  const office = await Office.make();
  await office.invite();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await page.route('**/archive', (route) => route.fulfill({ status: 401, json: { message: 'Unauthorized' } }));
  await page.getByRole('button', { name: 'Actions for John Doe' }).click();
  await page.getByRole('menuitem', { name: 'Archive' }).click();
  const refusal = page.getByRole('alert').filter({ hasText: 'You are signed out.' });
  await expect(refusal).toBeFocused();
  await page.unroute('**/archive');
  await refusal.getByRole('button', { name: 'Sign in again' }).click();
  await expect(page.getByRole('rowheader', { name: /John Doe/ })).toBeVisible();
  await expect(refusal).toHaveCount(0);
});

test('every reason that the service gives for a mail is known to the dashboard', () => {
  const known = readFileSync(resolve(root, 'web/src/users/delivery.ts'), 'utf8');
  const sources = ['functions/feedback/notice.go', 'functions/mail/send.go', 'shared/user/recipient.go'].map((f) => readFileSync(resolve(root, f), 'utf8'));
  const reasons = sources.flatMap((text) => [...text.matchAll(/(?:[rR]eason: |of\(.*, |status\(|return |": +)"([A-Z][^"]+\.)"/g)].map((m) => m[1]!));
  expect(reasons.length).toBeGreaterThan(30);
  for (const reason of reasons) expect(known).toContain(reason);
});
