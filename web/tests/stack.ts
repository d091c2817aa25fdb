// What the tests share: people and workspaces made through the API, and pages
// that fail their test when the browser complains.
import axe from 'axe-core';
import { expect, test as base, type Browser, type BrowserContext, type Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export { expect };
export const url = `http://127.0.0.1:${process.env.LATCHKEY_PORT}`;
export const inboxURL = `http://127.0.0.1:${Number(process.env.LATCHKEY_PORT) + 1}`;

let counter = 0;
export const unique = () => `${Date.now().toString(36)}${process.pid.toString(36)}${(counter++).toString(36)}`;

interface APIUser {
  id: string;
  name: string;
  email: string;
  status: string;
  version: number;
  metadata: unknown;
  invitation: { url: string; delivery: string; askedAt?: string | null };
}

/** Calls the API as a person. */
export class Client {
  readonly email: string;
  readonly name: string;
  private token = '';

  constructor(email: string, name: string) {
    this.email = email;
    this.name = name;
  }

  async send<T>(method: string, path: string, data?: unknown, status?: number): Promise<T> {
    this.token ||= ((await (await fetch(`${url}/local/token`, post({ email: this.email, name: this.name }))).json()) as { token: string }).token;
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (data !== undefined) headers['content-type'] = 'application/json';
    const answer = await fetch(url + path, { method, headers, body: data === undefined ? undefined : JSON.stringify(data) });
    const text = await answer.text();
    if (status ? answer.status !== status : !answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }
}

function post(data: unknown) {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(data) };
}

/** Makes the person's account, if it is not there yet. */
export async function signUp(email: string, name: string, at = url): Promise<void> {
  const answer = await fetch(`${at}/local/signup`, post({ email, name }));
  if (!answer.ok && answer.status !== 409) throw new Error(`sign-up: ${answer.status}`);
}

/** A workspace with its admin, made through the API. */
export class Office {
  readonly admin: Client;
  id = '';
  slug = '';

  private constructor(admin: Client) {
    this.admin = admin;
  }

  static async make(name = 'Nexus'): Promise<Office> {
    const office = new Office(new Client(`ada-${unique()}@corp.com`, 'Ada Admin'));
    await signUp(office.admin.email, office.admin.name);
    const made = await office.admin.send<{ id: string; slug: string }>('POST', '/v1/workspaces', { name });
    office.id = made.id;
    office.slug = made.slug;
    return office;
  }

  get path() {
    return `/v1/workspaces/${this.id}`;
  }

  get users() {
    return `/${this.slug}/workspace-settings/users`;
  }

  invite(fields: Record<string, unknown> = {}): Promise<APIUser> {
    return this.admin.send('POST', `${this.path}/users`, { name: 'John Doe', email: `john-${unique()}@corp.com`, role: 'builder', ...fields });
  }

  async accept(u: APIUser): Promise<APIUser> {
    return new Client(u.email, u.name).send('POST', `/v1/invitations/${tokenOf(u)}/accept`);
  }

  get(u: { id: string }): Promise<APIUser> {
    return this.admin.send('GET', `${this.path}/users/${u.id}`);
  }
}

export const tokenOf = (u: APIUser) => u.invitation.url.split('/').pop()!;

/** Fires the schedule as if it were later. */
export async function passDays(days: number): Promise<void> {
  await fetch(`${url}/local/run/expire`, post({ now: new Date(Date.now() + days * 86_400_000).toISOString() }));
}

/** The link of the newest mail to an address. */
export async function mailedLink(email: string): Promise<string> {
  let link = '';
  await expect(async () => {
    const store = (await (await fetch(`${inboxURL}/store`)).json()) as { emails: { destination: { to: string[] }; body: { text: string } }[] };
    const mails = store.emails.filter((m) => m.destination.to.includes(email));
    link = /https?:\/\/\S+\/invite\/[\w-]+/.exec(mails.at(-1)?.body.text ?? '')?.[0] ?? '';
    expect(link).not.toBe('');
  }).toPass();
  return link;
}

export const log = () => readFileSync(join(process.env.LATCHKEY_DATA!, 'latchkey.log'), 'utf8');

/** What a page complained about. */
class Complaints {
  readonly found: string[] = [];
  private readonly expected = new Set<number>();

  /** Says that the API will answer so; the browser logs it as an error. */
  expect(...statuses: number[]): void {
    for (const s of statuses) this.expected.add(s);
  }

  async watch(context: BrowserContext): Promise<void> {
    await context.exposeBinding('reportViolation', (_, words: string) => this.found.push(`CSP: ${words}`));
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (e) => {
        (window as unknown as { reportViolation: (s: string) => void }).reportViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`);
      });
    });
    context.on('console', (m) => {
      if (m.type() !== 'error' && m.type() !== 'warning') return;
      const status = Number(/status of (\d+)/.exec(m.text())?.[1]);
      if (!this.expected.has(status)) this.found.push(`console: ${m.text()} ${m.location().url}`);
    });
    context.on('weberror', (e) => this.found.push(`error: ${e.error().stack}`));
  }
}

interface Fixtures {
  complaints: Complaints;
  /** Another browser, watched as well. */
  another: () => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  complaints: [
    async ({ context }, use) => {
      const complaints = new Complaints();
      await complaints.watch(context);
      await use(complaints);
      expect(complaints.found, 'what the browser complained about').toEqual([]);
    },
    { auto: true },
  ],
  another: async ({ browser, complaints }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await (browser as Browser).newContext({ baseURL: url, locale: 'en-GB' });
      await complaints.watch(context);
      contexts.push(context);
      return context.newPage();
    });
    for (const c of contexts) await c.close();
  },
});

/** Signs the browser in at the issuer, so that the dashboard passes through it unseen. */
export async function signedIn(page: Page, who: { email: string; name: string }): Promise<void> {
  await signUp(who.email, who.name);
  const answer = await page.context().request.post(`${url}/local/login`, { data: { email: who.email } });
  expect(answer.ok()).toBe(true);
}

/** The rules of axe-core that other sizes and colors may break; the others see only what the page is made of. */
const ofLooks = ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'target-size'];

async function brokenRules(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  return page.evaluate(async (only) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const rules = Object.fromEntries((only ?? ['target-size']).map((id) => [id, { enabled: true }]));
    const { violations } = await axe.run(document, { resultTypes: ['violations'], rules, runOnly: only });
    return violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} (${n.failureSummary})`).join('; ')}`);
  }, rules);
}

/**
 * Looks at a state of a page as everybody meets it: wide and light, narrow and
 * dark. No rule of axe-core is broken, and nothing sticks out to the side.
 */
export async function inspect(page: Page, name: string): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 }).or(page.getByRole('dialog')).first()).toBeVisible();
  await expect(page.locator('.loading, .skeleton')).toHaveCount(0);
  const size = page.viewportSize()!;
  for (const [width, height, colorScheme] of [[1280, 860, 'light'], [320, 640, 'dark']] as const) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const found = await brokenRules(page, width < 1280 ? ofLooks : undefined);
    expect.soft(found, `${name} at ${width} px, ${colorScheme}: axe`).toEqual([]);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect.soft(over, `${name} at ${width} px: what sticks out`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: 'light' });
}
