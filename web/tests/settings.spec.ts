// Workspace settings > Groups, History, General; languages and times.
import { expect, inspect, mailedLink, Office, signedIn, test, url } from './stack';

test('groups are made, renamed and deleted', async ({ page }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(office.users.replace('users', 'groups'));
  await expect(page.getByText('There are no groups yet.')).toBeVisible();
  await inspect(page, 'no groups');
  await page.getByRole('button', { name: 'New group' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Été & Co');
  await expect(dialog.getByLabel('Id')).toHaveValue('ete-co');
  await inspect(page, 'new group');
  await dialog.getByRole('button', { name: 'New group' }).click();
  await expect(page.getByRole('listitem').filter({ hasText: 'Été & Co' })).toBeVisible();
  const u = await office.invite({ groups: ['ete-co'] });
  await page.getByRole('button', { name: 'Actions for Été & Co' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await dialog.getByLabel('Name').fill('Summer');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('listitem').filter({ hasText: 'Summer' })).toBeVisible();
  await inspect(page, 'groups');
  await page.getByRole('link', { name: 'Show people in Summer' }).click();
  await expect(page.getByRole('rowheader')).toHaveCount(1);
  await page.getByRole('link', { name: 'Groups' }).click();
  await page.getByRole('button', { name: 'Actions for Summer' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('There are no groups yet.')).toBeVisible();
  expect(await office.get(u)).toMatchObject({ groups: [] });
});

test('settings are saved, and what is wrong is named', async ({ page, complaints }) => {
  complaints.expect(400, 409);
  const office = await Office.make();
  await office.invite({ sendEmail: false });
  await signedIn(page, office.admin);
  await page.goto(office.users.replace('users', 'general'));
  await inspect(page, 'general');
  await page.getByLabel('Days an invitation lasts').fill('99');
  await page.getByLabel('Allowed email domains').fill('corp.com\nnot a domain!');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Days an invitation lasts')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel('Allowed email domains')).toHaveAttribute('aria-invalid', 'true');
  await inspect(page, 'general, wrong');
  await page.getByLabel('Days an invitation lasts').fill('14');
  await page.getByLabel('Allowed email domains').fill('corp.com, example.com');
  await page.getByLabel('Seats').fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Seats')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Seats').fill('50');
  await page.getByLabel('Time zone').selectOption('Europe/Berlin');
  await page.getByLabel('Personal message').check();
  await page.getByLabel('Every member').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The settings are saved.')).toBeVisible();
  expect(await office.admin.send('GET', office.path)).toMatchObject({
    invitationDays: 14, allowedEmailDomains: ['corp.com', 'example.com'], seatLimit: 50, timezone: 'Europe/Berlin', personalMessages: true, directory: 'members',
  });
  await page.getByRole('link', { name: 'Users' }).click();
  await expect(page.getByText('2 of 50 seats in use')).toBeVisible();
  await page.getByRole('link', { name: 'Add users' }).first().click();
  await page.getByText('More options').click();
  await expect(page.getByLabel('Personal message')).toBeVisible();
});

test('what mails look like', async ({ page, complaints }) => {
  complaints.expect(400);
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(office.users.replace('users', 'general'));
  await page.getByLabel('Product name').fill('Nexus Cloud');
  await page.getByLabel('Accent color').fill('yellow');
  await page.getByLabel('Where answers go').fill('inviter');
  await page.getByLabel('Tell inviters by mail').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByLabel('Accent color')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Accent color').fill('#1f4fd8');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The settings are saved.')).toBeVisible();
  expect(await office.admin.send('GET', office.path)).toMatchObject({
    notifyInviters: true, productName: 'Nexus Cloud', logoUrl: null, accentColor: '#1f4fd8', replyTo: 'inviter', supportAddress: null,
  });
  // What is emptied is taken away; what another admin has changed meanwhile stays.
  await office.admin.send('PATCH', office.path, { invitationDays: 3 });
  await page.getByLabel('Product name').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(async () => expect(await office.admin.send('GET', office.path)).toMatchObject({ productName: null, invitationDays: 3 })).toPass();
});

test('a workspace is deleted after its slug was typed', async ({ page }) => {
  const office = await Office.make('Short Lived');
  const u = await office.invite({ sendEmail: false });
  await office.accept(u);
  await signedIn(page, office.admin);
  await page.goto(office.users.replace('users', 'general'));
  await page.getByRole('button', { name: 'Delete the workspace' }).click();
  const dialog = page.getByRole('dialog');
  const confirm = dialog.getByRole('button', { name: 'Delete the workspace' });
  await expect(confirm).toBeDisabled();
  await dialog.getByLabel(`Type ${office.slug} to confirm`).fill(office.slug.toUpperCase());
  await expect(confirm).toBeDisabled();
  await inspect(page, 'deleting a workspace');
  await dialog.getByLabel(`Type ${office.slug} to confirm`).fill(office.slug);
  await confirm.click();
  await expect(page.getByText('Short Lived is deleted. It can be restored until')).toBeVisible();
  await expect(page).toHaveURL('/');
  await expect(page.getByRole('link', { name: 'Short Lived' })).toHaveCount(0);
  await office.admin.send('GET', office.path, undefined, 404);
});

test('paused invitations are told of', async ({ page }) => {
  const office = await Office.make();
  const token = (await (await fetch(`${url}/local/token`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ clientId: 'backend', scope: 'latchkey/operator' }),
  })).json()) as { token: string };
  const paused = await fetch(url + office.path, {
    method: 'PATCH', headers: { authorization: `Bearer ${token.token}`, 'content-type': 'application/json' }, body: JSON.stringify({ invitationsPaused: true }),
  });
  expect(paused.status).toBe(200);
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await expect(page.getByText('invitations of this workspace are paused')).toBeVisible();
  await inspect(page, 'paused');
});

test('the history has one entry for an invitation, with its mail, and can be filtered', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite();
  await mailedLink(u.email); // who has come is not mailed any more
  await office.accept(u);
  await signedIn(page, office.admin);
  const entries = page.locator('.entry');
  const invitation = entries.filter({ hasText: 'Ada Admin invited John Doe' });
  await expect(async () => {
    await page.goto(office.users.replace('users', 'history'));
    await expect(page.getByText('Accepted by John Doe')).toBeVisible({ timeout: 1500 });
    await expect(invitation.getByText('Mail delivered')).toBeVisible({ timeout: 1500 });
  }).toPass();
  await expect(entries).toHaveCount(3);
  await expect(page.getByText('Ada Admin created the workspace')).toBeVisible();
  await inspect(page, 'history');
  await invitation.getByText('Mail delivered').click();
  await expect(invitation.locator('.steps li').last()).toContainText('Mail delivered');
  await inspect(page, 'the steps of a mail');

  const type = page.getByRole('combobox', { name: 'Type' });
  await type.selectOption('Answers');
  await expect(entries).toHaveText([/Accepted by John Doe/]);
  await page.reload(); // the filter is in the address
  await expect(entries).toHaveText([/Accepted by John Doe/]);
  await expect(type.locator('option:checked')).toHaveText('Answers');
  await type.selectOption('Archived');
  await expect(page.getByText('No entries of this type.')).toBeVisible();
  await type.selectOption('All types');
  await expect(entries).toHaveCount(3);
  // The funnel above the list is drawn from it.
  await page.getByRole('link', { name: 'Users' }).click();
  const step = (name: string) => page.locator('.funnel dl > div').filter({ hasText: name });
  await expect(step('Invited')).toContainText('1');
  await expect(step('Accepted')).toContainText('100%');
});

test('times are told in the zone of who looks', async ({ browser, complaints }) => {
  const office = await Office.make();
  const u = await office.invite();
  const ends = new Date((await office.get(u) as unknown as { invitation: { expiresAt: string } }).invitation.expiresAt);
  for (const [locale, timezoneId] of [['en-GB', 'Asia/Tokyo'], ['en-GB', 'America/New_York']]) {
    const context = await browser.newContext({ locale, timezoneId, baseURL: url });
    await complaints.watch(context);
    const page = await context.newPage();
    await page.goto(u.invitation.url);
    const expected = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: timezoneId }).format(ends);
    await expect(page.getByText(expected)).toBeVisible();
    await context.close();
  }
});
