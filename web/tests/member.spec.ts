// What a person meets who manages nothing: their own product, and no refusals.
import { expect, inspect, Office, signedIn, test } from './stack';

test('a builder meets their own record and no settings, and can leave', async ({ page }) => {
  const office = await Office.make();
  await office.admin.send('PUT', `${office.path}/groups/design`, { name: 'Design' });
  const u = await office.accept(await office.invite({ groups: ['design'], sendEmail: false }));
  await signedIn(page, u);
  await page.goto(`/${office.slug}`);
  await expect(page.getByRole('heading', { name: 'Nexus' })).toBeVisible();
  const record = page.getByRole('region', { name: 'Your membership' });
  for (const said of [u.email, 'Builder', 'Design', 'Member since']) await expect(record).toContainText(said);
  const rail = page.getByRole('navigation', { name: 'Nexus' });
  await expect(rail.getByRole('link', { name: 'Home' })).toBeVisible();
  await expect(rail.getByRole('link', { name: /settings|Users/ })).toHaveCount(0);
  await expect(page.getByText('your own product begins')).toHaveCount(0);
  await inspect(page, 'home of a builder');
  await record.getByRole('button', { name: 'Leave workspace' }).click();
  const dialog = page.getByRole('dialog', { name: 'Leave Nexus?' });
  await inspect(page, 'leaving');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect((await office.get(u)).status).toBe('active');
  await record.getByRole('button', { name: 'Leave workspace' }).click();
  await dialog.getByRole('button', { name: 'Leave workspace' }).click();
  await expect(page.getByText('You have left Nexus.')).toBeVisible();
  await expect(page).toHaveURL('/');
  expect((await office.get(u)).status).toBe('archived');
});

test('the last admin cannot leave, and is told so in the dialog', async ({ page, complaints }) => {
  complaints.expect(409);
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(`/${office.slug}`);
  await page.getByRole('button', { name: 'Leave workspace' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Leave workspace' }).click();
  await expect(dialog.getByRole('alert')).toBeFocused();
  await expect(dialog.getByRole('alert')).toContainText('last active admin');
  await inspect(page, 'the last admin cannot leave');
});

test('settings refuse a member as a page, and the list is theirs where the workspace says so', async ({ page }) => {
  const office = await Office.make();
  const u = await office.accept(await office.invite({ role: 'end-user', sendEmail: false }));
  await signedIn(page, u);
  for (const section of ['users', 'users/add', 'groups', 'history', 'general']) {
    await page.goto(`/${office.slug}/workspace-settings/${section}`);
    await expect(page.getByRole('heading', { name: 'You cannot open this page' })).toBeVisible();
  }
  await inspect(page, 'refused settings');
  await page.getByRole('link', { name: 'Open Nexus' }).click();
  await expect(page.getByText('Hello, John Doe')).toBeVisible();
  await office.admin.send('PATCH', office.path, { directory: 'members' });
  await page.reload();
  await page.getByRole('link', { name: 'Users' }).click();
  await expect(page.getByRole('rowheader', { name: /Ada Admin/ })).toBeVisible();
  await expect(page.getByRole('link', { name: 'General' })).toHaveCount(0);
});

test('the switcher leads to the other workspaces and to what waits there', async ({ page }) => {
  const office = await Office.make();
  const atlas = await Office.make('Atlas');
  const boreas = await Office.make('Boreas');
  const { email } = office.admin;
  await atlas.accept(await atlas.invite({ name: 'Ada', email }));
  await boreas.invite({ name: 'Ada', email });
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await page.getByRole('button', { name: 'Nexus Switch workspace' }).click();
  await expect(page.getByRole('menuitemradio', { name: 'Nexus' })).toBeChecked();
  await expect(page.getByRole('menuitemradio', { name: 'Boreas' })).toHaveCount(0);
  await inspect(page, 'switcher');
  await page.getByRole('menuitemradio', { name: 'Atlas' }).click();
  await expect(page).toHaveURL(`/${atlas.slug}`);
  await expect(page.getByRole('heading', { name: 'Atlas' })).toBeVisible();
  await page.getByRole('button', { name: 'Atlas Switch workspace' }).click();
  await page.getByRole('menuitem', { name: 'All workspaces, 1 invitation' }).click();
  await expect(page.getByRole('button', { name: 'Join Boreas' })).toBeVisible();
});

test('unsaved settings are not lost unasked', async ({ page }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(office.users.replace('users', 'general'));
  await page.getByLabel('Name', { exact: true }).fill('Nexus Labs');
  const asked: string[] = [];
  let leave = false;
  page.on('dialog', (d) => {
    asked.push(d.type());
    return leave ? d.accept() : d.dismiss();
  });
  await page.getByRole('link', { name: 'Groups' }).click();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Nexus Labs');
  await page.evaluate(() => location.reload());
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Nexus Labs');
  expect(asked).toEqual(['confirm', 'beforeunload']);
  leave = true;
  await page.getByRole('link', { name: 'Groups' }).click();
  await expect(page.getByRole('heading', { name: 'Groups' })).toBeVisible();
  await page.getByRole('link', { name: 'General' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Nexus Labs');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The settings are saved.')).toBeVisible();
  await page.getByRole('link', { name: 'Groups' }).click();
  expect(asked).toEqual(['confirm', 'beforeunload', 'confirm']);
});
