// The invited person's page: every way in which an invitation can be met.
import type { Page } from '@playwright/test';
import { Client, expect, inspect, log, mailedLink, Office, passDays, signedIn, signUp, test, tokenOf, unique, url } from './stack';

test('the wrong account burns nothing, and can be changed', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite({ email: `john-${unique()}@corp.com` });
  await signUp(u.email, u.name);
  await signedIn(page, { email: `mallory-${unique()}@corp.com`, name: 'Mallory' });
  await page.goto(u.invitation.url);
  await page.getByRole('button', { name: 'Sign in' }).or(page.getByRole('button', { name: 'Create an account' })).first().waitFor();
  // Signed in at the issuer as somebody else, before the dashboard knows it.
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'first workspace' })).toBeVisible();
  await page.goto(u.invitation.url);
  await expect(page.getByText('This invitation is for j***@corp.com')).toBeVisible();
  await expect(page.getByText(u.email)).toHaveCount(0);
  await expect(page.getByRole('button', { name: /^Join/ })).toHaveCount(0);
  await inspect(page, 'wrong account');
  expect((await office.get(u)).status).toBe('invited');

  await page.getByRole('button', { name: 'Switch account' }).click();
  // Neither does the issuer learn the whole address, nor who looks on.
  await expect(page.getByLabel('Email')).toHaveValue('');
  expect(page.url()).not.toContain(encodeURIComponent(u.email));
  await page.getByLabel('Email').fill(u.email);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('heading', { name: 'Welcome to Nexus' })).toBeVisible();
  expect((await office.get(u)).status).toBe('active');
});

test('an account can be changed where the issuer ignores prompt, as classic Cognito does', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite();
  await signUp(u.email, u.name);
  await signedIn(page, { email: `mallory-${unique()}@corp.com`, name: 'Mallory' });
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'first workspace' })).toBeVisible();
  await page.route('**/oauth2/authorize?*', (route) => {
    const asked = new URL(route.request().url());
    asked.searchParams.delete('prompt');
    return route.continue({ url: asked.href });
  });
  await page.goto(u.invitation.url);
  await page.getByRole('button', { name: 'Switch account' }).click();
  await page.getByLabel('Email').fill(u.email);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('heading', { name: 'Welcome to Nexus' })).toBeVisible();
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain(tokenOf(u));
  expect((await office.get(u)).status).toBe('active');
});

test('what the API says of the account counts, whatever the page thinks', async ({ page, complaints }) => {
  complaints.expect(403);
  const office = await Office.make();
  const u = await office.invite();
  await signedIn(page, { email: u.email, name: u.name });
  await page.goto(u.invitation.url);
  await page.getByRole('button', { name: 'Sign in' }).or(page.getByRole('button', { name: 'Create an account' })).first().click();
  await expect(page.getByRole('button', { name: 'Join Nexus' })).toBeVisible();
  const refusal = { type: 'about:blank', title: 'Forbidden', status: 403, detail: 'x', code: 'recipient_mismatch', requestId: 'x' };
  await page.route('**/accept', (route) => route.fulfill({ status: 403, contentType: 'application/problem+json', json: refusal }));
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('button', { name: 'Switch account' })).toBeVisible();
});

test('an expired invitation asks the inviter for a new link; the one sent again works, the old link is dead', async ({ page, another, complaints }) => {
  complaints.expect(404);
  const office = await Office.make();
  // Without a mail, since a person is mailed once a minute at most.
  const u = await office.invite({ expiresInDays: 1, sendEmail: false });
  await passDays(2);
  await page.goto(u.invitation.url);
  await expect(page.getByRole('heading', { name: 'This invitation has expired' })).toBeVisible();
  await expect(page.getByText('Ask Ada Admin for a new one')).toBeVisible();
  await expect(page.getByRole('button', { name: /Join|Create|Sign in/ })).toHaveCount(0);
  await inspect(page, 'expired');
  await page.reload(); // nor is this lost
  await page.getByRole('button', { name: 'Ask for a new link' }).click();
  await expect(page.getByText('Your request is noted')).toBeFocused();
  await inspect(page, 'asked for a new link');
  expect((await office.get(u)).invitation.askedAt).toBeTruthy();

  // The admin sends it again from the list.
  const desk = await another();
  await signedIn(desk, office.admin);
  await desk.goto(`${office.users}?status=expired`);
  await desk.getByRole('button', { name: 'Actions for John Doe' }).click();
  await desk.getByRole('menuitem', { name: 'Send again' }).click();
  const link = await mailedLink(u.email);
  expect(link).not.toBe(u.invitation.url);
  await page.goto(u.invitation.url);
  await expect(page.getByRole('heading', { name: 'This link does not work' })).toBeVisible();
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' })).toBeVisible();
});

test('a used invitation says so, to the person and to others', async ({ page, another }) => {
  const office = await Office.make();
  const u = await office.invite();
  await office.accept(u);
  await page.goto(u.invitation.url);
  await expect(page.getByRole('heading', { name: 'This invitation was accepted' })).toBeVisible();
  await inspect(page, 'used');
  const john = await another();
  await signedIn(john, u);
  await john.goto(u.invitation.url);
  await john.getByRole('button', { name: 'Sign in' }).click();
  await expect(john.getByText('Hello, John Doe')).toBeVisible();
  await john.goto(u.invitation.url);
  await john.getByRole('link', { name: 'Open Nexus' }).click();
  await expect(john.getByText('Hello, John Doe')).toBeVisible();
});

test('a forged link and a cut one look alike', async ({ page, complaints }) => {
  complaints.expect(404);
  const office = await Office.make();
  const u = await office.invite();
  const token = tokenOf(u);
  for (const bad of [token.slice(0, -4) + 'AAAA', token.slice(0, 40)]) {
    await page.goto(`/login#invitation=${bad}`);
    await expect(page.getByRole('heading', { name: 'This link does not work' })).toBeVisible();
  }
  await inspect(page, 'forged');
});

test('declining asks first, and an admin may invite again', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite();
  await page.goto(u.invitation.url);
  await page.getByRole('button', { name: 'Decline' }).click();
  await inspect(page, 'declining');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' })).toBeVisible();
  await page.getByRole('button', { name: 'Decline' }).click();
  await page.getByRole('button', { name: 'Decline' }).click();
  await expect(page.getByRole('heading', { name: 'Invitation declined' })).toBeVisible();
  await inspect(page, 'declined');
  expect((await office.get(u)).status).toBe('declined');
  await page.getByRole('button', { name: 'Ask for a new link' }).click();
  await expect(page.getByText('Your request is noted')).toBeVisible();
});

test('the mail scanner that was there before has changed nothing', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite();
  for (const method of ['GET', 'HEAD']) await fetch(u.invitation.url, { method, redirect: 'follow' });
  await page.goto(u.invitation.url); // and one that runs the page
  await page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' }).waitFor();
  expect((await office.get(u)).status).toBe('requested');
});

test('by keyboard alone, from the link to the workspace', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite();
  await signUp(u.email, u.name);
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(u.invitation.url);
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' })).toBeFocused();
  await inspect(page, 'invitation');
  await tabTo(page, 'Sign in');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Email')).toHaveValue(u.email);
  await page.getByLabel('Email').press('Enter');
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' })).toBeFocused();
  await inspect(page, 'invitation, signed in');
  await tabTo(page, 'Join Nexus');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Welcome to Nexus' })).toBeFocused();
  await expect(page).toHaveURL(`/${office.slug}`);
});

async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    if ((await focused.textContent())?.trim() === name) return;
  }
  throw new Error(`no Tab leads to ${name}`);
}

test('of two browsers that race to accept, both end in the workspace and one has joined', async ({ page, another, complaints }) => {
  complaints.expect(409);
  const office = await Office.make();
  const u = await office.invite();
  const pages = [page, await another()];
  for (const p of pages) {
    await signedIn(p, u);
    await p.goto(u.invitation.url);
    await p.getByRole('button', { name: 'Sign in' }).or(p.getByRole('button', { name: 'Create an account' })).first().click();
    await expect(p.getByRole('button', { name: 'Join Nexus' })).toBeVisible();
  }
  const answers: number[] = [];
  for (const p of pages) p.on('response', (r) => r.url().endsWith('/accept') && answers.push(r.status()));
  await Promise.all(pages.map((p) => p.getByRole('button', { name: 'Join Nexus' }).click()));
  const headings = await Promise.all(
    pages.map((p) => p.getByRole('heading', { name: /Welcome to Nexus|This invitation was accepted/ }).textContent()),
  );
  expect(answers.sort()).toEqual([200, 409]);
  expect(headings.sort()).toEqual(['This invitation was accepted', 'Welcome to Nexus']);
  await Promise.race(pages.map((p) => p.getByRole('link', { name: 'Open Nexus' }).click()));
  for (const p of pages) await expect(p).toHaveURL(`/${office.slug}`);
});

test('when the inviter is no admin any more, the person is told whom to ask', async ({ page, complaints }) => {
  complaints.expect(409);
  const office = await Office.make();
  const second = await office.invite({ name: 'Second Admin', role: 'admin' });
  await office.accept(second);
  const other = new Client(second.email, second.name);
  const u = await other.send<typeof second>('POST', `${office.path}/users`, { name: 'John Doe', email: `john-${unique()}@corp.com`, role: 'builder' });
  await office.admin.send('POST', `${office.path}/users/${second.id}/archive`);
  await signedIn(page, u);
  await page.goto(u.invitation.url);
  await page.getByRole('button', { name: 'Sign in' }).or(page.getByRole('button', { name: 'Create an account' })).first().click();
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('heading', { name: 'needs to be sent again' })).toBeVisible();
  await inspect(page, 'inviter gone');
});

test('the token goes to the API about this invitation, and nowhere else', async ({ page }) => {
  const office = await Office.make();
  const u = await office.invite();
  const token = tokenOf(u);
  const seen: string[] = [];
  page.on('request', (r) => {
    expect(new URL(r.url()).origin, 'no third party').toBe(url);
    // The issuer's own pages, which know no token, name themselves to the issuer.
    expect(new URL(r.headers().referer || `${url}/oauth2/`).pathname, 'no referrer').toMatch(/^\/(oauth2|local)\//);
    if (`${r.url()} ${r.postData() ?? ''} ${JSON.stringify(r.headers())}`.includes(token)) seen.push(`${r.method()} ${new URL(r.url()).pathname.replace(token, '…')}`);
  });
  const link = await mailedLink(u.email);
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' })).toBeVisible();
  const kept = () => page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
  const shown = () => page.evaluate(() => JSON.stringify([document.cookie, history.state, location.href, document.documentElement.outerHTML]));
  expect(await kept()).toContain(token);
  expect(await kept()).not.toContain(u.email);
  expect(await shown()).not.toContain(token);
  await page.getByRole('button', { name: 'Create an account' }).click();
  expect(page.url()).not.toContain(token);
  await expect(page.getByLabel('Name')).toHaveValue('John Doe');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('button', { name: 'Join Nexus' }).click();
  await expect(page.getByRole('heading', { name: 'Welcome to Nexus' })).toBeVisible();
  expect(await kept()).not.toContain(token);
  expect(await shown()).not.toContain(token);
  expect([...new Set(seen)].sort()).toEqual(['GET /invite/…', 'GET /v1/invitations/…', 'POST /v1/invitations/…/accept']);
  expect(log()).not.toContain(token);
  await page.goBack();
  expect(page.url()).not.toContain(token);
  // It has done its work, and is kept no longer.
  await page.goto('/login');
  await expect(page.getByRole('heading', { name: 'No invitation is open' })).toBeVisible();
  await inspect(page, 'no link');
});

test('a way back from the issuer that was interrupted can be gone again', async ({ page }) => {
  await page.goto('/callback?code=nope&state=nope');
  await expect(page.getByRole('heading', { name: 'Signing in did not work' })).toBeVisible();
  expect(page.url()).not.toContain('nope');
  await inspect(page, 'interrupted');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByLabel('Email')).toBeVisible();
});

test('while the service cannot be reached, the page says so and tries again', async ({ page, complaints }) => {
  complaints.expect(503);
  const office = await Office.make();
  const u = await office.invite();
  const busy = { type: 'about:blank', title: 'x', status: 503, detail: 'x', code: 'unavailable', requestId: 'x' };
  await page.route('**/v1/invitations/*', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', json: busy }));
  await page.goto(u.invitation.url);
  await expect(page.getByText('The service is busy')).toBeVisible();
  await inspect(page, 'busy');
  await page.unroute('**/v1/invitations/*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' })).toBeVisible();
});

test('while the gateway throttles, the page says so and asks again by itself', async ({ page, complaints }) => {
  complaints.expect(429);
  const office = await Office.make();
  const u = await office.invite();
  let refused = 0;
  await page.route('**/v1/invitations/*', (route) => {
    // As API Gateway words it: no problem, no Retry-After.
    if (refused++ < 2) return route.fulfill({ status: 429, contentType: 'application/json', json: { message: 'Too Many Requests' } });
    return route.continue();
  });
  await page.goto(u.invitation.url);
  await expect(page.getByText('Too many requests at once')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Ada Admin invited you to Nexus' })).toBeVisible();
  expect(refused).toBe(3);
});
