// The list of users, page after page, and what changes in it.
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, body, problem, type Counts, type Problem, type Role, type Status, type User } from '../api';
import { signInAgain } from '../ui';

export interface Filter {
  status: Status[];
  role?: Role;
  group?: string;
  q: string;
  sort: 'newest' | 'oldest';
}

export interface UserList {
  users: User[];
  counts?: Counts;
  /** Whether there are more pages. */
  more: boolean;
  loading: boolean;
  problem?: Problem;
  loadMore: () => void;
  reload: () => void;
  /** Puts changed users into their places and reads the counts again. */
  replace: (changed: User[], gone?: string[]) => void;
}

function query(f: Filter) {
  return { status: f.status, role: f.role, group: f.group, q: f.q || undefined, sort: f.sort };
}

/** Every so many milliseconds the list is read again by itself, so that statuses can be watched. */
const watchEvery = 20_000;

/** The pages from a cursor on, until one has somebody: a filtered page may be empty and not the last. */
async function read(workspace: string, f: Filter, cursor?: string) {
  for (;;) {
    const page = await body(
      api.GET('/v1/workspaces/{workspace}/users', { params: { path: { workspace }, query: { ...query(f), cursor, counts: cursor ? undefined : true } } }),
    );
    if (page.users.length > 0 || !page.nextCursor) return page;
    cursor = page.nextCursor;
  }
}

interface State {
  key?: string;
  users: User[];
  counts?: Counts;
  cursor?: string | null;
  problem?: Problem;
  /** Whether there are more pages than the first. */
  extended?: boolean;
}

export function useUsers(workspace: string, filter: Filter): UserList {
  const key = JSON.stringify([workspace, filter]);
  const [state, setState] = useState<State>({ users: [] });
  const [loading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const wanted = useRef(key);
  wanted.current = key;

  const load = useCallback(
    async (cursor?: string) => {
      setLoading(true);
      try {
        const page = await read(workspace, filter, cursor);
        if (wanted.current !== key) return;
        setState((s) => ({
          key,
          users: cursor ? [...s.users, ...page.users] : page.users,
          counts: page.counts ?? s.counts,
          cursor: page.nextCursor,
          extended: cursor !== undefined,
        }));
      } catch (error) {
        const p = problem(error);
        if (p.code === 'signed_out') void signInAgain();
        if (wanted.current === key) setState((s) => ({ ...s, key, problem: p }));
      }
      if (wanted.current === key) setLoading(false);
    },
    [key],
  );

  useEffect(() => void load(), [key, round]);

  // In silence, and no longer once there are more pages than the first.
  const still = useRef(true);
  still.current = !loading && state.key === key && !state.extended && !state.problem;
  useEffect(() => {
    const look = () => {
      if (document.visibilityState !== 'visible' || !navigator.onLine || !still.current) return;
      read(workspace, filter)
        .then((page) => {
          if (wanted.current === key && still.current) setState({ key, users: page.users, counts: page.counts, cursor: page.nextCursor });
        })
        .catch(() => undefined); // what is shown stays; the next load says what is wrong
    };
    const timer = setInterval(look, watchEvery);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [key]);

  const replace = useCallback(
    (changed: User[], gone: string[] = []) => {
      const byID = new Map(changed.map((u) => [u.id, u]));
      setState((s) => ({ ...s, users: s.users.filter((u) => !gone.includes(u.id)).map((u) => byID.get(u.id) ?? u) }));
      api
        .GET('/v1/workspaces/{workspace}/users', { params: { path: { workspace }, query: { counts: true, limit: 1 } } })
        .then(({ data }) => setState((s) => ({ ...s, counts: data?.counts ?? s.counts })))
        .catch(() => undefined); // the list itself is right; the counts follow at the next load
    },
    [workspace],
  );

  const current = state.key === key;
  return {
    users: current ? state.users : [],
    counts: state.counts,
    more: current && Boolean(state.cursor),
    loading: loading || (!current && !state.problem),
    problem: current ? state.problem : undefined,
    loadMore: () => void load(state.cursor ?? undefined),
    reload: () => setRound((n) => n + 1),
    replace,
  };
}

/** The whole list as the API's CSV, all pages in one file. */
export async function exportCSV(workspace: string, f: Filter): Promise<string> {
  let file = '';
  let cursor: string | undefined;
  do {
    const { data, response } = await api.GET('/v1/workspaces/{workspace}/users', {
      params: { path: { workspace }, query: { ...query(f), format: 'csv', limit: 100, cursor } },
      parseAs: 'text',
    });
    const page = String(data);
    // Every page has the header row.
    file += file ? page.slice(page.indexOf('\n') + 1) : page;
    const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    cursor = next ? (new URL(next, location.origin).searchParams.get('cursor') ?? undefined) : undefined;
  } while (cursor);
  return file;
}

/** Hands the person a file. */
export function download(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/csv;charset=utf-8' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
