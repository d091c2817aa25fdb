// `make demo`: fills a running stack, through its API alone, with a workspace
// of 200 people in every status, so that a newcomer sees a living page.
import { pathToFileURL } from 'node:url';

const people = 200;

const firstNames = 'Amara Björn Chloé Diego Elif Farid Grace Hana Igor Jana Kenji Léa Mateo Nora Omar Priya Quinn Rosa Sven Tala Uma Viktor Wei Xenia Yusuf Zoe Aiko Bruno Carmen Dario Emeka Freya Gita Hugo Ines Jonas Kofi Lucía Malik Noor'.split(' ');
const lastNames = 'Adeyemi Becker Costa Dubois Eriksen Fischer García Haddad Ivanov Jensen Kowalski Lindqvist Moreau Nakamura Okafor Petrov Quiroga Rossi Silva Tanaka Usman Vogel Wójcik Xu Yilmaz'.split(' ');
const groups = { design: 'Design', engineering: 'Engineering', finance: 'Finance', manager: 'Managers', sales: 'Sales', support: 'Support' };

interface User {
  id: string;
  name: string;
  email: string;
  invitation: { url: string; delivery: string };
}

export interface Demo {
  slug: string;
  admin: { email: string; name: string };
}

type Fate = 'active' | 'invited' | 'requested' | 'declined' | 'expired' | 'archived' | 'archivedInvited';

/** What becomes of the nth person: the same every time. */
function fateOf(n: number): Fate {
  const of100 = (n * 37) % 100;
  if (of100 < 54) return 'active';
  if (of100 < 65) return 'requested';
  if (of100 < 76) return 'invited';
  if (of100 < 83) return 'expired';
  if (of100 < 89) return 'declined';
  return of100 < 97 ? 'archived' : 'archivedInvited';
}

/** Addresses of the SES mailbox simulator, which the stack's mail server knows: they bounce, complain and so on. */
const simulated = ['bounce', 'complaint', 'suppressionlist', 'ooto'];

function personOf(n: number, fate: Fate) {
  const first = firstNames[(n * 7) % firstNames.length]!;
  const last = lastNames[(n * 11 + Math.floor(n / firstNames.length)) % lastNames.length]!;
  const plain = `${first}.${last}`.normalize('NFD').replace(/\p{M}|ł/gu, '').toLowerCase();
  const pending = fate === 'requested' || fate === 'expired';
  const special = pending && n % 3 === 0 ? simulated[(n / 3) % simulated.length] : undefined;
  return {
    name: `${first} ${last}`,
    email: special ? `${special}+${plain}${n}@simulator.amazonses.com` : `${plain}${n}@northwind.example`,
    role: n % 17 === 0 ? 'admin' : n % 3 === 0 ? 'builder' : 'end-user',
    groups: Object.keys(groups).filter((_, i) => (n + i) % (4 + i) === 0),
    metadata: n % 4 === 0 ? { region: ['eu', 'us', 'ap'][n % 3], costCentre: 1000 + (n % 7) } : {},
    sendEmail: n % 9 !== 0,
    expiresInDays: fate === 'expired' ? 1 : 7 + (n % 20),
  };
}

export async function fill(api: string): Promise<Demo> {
  const tokens = new Map<string, string>();

  async function call<T>(method: string, path: string, body?: unknown, as?: { email: string; name: string }): Promise<T> {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    if (as) {
      if (!tokens.has(as.email)) tokens.set(as.email, (await call<{ token: string }>('POST', '/local/token', as)).token);
      headers.authorization = `Bearer ${tokens.get(as.email)}`;
    }
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(api + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
      const text = await answer.text();
      if (answer.ok) return (text ? JSON.parse(text) : undefined) as T;
      if (answer.status === 409 && path === '/local/signup') return undefined as T;
      // Busy; but not a limit that lasts for a minute or a day.
      const mayPass = answer.status === 503 || (answer.status === 429 && !text.includes('_limit_'));
      if (!mayPass || attempt === 8) throw new Error(`${method} ${path.replace(/[\w-]{96}/, '…')}: ${answer.status} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
    }
  }

  const ada = { email: 'ada@northwind.example', name: 'Ada Admin' };
  await call('POST', '/local/signup', ada);
  const workspace = await call<{ id: string; slug: string }>('POST', '/v1/workspaces', { name: 'Northwind Labs' }, ada);
  const at = `/v1/workspaces/${workspace.id}`;
  await call('PATCH', at, { seatLimit: 250, personalMessages: true }, ada);
  for (const [id, name] of Object.entries(groups)) await call('PUT', `${at}/groups/${id}`, { name }, ada);

  const tokenOf = (u: User) => u.invitation.url.split('/').pop();
  const accept = (u: User) => call('POST', `/v1/invitations/${tokenOf(u)}/accept`, undefined, { email: u.email, name: u.name });

  // Three admins share the work, as they would.
  const admins = [ada];
  for (const name of ['Ben Owusu', 'Clara Neumann']) {
    const email = `${name.toLowerCase().replace(' ', '.')}@northwind.example`;
    const u = await call<User>('POST', `${at}/users`, { name, email, role: 'admin', sendEmail: false }, ada);
    await accept(u);
    admins.push({ email, name });
  }

  const invited = new Map<number, User>();
  const invite = async (n: number): Promise<void> => {
    invited.set(n, await call<User>('POST', `${at}/users`, personOf(n, fateOf(n)), admins[n % admins.length]));
  };

  /** Waits until every mail has arrived, or not: nobody is mailed who has come meanwhile. */
  async function mailed(): Promise<void> {
    for (let second = 0; second < 60; second++) {
      const { users } = await call<{ users: User[] }>('GET', `${at}/users?status=requested,invited&limit=100`, undefined, ada);
      if (!users.some((u) => ['queued', 'sent'].includes(u.invitation.delivery))) return;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  /** Lets happen what is to become of one person. */
  async function live(n: number): Promise<void> {
    const u = invited.get(n)!;
    const archive = () => call('POST', `${at}/users/${u.id}/archive`, undefined, ada);
    switch (fateOf(n)) {
      case 'active':
        await accept(u);
        break;
      case 'archived':
        await accept(u);
        await archive();
        break;
      case 'archivedInvited':
        await archive();
        break;
      case 'declined':
        await call('POST', `/v1/invitations/${tokenOf(u)}/decline`);
        break;
      case 'invited':
        await call('POST', '/local/signup', { email: u.email, name: u.name });
        break;
    }
  }

  // A lapsed invitation needs time to pass: the schedule is fired as if it were
  // the day after tomorrow, before the others are invited.
  const all = Array.from({ length: people - admins.length }, (_, n) => n);
  await inParallel(all.filter((n) => fateOf(n) === 'expired'), invite);
  await mailed();
  await call('POST', '/local/run/expire', { now: new Date(Date.now() + 26 * 3_600_000).toISOString() });
  const others = all.filter((n) => fateOf(n) !== 'expired');
  for (let i = 0; i < others.length; i += 90) {
    const some = others.slice(i, i + 90);
    await inParallel(some, invite);
    await mailed();
    await inParallel(some, live);
  }
  return { slug: workspace.slug, admin: ada };
}

async function inParallel(items: number[], work: (n: number) => Promise<void>): Promise<void> {
  const rest = [...items];
  await Promise.all(Array.from({ length: 6 }, async () => {
    for (let n = rest.shift(); n !== undefined; n = rest.shift()) await work(n);
  }));
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const api = `http://127.0.0.1:${process.env.PORT ?? '8080'}`;
  const up = await fetch(`${api}/config.json`).catch(() => null);
  if (!up?.ok) {
    console.error(`No stack answers at ${api}: start it with make run, in another terminal; PORT names another port.`);
    process.exit(1);
  }
  const { slug, admin } = await fill(api);
  console.log(`${people} people are in. Sign in as ${admin.email} at\n\n  ${api}/${slug}/workspace-settings/users\n`);
}
