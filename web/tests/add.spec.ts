// Workspace settings > Users > Add users.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, inspect, Office, signedIn, test, unique } from './stack';

test('300 people by CSV, 7 rows of them bad', async ({ page }) => {
  test.slow();
  const office = await Office.make();
  await office.admin.send('PUT', `${office.path}/groups/manager`, { name: 'Manager' });
  const known = await office.invite({ name: 'Known', email: `known-${unique()}@corp.com`, sendEmail: false });
  const bad: Record<number, string> = {
    3: ',nameless@corp.com,builder,,,false',
    40: 'No Address,not-an-address,builder,,,false',
    41: `Twice,twice-${office.id}@corp.com,builder,,,false`,
    120: `Twice,TWICE-${office.id}@corp.com,builder,,,false`,
    150: 'No Role,norole@corp.com,boss,,,false',
    200: 'No Group,nogroup@corp.com,builder,nowhere,,false',
    201: 'Bad Metadata,badmeta@corp.com,builder,,"{""a"":",false',
    299: `Known,${known.email},builder,,,false`,
  };
  const rows = Array.from({ length: 300 }, (_, i) => bad[i + 1] ?? `Person ${i + 1},p${i + 1}-${office.id}@corp.com,builder,manager,"{""n"":${i + 1}}",false`);
  const csv = `\ufeffname,email,role,groups,metadata,sendEmail\r\n${rows.join('\r\n')}\r\n`;
  await signedIn(page, office.admin);
  await page.goto(`${office.users}/add`);
  await page.getByRole('tab', { name: 'CSV file' }).click();
  await inspect(page, 'CSV');
  const template = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download the template' }).click();
  expect(readFileSync(await (await template).path(), 'utf8')).toMatch(/^name,email,role,groups,metadata,message,locale,sendEmail,confirm,expiresInDays\r\n/);

  // Dropped, as from a folder.
  const file = test.info().outputPath('team.csv');
  writeFileSync(file, csv);
  const zone = (await page.locator('.drop').boundingBox())!;
  const devtools = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, x: zone.x + 20, y: zone.y + 20, data: { items: [], files: [file], dragOperationsMask: 1 } });
  }

  // Every row's problem, before anything is sent.
  await expect(page.getByText('293 people are ready to be invited.')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText('7 rows have problems')).toBeVisible();
  const line = (n: number) => page.getByRole('row', { name: new RegExp(`^${n} `) });
  await expect(line(4)).toContainText('Name: ');
  await expect(line(41)).toContainText('Email address: ');
  await expect(line(121)).toContainText('The same address stands in an earlier row');
  await expect(line(151)).toContainText('Role: ');
  await expect(line(201)).toContainText('Groups: ');
  await expect(line(202)).toContainText('Metadata: ');
  await expect(line(300)).toContainText('Is in this workspace already');
  expect(await office.admin.send<{ counts: object }>('GET', `${office.path}/users?counts=true`)).toMatchObject({ counts: { requested: 1 } });

  await page.getByRole('button', { name: 'Invite 293 users' }).click();
  await expect(page.getByRole('progressbar')).toBeVisible();
  await expect(page.getByText('293 people are invited.')).toBeVisible({ timeout: 60_000 });
  const failed = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download failed rows' }).click();
  const left = readFileSync(await (await failed).path(), 'utf8').trim().split('\r\n');
  expect(left).toHaveLength(8);
  expect(left[0]).toBe('name,email,role,groups,metadata,sendEmail,problem');
  expect(await office.admin.send<{ counts: object }>('GET', `${office.path}/users?counts=true`)).toMatchObject({ counts: { requested: 294 } });

  // What was mended in that file goes through the same page.
  await page.getByRole('button', { name: 'Add more' }).click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a file' }).click();
  await (await chooser).setFiles({ name: 'mended.csv', mimeType: 'text/csv', buffer: Buffer.from(left.join('\r\n').replace('not-an-address', `mended-${office.id}@corp.com`)) });
  await expect(page.getByText('1 person is ready to be invited.')).toBeVisible();
});

test('pasted addresses, mended on the spot', async ({ page }) => {
  const office = await Office.make();
  await office.admin.send('PUT', `${office.path}/groups/manager`, { name: 'Manager' });
  await signedIn(page, office.admin);
  await page.goto(`${office.users}/add`);
  await page.getByRole('tab', { name: 'Paste addresses' }).click();
  await inspect(page, 'paste');
  await page.getByRole('button', { name: 'Check addresses' }).click();
  await expect(page.getByText('There is nobody in it.')).toBeVisible();
  const id = unique();
  await page.getByLabel('Email addresses').fill(`"Doe, Jane" <jane-${id}@corp.com>, joe.bloggs@${id}.example\nbroken@`);
  await page.getByRole('radio', { name: 'Builder' }).check();
  await page.getByRole('checkbox', { name: 'Manager' }).check();
  await page.getByRole('button', { name: 'Check addresses' }).click();
  await expect(page.getByText('2 people are ready to be invited.')).toBeVisible();
  await inspect(page, 'preview');
  await page.getByLabel('Email address, line 2').fill(`mended-${id}@corp.com`);
  await page.getByRole('button', { name: 'Check again' }).click();
  await page.getByRole('button', { name: 'Invite 3 users' }).click();
  await expect(page.getByText('3 people are invited.')).toBeVisible();
  await inspect(page, 'result');
  await page.goto(office.users);
  await expect(page.getByRole('row', { name: /Doe, Jane/ })).toContainText('Builder');
  await expect(page.getByRole('row', { name: /Joe Bloggs/ })).toContainText('Manager');
});

test('a file with a wrong column, from Excel, or with ragged rows', async ({ page, complaints }) => {
  complaints.expect(400);
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(`${office.users}/add`);
  await page.getByRole('tab', { name: 'CSV file' }).click();
  const choose = async (buffer: Buffer) => {
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Choose a file' }).click();
    await (await chooser).setFiles({ name: 'x.csv', mimeType: 'text/csv', buffer });
  };
  await choose(Buffer.from('name,email,role,colour\nJo,jo@corp.com,builder,red\n'));
  await expect(page.getByText(/colour/)).toBeVisible();
  // Semicolons and Windows-1252, a quoted line break, and a row with a cell too few.
  await choose(Buffer.from('name;email;role\r\nZo\xeb Ast\xe9rix;zoe@corp.com;builder\r\n"Two\r\nLines";two@corp.com;builder\r\nShort;short@corp.com\r\n', 'latin1'));
  await expect(page.getByLabel('Name, line 2')).toHaveValue('Zoë Astérix');
  await expect(page.getByRole('row', { name: /^5 / })).toContainText('more or fewer cells');
});

test('one person: what is wrong, who is there already, and no mail', async ({ page, complaints }) => {
  complaints.expect(400, 409);
  const office = await Office.make();
  const there = await office.invite();
  await signedIn(page, office.admin);
  await page.goto(`${office.users}/add`);
  await page.getByRole('button', { name: 'Invite users' }).click();
  await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel('Email address')).toHaveAttribute('aria-invalid', 'true');
  await inspect(page, 'one person, empty');
  await page.getByLabel('Name').fill('Jane Doe');
  await expect(page.getByLabel('Name')).not.toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Email address').fill(there.email.toUpperCase());
  await page.getByRole('button', { name: 'Invite users' }).click();
  await expect(page.getByText('is in this workspace already')).toContainText('Requested');
  await inspect(page, 'one person, there already');
  await page.getByLabel('Email address').fill(`jane-${unique()}@corp.com`);
  await page.getByText('More options').click();
  await page.getByLabel('Send the invitation by email').uncheck();
  await page.getByLabel('Days until the invitation ends').fill('99');
  await page.getByRole('button', { name: 'Invite users' }).click();
  await expect(page.getByLabel('Days until the invitation ends')).toHaveAttribute('aria-invalid', 'true');
  await inspect(page, 'one person, options');
  await page.getByLabel('Days until the invitation ends').fill('3');
  await page.getByRole('button', { name: 'Invite users' }).click();
  await expect(page.getByText('No mail is sent')).toBeVisible();
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/\/invite\/[\w-]{96}$/);
});

test('rows whose answer was lost are sent again and invite nobody twice', async ({ page, complaints }) => {
  complaints.expect(NaN);
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(`${office.users}/add`);
  await page.getByRole('tab', { name: 'Paste addresses' }).click();
  const id = unique();
  await page.getByLabel('Email addresses').fill(`one-${id}@corp.com\ntwo-${id}@corp.com`);
  await page.getByRole('button', { name: 'Check addresses' }).click();
  let lost = 0;
  await page.route('**/rows?firstRow=1', async (route) => {
    const answer = await route.fetch();
    if (lost++ === 0) await route.abort('connectionreset');
    else await route.fulfill({ response: answer });
  });
  await page.getByRole('button', { name: 'Invite 2 users' }).click();
  await expect(page.getByText('2 people are invited.')).toBeVisible();
  expect(lost).toBe(2);
});

test('columns by other names, roles by their labels, and a workbook', async ({ page }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(`${office.users}/add`);
  await page.getByRole('tab', { name: 'CSV file' }).click();
  const choose = async (name: string, buffer: Buffer) => {
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Choose a file' }).click();
    await (await chooser).setFiles({ name, mimeType: 'text/csv', buffer });
  };
  await choose('people.csv', Buffer.from('PK\x03\x04 and so on', 'latin1'));
  await expect(page.getByText('Save it as CSV')).toBeVisible();

  const id = unique();
  await choose('people.csv', Buffer.from(`First Name,LAST NAME,Email Address [Required],User Role,Shoe Size\nJane,Doe,jane-${id}@corp.com,End user,38\nJoe,Bloggs,joe-${id}@corp.com,BUILDER,44\n`));
  await expect(page.getByLabel('Email Address [Required]')).toHaveValue('email');
  await expect(page.getByLabel('Shoe Size')).toHaveValue('');
  await inspect(page, 'columns');
  await page.getByLabel('User Role').selectOption('');
  await page.getByLabel('Role of everybody').selectOption('builder');
  await page.getByLabel('User Role').selectOption('role');
  await page.getByRole('button', { name: 'Check rows' }).click();
  await expect(page.getByText('2 people are ready to be invited.')).toBeVisible();
  await expect(page.getByLabel('Name, line 2')).toHaveValue('Jane Doe');
  await expect(page.getByLabel('Role, line 2')).toHaveValue('end-user');
  await expect(page.getByLabel('Role, line 3')).toHaveValue('builder');
});

test('a problem of many rows is mended once, and a missing group is made', async ({ page }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(`${office.users}/add`);
  await page.getByRole('tab', { name: 'CSV file' }).click();
  const id = unique();
  const rows = ['boss,Sales Team', 'boss,Sales Team|ghosts', 'builder,'].map((rest, i) => `Person ${i},p${i}-${id}@corp.com,${rest}`);
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a file' }).click();
  await (await chooser).setFiles({ name: 'x.csv', mimeType: 'text/csv', buffer: Buffer.from(`name,email,role,groups\n${rows.join('\n')}\n`) });
  await expect(page.getByText('1 person is ready to be invited.')).toBeVisible();
  await inspect(page, 'repairs');
  await page.getByRole('button', { name: 'Create the group “Sales Team”' }).click();
  await expect(page.getByRole('button', { name: 'Check again' })).toBeVisible();
  await page.getByRole('button', { name: 'Check again' }).click();
  await page.getByLabel('2 rows have the unknown role “boss”.').selectOption('builder');
  await page.getByRole('button', { name: 'Check again' }).click();
  await page.getByRole('button', { name: 'Leave out “ghosts”' }).click();
  await page.getByRole('button', { name: 'Check again' }).click();
  await expect(page.getByText('3 people are ready to be invited.')).toBeVisible();
  await page.getByRole('button', { name: 'Invite 3 users' }).click();
  await expect(page.getByText('3 people are invited.')).toBeVisible({ timeout: 30_000 });
  await page.goto(office.users);
  await expect(page.getByRole('row', { name: /Person 1/ })).toContainText('Sales Team');
});

test('an import goes on without its window, and is read from another', async ({ page }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(`${office.users}/add`);
  await page.getByRole('tab', { name: 'Paste addresses' }).click();
  const id = unique();
  const addresses = Array.from({ length: 60 }, (_, i) => `person${i}-${id}@corp.com`);
  await page.getByLabel('Email addresses').fill(addresses.join('\n'));
  await page.getByRole('button', { name: 'Check addresses' }).click();
  const started = page.waitForResponse(/\/start$/);
  await page.getByRole('button', { name: 'Invite 60 users' }).click();
  await started;
  const other = await page.context().newPage();
  await page.close();
  await signedIn(other, office.admin);
  await other.goto(`${office.users}/add`);
  await other.getByRole('tab', { name: 'Paste addresses' }).click();
  await inspect(other, 'imports');
  await other.getByRole('link', { name: /^Import of / }).click();
  await expect(other.getByText('Done. 60 people are invited.')).toBeVisible({ timeout: 30_000 });
  await inspect(other, 'report of an import');
  expect(await office.admin.send<{ counts: object }>('GET', `${office.path}/users?counts=true`)).toMatchObject({ counts: { requested: 60 } });
});
