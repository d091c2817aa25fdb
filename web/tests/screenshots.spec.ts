// The README's three pictures, of a stack filled by `make demo`. Kept in docs
// by `make screenshots`; at every other run they only have to come about.
import { join, resolve } from 'node:path';
import { fill, type Demo } from '../demo';
import { expect, Office, signedIn, test, url } from './stack';

const folder = () => (process.env.SCREENSHOTS ? resolve(import.meta.dirname, '../../docs/screenshots') : test.info().outputDir);

test.describe.configure({ mode: 'serial' });
test.use({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });

let demo: Demo;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  demo = await fill(url);
});

test('users', async ({ page }) => {
  await signedIn(page, demo.admin);
  await page.goto(`/${demo.slug}/workspace-settings/users`);
  await expect(page.getByText('200 people', { exact: false }).first()).toBeVisible();
  for (const status of ['Active', 'Invited', 'Requested', 'Expired', 'Declined', 'Archived']) {
    await expect(page.getByRole('link', { name: new RegExp(`^${status}`) })).not.toContainText(/\D0$/);
  }
  // The history follows the writes a little later.
  await expect(async () => {
    await page.reload();
    await expect(page.locator('.funnel dl > div').first()).toContainText('199', { timeout: 3000 });
  }).toPass();
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(folder(), 'users.png'), animations: 'disabled' });
});

test('add users', async ({ page }) => {
  await signedIn(page, demo.admin);
  await page.goto(`/${demo.slug}/workspace-settings/users/add`);
  await page.getByRole('tab', { name: 'CSV file' }).click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a file' }).click();
  const csv = [
    'name,email,role,groups,metadata',
    'Ingrid Solberg,ingrid.solberg@northwind.example,builder,engineering,"{""region"":""eu""}"',
    'Tomás Herrera,tomas.herrera@northwind,builder,engineering|design,',
    'Mei Ling,mei.ling@northwind.example,end-user,sales,"{""region"":""ap""}"',
    'Paul Martin,paul.martin@northwind.example,manager,,',
    'Aisha Bello,aisha.bello@northwind.example,end-user,support,',
    'Ada Admin,ada@northwind.example,admin,,',
    'Ruth Klein,ruth.klein@northwind.example,builder,finance,"{""region"":""us""}"',
  ].join('\n');
  await (await chooser).setFiles({ name: 'team.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await expect(page.getByText('4 people are ready to be invited.')).toBeVisible();
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(folder(), 'add-users.png'), animations: 'disabled' });
});

test('invitation', async ({ page }) => {
  const office = await Office.make('Northwind Labs');
  const u = await office.invite({ name: 'Grace Kim', email: 'grace.kim@northwind.example', sendEmail: false });
  await page.goto(u.invitation.url);
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Northwind Labs' })).toBeVisible();
  await page.screenshot({ path: join(folder(), 'invitation.png'), animations: 'disabled' });
});
