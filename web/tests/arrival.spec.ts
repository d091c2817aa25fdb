// An invitation that cannot get lost, on the way from the link to the workspace.
import type { Page } from '@playwright/test';
import { expect, inspect, mailedLink, Office, signedIn, signUp, test, tokenOf, unique } from './stack';

const invited = (page: Page) => page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' });

test('an invitation survives refresh, Back, a new tab and the way through sign-up', async ({ page, context }) => {
  const office = await Office.make();
  const u = await office.invite();
  await page.goto(await mailedLink(u.email));
  await expect(invited(page)).toBeVisible();
  await page.reload();
  await expect(invited(page)).toBeVisible();
  await page.getByRole('button', { name: 'Create an account' }).click();
  await expect(page.getByLabel('Email')).toHaveValue(u.email);
  await page.goBack();
  await expect(invited(page)).toBeVisible();
  const tab = await context.newPage();
  await tab.goto('/login');
  await expect(invited(tab)).toBeVisible();
  await tab.close();
  // Away, and back by hand.
  await page.goto('/');
  await inspect(page, 'welcome, with an invitation');
  await page.getByRole('button', { name: 'View invitation to Nexus' }).click();
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('button', { name: 'Join Nexus' })).toBeVisible();
  await page.reload();
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('heading', { name: 'Welcome to Nexus' })).toBeVisible();
  await expect(page).toHaveURL(`/${office.slug}`);
  await page.goto('/');
  await expect(page.getByRole('link', { name: 'Nexus' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Invitations' })).toHaveCount(0);
});

test('in a new tab of a signed-in browser, joining takes one click', async ({ page, context }) => {
  const office = await Office.make();
  const u = await office.invite();
  await signedIn(page, u);
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('button', { name: 'Join Nexus' })).toBeVisible();
  await inspect(page, 'my workspaces, with an invitation alone');
  const tab = await context.newPage();
  await tab.goto(u.invitation.url);
  await tab.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(tab.getByRole('heading', { name: 'Welcome to Nexus' })).toBeVisible();
  // A session that one tab takes over is not stretched by two.
  const refresh = await tab.evaluate(() => Object.values({ ...sessionStorage }).some((v) => v.includes('refresh_token')));
  expect(refresh).toBe(false);
});

test('signing out in one tab signs out the others', async ({ page, context }) => {
  const office = await Office.make();
  await signedIn(page, office.admin);
  await page.goto(office.users);
  await expect(page.getByRole('rowheader', { name: /Ada Admin/ })).toBeVisible();
  const tab = await context.newPage();
  await tab.goto('/');
  await tab.getByRole('button', { name: 'Sign out' }).click();
  await expect(tab.getByRole('button', { name: 'Create an account' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Create an account' })).toBeVisible();
});

test('several invitations wait in one browser, for whom they may', async ({ page, context }) => {
  const nexus = await Office.make();
  const atlas = await Office.make('Atlas');
  const mine = await nexus.invite();
  const other = await atlas.invite({ email: `jane-${unique()}@corp.com` });
  await signUp(mine.email, mine.name);
  await page.goto(other.invitation.url);
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Atlas' })).toBeVisible();
  await page.goto(mine.invitation.url);
  await expect(invited(page)).toBeVisible();
  await page.getByRole('link', { name: '1 more invitation in this browser' }).click();
  await expect(page.getByRole('button', { name: 'View invitation to Atlas' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'View invitation to Nexus' })).toBeVisible();
  await signedIn(page, mine);
  await page.getByRole('button', { name: 'Sign in' }).click();
  // One's own is answered there, somebody else's shows its address masked.
  await expect(page.getByRole('button', { name: 'Join Nexus' })).toBeVisible();
  await expect(page.getByText('j***@corp.com')).toBeVisible();
  await expect(page.getByText(other.email)).toHaveCount(0);
  await inspect(page, 'my workspaces, with invitations to two addresses');
  await page.getByRole('button', { name: 'View invitation to Atlas' }).click();
  await expect(page.getByText('This invitation is for j***@corp.com')).toBeVisible();
  await page.getByRole('link', { name: 'My workspaces' }).click();
  await page.getByRole('button', { name: 'Dismiss the invitation to Atlas' }).click();
  await expect(page.getByText('Atlas')).toHaveCount(0);
  const left = JSON.stringify(await context.storageState());
  expect(left).not.toContain(tokenOf(other));
  expect(left).toContain(tokenOf(mine));
  expect((await atlas.get(other)).status).toBe('requested');
});

test('an invitation is kept until it ends', async ({ page, context }) => {
  const office = await Office.make();
  const u = await office.invite();
  await page.goto(u.invitation.url);
  await expect(invited(page)).toBeVisible();
  const tab = await context.newPage();
  await tab.clock.setFixedTime(Date.now() + 8 * 86_400_000);
  await tab.goto('/login');
  await expect(tab.getByRole('heading', { name: 'No invitation is open' })).toBeVisible();
  expect(JSON.stringify(await context.storageState())).not.toContain(tokenOf(u));
});

test('a role that manages is taken from my workspaces where the link is known', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite({ role: 'admin' });
  await signUp(u.email, u.name);
  await page.goto(u.invitation.url);
  await expect(invited(page)).toBeVisible();
  await signedIn(page, u);
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('heading', { name: 'Welcome to Nexus' })).toBeVisible();
  expect((await office.get(u)).status).toBe('active');
});

test('what is refused is said beside the button, in the dashboard’s words, with the way on', async ({ page, complaints }) => {
  complaints.expect(401, 409);
  const office = await Office.make();
  const u = await office.invite();
  await signedIn(page, u);
  await page.goto(u.invitation.url);
  await page.getByRole('button', { name: 'Sign in' }).or(page.getByRole('button', { name: 'Create an account' })).first().click();
  const raw = 'Raise {"seatLimit": 5}';
  await page.route('**/accept', (route) =>
    route.fulfill({ status: 409, contentType: 'application/problem+json', json: { type: 'about:blank', title: 'Conflict', status: 409, detail: raw, code: 'of_tomorrow', requestId: 'x' } }),
  );
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('alert')).toBeFocused();
  await expect(page.getByRole('alert')).toContainText('That did not work.');
  await expect(page.getByText(raw)).toHaveCount(0);
  await inspect(page, 'refused');
  await page.unroute('**/accept');
  await page.route('**/accept', (route) => route.fulfill({ status: 401, contentType: 'application/json', json: { message: 'Unauthorized' } }));
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByText('You are signed out.')).toBeVisible();
  await page.unroute('**/accept');
  await page.getByRole('button', { name: 'Sign in again' }).click();
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('heading', { name: 'Welcome to Nexus' })).toBeVisible();
});
