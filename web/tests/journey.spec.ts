// The document that the product started from, step by step, by hand.
import { expect, inspect, mailedLink, Office, signedIn, signUp, test, unique, url } from './stack';

test('the first visit leads to an account, a workspace and its users page', async ({ page, complaints }) => {
  complaints.expect(400);
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await inspect(page, 'welcome');
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByLabel('Name').fill('Ada Admin');
  await page.getByLabel('Email').fill(`ada-${unique()}@corp.com`);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { name: 'Name your first workspace' })).toBeVisible();
  await inspect(page, 'first workspace');
  await page.getByLabel('Name of the workspace').fill('Visit www.evil.example');
  await page.getByRole('button', { name: 'Create workspace' }).click();
  await expect(page.getByText('address')).toBeVisible();
  await page.getByLabel('Name of the workspace').fill('Nexus');
  await page.getByRole('button', { name: 'Create workspace' }).click();
  await expect(page.getByRole('heading', { name: 'Users' })).toBeVisible();
  expect(new URL(page.url()).pathname).toMatch(/^\/nexus[^/]*\/workspace-settings\/users$/);
  await expect(page.getByText('It is just you so far')).toBeVisible();
  await inspect(page, 'users, none but the admin');
});

test('an admin invites a person, who gets a mail, signs up and joins', async ({ page, another }) => {
  const office = await Office.make();
  await office.admin.send('PUT', `${office.path}/groups/manager`, { name: 'Manager' });
  const email = `john-${unique()}@corp.com`;
  await signedIn(page, office.admin);

  // 1. The settings icon at the bottom left. 2. Workspace settings > Users.
  await page.goto(`/${office.slug}`);
  const gear = page.getByRole('link', { name: 'Workspace settings' });
  const box = (await gear.boundingBox())!;
  expect(box.x).toBeLessThan(100);
  expect(box.y).toBeGreaterThan(page.viewportSize()!.height - 120);
  await inspect(page, 'home of a workspace');
  await gear.click();
  await expect(page).toHaveURL(`${url}${office.users}`);
  // 3. Add users.
  await page.getByRole('link', { name: 'Add users' }).first().click();
  // 4. Name, address, user role, custom group, metadata.
  await inspect(page, 'add one person');
  await page.getByLabel('Name').fill('John Doe');
  await page.getByLabel('Email address').fill(email);
  await page.getByRole('radio', { name: 'Admin' }).check();
  await page.getByRole('checkbox', { name: 'Manager' }).check();
  await page.getByLabel('User metadata').fill('{"apiKey": "abc123"}');
  // 5. Invite users.
  await page.getByRole('button', { name: 'Invite users' }).click();
  await expect(page.getByText('John Doe is invited')).toBeVisible();
  await inspect(page, 'invited one person');
  await page.getByRole('link', { name: 'Back to the list' }).click();
  const row = page.getByRole('row', { name: /John Doe/ });
  await expect(row).toContainText('Requested');
  await expect(row).toContainText('Manager');

  // The mail has the link; the link leads to the page for signing up.
  const link = await mailedLink(email);
  const john = await another();
  await john.goto(link);
  await expect(john).toHaveURL(`${url}/signup`);
  await expect(john.getByRole('heading', { name: 'Ada Admin invited you to Nexus' })).toBeVisible();
  await expect(john.getByRole('definition').first()).toContainText('Admin');
  await john.getByRole('button', { name: 'Create an account' }).click();
  await expect(john.getByLabel('Email')).toHaveValue(email);
  await expect(john.getByLabel('Name')).toHaveValue('John Doe');
  await john.getByRole('button', { name: 'Create account' }).click();
  await expect(john.getByText(`You are signed in as ${email}`)).toBeVisible();

  // Requested has become invited, since John has an account by now.
  await page.reload();
  await expect(row).toContainText('Invited');
  await john.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(john.getByRole('heading', { name: 'Welcome to Nexus' })).toBeVisible();
  await expect(john).toHaveURL(`${url}/${office.slug}`);
  await expect(john.getByText('You have joined. Your role is Admin.')).toBeVisible();
  await inspect(john, 'joined');
  await page.reload();
  await expect(row).toContainText('Active');
});

test('the list follows what happens, without being loaded again', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite();
  await signedIn(page, office.admin);
  await page.clock.install();
  await page.goto(office.users);
  const row = page.getByRole('row', { name: /John Doe/ });
  await expect(row).toContainText('Requested');
  await office.accept(u);
  await page.clock.runFor(25_000);
  await expect(row).toContainText('Active');
});

test('requested and invited are told apart', async ({ page }) => {
  const office = await Office.make();
  const known = `known-${unique()}@corp.com`;
  await signUp(known, 'Known');
  await office.invite({ name: 'Known Person', email: known });
  await office.invite({ name: 'New Person' });
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await expect(page.getByRole('row', { name: /Known Person/ })).toContainText('Invited');
  await expect(page.getByRole('row', { name: /New Person/ })).toContainText('Requested');
  await page.getByRole('link', { name: /^Requested/ }).click();
  await expect(page.getByRole('row', { name: /Known Person/ })).toHaveCount(0);
  await expect(page.getByRole('row', { name: /New Person/ })).toBeVisible();
  await expect(page).toHaveURL(/\?status=requested$/);
});

test('my workspaces shows where I am and where I am awaited', async ({ page }) => {
  const office = await Office.make('Atlas');
  const other = await Office.make('Boreas');
  const mine = await Office.make('Nexus');
  const { email } = mine.admin;
  await office.invite({ name: 'Ada', email, role: 'admin' });
  const there = await other.invite({ name: 'Ada', email });
  await signedIn(page, mine.admin);
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('link', { name: 'Nexus' })).toBeVisible();
  // A role that manages is taken with the mailed link alone.
  const atlas = page.getByRole('main').getByRole('listitem').filter({ hasText: 'Atlas' });
  await expect(atlas).toContainText('open the link in the invitation email');
  await expect(atlas.getByRole('button', { name: 'Join Atlas' })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Join Boreas' })).toBeVisible();
  await inspect(page, 'my workspaces');
  await page.getByRole('button', { name: 'Ask for a new link to Atlas' }).click();
  await expect(atlas.getByText('Your request is noted')).toBeFocused();
  await inspect(page, 'my workspaces, a link asked for');
  await page.getByRole('button', { name: 'Decline the invitation to Atlas' }).click();
  await expect(atlas).toContainText('Declined');
  await page.getByRole('button', { name: 'Join Boreas' }).click();
  await expect(page.getByRole('heading', { name: 'Welcome to Boreas' })).toBeVisible();
  expect((await other.get(there)).status).toBe('active');
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).or(page.getByRole('link', { name: 'Nexus' })).first().waitFor();
  if (await page.getByRole('button', { name: 'Sign in' }).isVisible()) await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'New workspace' }).click();
  await inspect(page, 'new workspace');
  const leaving = page.waitForRequest((r) => new URL(r.url()).pathname === '/local/logout');
  await page.getByRole('button', { name: 'Sign out' }).click();
  const asked = new URL((await leaving).url()).searchParams;
  expect(asked.getAll('client_id')).toHaveLength(1); // Auth0 refuses two
  expect(asked.get('logout_uri')).toBe(`${url}/`); // Cognito's
  expect(asked.get('post_logout_redirect_uri')).toBe(`${url}/`); // everybody else's
  expect(asked.has('id_token_hint')).toBe(false);
  await expect(page.getByRole('button', { name: 'Create an account' })).toBeVisible();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  // The issuer has forgotten the session, too.
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByLabel('Email')).toBeVisible();
});
