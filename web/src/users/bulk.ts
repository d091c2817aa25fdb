// One change for many people: who they are, and what becomes of each.
import { api, body, problem, type FieldError, type Problem, type Role, type User } from '../api';
import { isPending } from './delivery';
import type { Filter, Selected } from './filter';
import { everybody, pagesOfCSV, type Changes } from './list';

export type Verb = 'resend' | 'restore' | 'archive' | 'erase' | 'role' | 'groups' | 'links' | 'export';

export const canArchive = (u: User) => u.status !== 'archived';
export const canRestore = (u: User) => u.status === 'archived';
export const canResend = (u: User) => isPending(u) || u.status === 'expired' || u.status === 'declined';
export const canErase = (u: User) => u.status === 'archived' || u.status === 'expired' || u.status === 'declined';

const anybody = () => true;
const allowed: Record<Verb, (u: User) => boolean> = {
  resend: canResend, restore: canRestore, archive: canArchive, erase: canErase, role: anybody, groups: anybody, links: isPending, export: anybody,
};

export function fitting(verb: Verb, people: User[]): User[] {
  return people.filter(allowed[verb]);
}

/** How many requests are on their way at once. */
const width = 4;

/** Those who are selected, as they are now; whom the list has not loaded is read. */
export async function gather(
  workspace: string, filter: Filter, selected: Selected, known: User[], signal: AbortSignal, progress: (found: number) => void,
): Promise<User[]> {
  const found: User[] = [];
  if (selected === 'all') {
    for await (const page of everybody(workspace, filter, signal)) {
      found.push(...page);
      progress(found.length);
    }
    return found;
  }
  found.push(...known.filter((u) => selected.has(u.id)));
  const here = new Set(found.map((u) => u.id));
  await each([...selected].filter((id) => !here.has(id)), signal, async (user) => {
    try {
      found.push(await patiently(() => body(api.GET('/v1/workspaces/{workspace}/users/{user}', { params: { path: { workspace, user } } }))));
      progress(found.length);
    } catch (error) {
      if (problem(error).status !== 404) throw error; // gone since
    }
  });
  return found;
}

/** What a change of roles or groups needs. */
export interface Terms {
  role: Role;
  groups: string[];
  /** Out of the groups, not into them. */
  leave: boolean;
}

export interface Outcome {
  changes: Changes;
  failed: { user: User; errors: FieldError[] }[];
  /** How many it was not tried for, since it was stopped. */
  rest: number;
  /** What stopped it. */
  problem?: Problem;
  /** The file that was asked for. */
  file?: string;
}

/** Carries out one change for these people. Of those whom it fails for, the others hear nothing. */
export async function carryOut(
  workspace: string, verb: Verb, people: User[], terms: Terms, filter: Filter, signal: AbortSignal, progress: (done: number) => void,
): Promise<Outcome> {
  const changes = new Map<string, User | null>();
  const failed: Outcome['failed'] = [];
  const links: string[][] = [];
  let done = 0;
  const step = (n: number) => progress((done += n));

  async function one(u: User): Promise<void> {
    const path = { workspace, user: u.id };
    const change = (fields: { role: Role } | { groups: string[] }) =>
      body(
        api.PATCH('/v1/workspaces/{workspace}/users/{user}', {
          params: { path, header: { 'If-Match': `"${u.version}"` } },
          headers: { 'Content-Type': 'application/merge-patch+json' },
          body: fields,
        }),
      );
    switch (verb) {
      case 'erase':
        await api.DELETE('/v1/workspaces/{workspace}/users/{user}', { params: { path } });
        changes.set(u.id, null);
        break;
      case 'role':
        if (u.role !== terms.role) changes.set(u.id, await change({ role: terms.role }));
        break;
      case 'groups': {
        const groups = terms.leave ? u.groups.filter((g) => !terms.groups.includes(g)) : [...new Set([...u.groups, ...terms.groups])];
        if (groups.length !== u.groups.length) changes.set(u.id, await change({ groups }));
        break;
      }
      case 'links': {
        const { invitation } = await body(api.GET('/v1/workspaces/{workspace}/users/{user}/link', { params: { path } }));
        links.push([u.name, u.email, invitation.url]);
        break;
      }
    }
  }

  async function batch(verb: 'resend' | 'restore' | 'archive', some: User[]): Promise<void> {
    const users = some.map((u) => u.id);
    const { results } = await patiently(() => body(api.POST(`/v1/workspaces/{workspace}/users/batch/${verb}`, { params: { path: { workspace } }, body: { users } })));
    results.forEach((r, i) => {
      if ('user' in r) changes.set(r.user.id, r.user);
      else failed.push({ user: some[i]!, errors: r.errors });
    });
    step(some.length);
  }

  const outcome = (more: Partial<Outcome>): Outcome => ({ changes, failed, rest: people.length - done, ...more });
  try {
    switch (verb) {
      case 'export':
        return outcome({ file: await exported(workspace, filter, people, signal, progress), rest: 0 });
      case 'resend':
      case 'restore':
      case 'archive':
        for (let i = 0; i < people.length && !signal.aborted; i += 100) await batch(verb, people.slice(i, i + 100));
        break;
      default:
        await each(people, signal, async (u) => {
          try {
            await patiently(() => one(u));
          } catch (error) {
            const p = problem(error);
            if (p.status === 0 || p.status === 401 || p.status === 403 || p.status >= 500) throw p;
            failed.push({ user: u, errors: p.errors.length > 0 ? p.errors : [{ pointer: '', code: p.code, detail: p.message }] });
          }
          step(1);
        });
    }
  } catch (error) {
    return outcome({ problem: problem(error) });
  }
  return outcome(verb === 'links' ? { file: await written([['name', 'email', 'link'], ...links], true) } : {});
}

/** Works on several at once, until all are done, one fails or it is stopped. */
async function each<T>(items: T[], signal: AbortSignal, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  let broken = false;
  const worker = async () => {
    for (let item = left.shift(); item !== undefined && !signal.aborted && !broken; item = left.shift()) {
      await work(item).catch((error: unknown) => {
        broken = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** Repeats a call that the service had no time for, as it was not carried out. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const p = problem(error);
      if (p.code !== 'throttled' || attempt === 5) throw p;
      await new Promise((resolve) => setTimeout(resolve, 1000 * (p.retryAfter ?? attempt)));
    }
  }
}

/** The rows of the API's CSV that are about these people. */
async function exported(workspace: string, filter: Filter, people: User[], signal: AbortSignal, progress: (done: number) => void): Promise<string> {
  const { default: Papa } = await import('papaparse');
  const wanted = new Set(people.map((u) => u.id));
  const rows: string[][] = [];
  for await (const page of pagesOfCSV(workspace, filter, signal)) {
    const [header = [], ...cells] = Papa.parse<string[]>(page, { skipEmptyLines: true }).data;
    if (rows.length === 0) rows.push(header);
    const id = header.indexOf('id');
    rows.push(...cells.filter((row) => wanted.has(row[id] ?? '')));
    progress(rows.length - 1);
    if (rows.length > wanted.size) break;
  }
  return written(rows);
}

async function written(rows: string[][], escapeFormulae = false): Promise<string> {
  const { default: Papa } = await import('papaparse');
  return Papa.unparse(rows, { escapeFormulae });
}
