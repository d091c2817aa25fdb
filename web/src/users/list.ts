// The list of users, page after page, and what changes in it.
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, body, problem, type Counts, type Problem, type User } from '../api';
import { signInAgain } from '../ui';
import { attentionOf } from './delivery';
import { isSearch, type Filter } from './filter';

/** Users by the ids that they had: as they are now, or null for who is gone. */
export type Changes = ReadonlyMap<string, User | null>;

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
  replace: (changes: Changes) => void;
}

function query(f: Filter) {
  return { status: f.status, role: f.role, group: f.group, q: f.q || undefined, sort: f.sort };
}

/** Every so many milliseconds the list is read again by itself, so that statuses can be watched. */
const watchEvery = 20_000;

/** One load shows this many people, unless it has made so many requests. */
const enough = 50;
const requestsALoad = 40;

/** One request. The API finds the more in it the larger it is, so a search asks for the largest. */
async function read(workspace: string, f: Filter, cursor?: string, counts?: true, limit = isSearch(f) ? 100 : enough) {
  const page = await body(api.GET('/v1/workspaces/{workspace}/users', { params: { path: { workspace }, query: { ...query(f), limit, cursor, counts } } }));
  return f.attention ? { ...page, users: page.users.filter((u) => attentionOf(u) !== undefined) } : page;
}

/** Everybody who matches, page after page. */
export async function* everybody(workspace: string, f: Filter, signal: AbortSignal): AsyncGenerator<User[]> {
  let cursor: string | undefined;
  do {
    const page = await read(workspace, f, cursor, undefined, 100);
    if (signal.aborted) return;
    yield page.users;
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
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
  const newest = useRef(0);

  /** Loads until there is a page to show. What is found is shown at once. */
  const load = useCallback(
    async (cursor?: string) => {
      const run = ++newest.current;
      const extended = cursor !== undefined;
      setLoading(true);
      try {
        for (let found = 0, requests = 1; ; requests++) {
          const first = !cursor;
          const page = await read(workspace, filter, cursor, first ? true : undefined);
          if (newest.current !== run) return;
          found += page.users.length;
          setState((s) => ({ key, users: first ? page.users : [...s.users, ...page.users], counts: page.counts ?? s.counts, cursor: page.nextCursor, extended }));
          cursor = page.nextCursor ?? undefined;
          if (!cursor || found >= enough || requests === requestsALoad) break;
        }
      } catch (error) {
        const p = problem(error);
        if (p.code === 'signed_out') void signInAgain();
        if (newest.current === run) setState((s) => ({ ...s, users: s.key === key ? s.users : [], key, problem: p }));
      }
      if (newest.current === run) setLoading(false);
    },
    [key],
  );

  useEffect(() => void load(), [key, round]);

  // In silence, where one request is all it takes.
  const still = useRef(true);
  still.current = !loading && state.key === key && !state.extended && !state.problem && !isSearch(filter);
  useEffect(() => {
    const look = () => {
      if (document.visibilityState !== 'visible' || !navigator.onLine || !still.current) return;
      const run = newest.current;
      read(workspace, filter, undefined, true)
        .then((page) => {
          if (newest.current === run && still.current) setState({ key, users: page.users, counts: page.counts, cursor: page.nextCursor });
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
    (changes: Changes) => {
      setState((s) => ({
        ...s,
        users: s.users.flatMap((u) => {
          const now = changes.get(u.id);
          return now === null ? [] : [now ?? u];
        }),
      }));
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

/** The list as the API's CSV, page after page; each has the header row. */
export async function* pagesOfCSV(workspace: string, f: Filter, signal: AbortSignal): AsyncGenerator<string> {
  let cursor: string | undefined;
  do {
    const { data, response } = await api.GET('/v1/workspaces/{workspace}/users', {
      params: { path: { workspace }, query: { ...query(f), format: 'csv', limit: 100, cursor } },
      parseAs: 'text',
    });
    if (signal.aborted) return;
    yield String(data);
    const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    cursor = next ? (new URL(next, location.origin).searchParams.get('cursor') ?? undefined) : undefined;
  } while (cursor);
}

/** Hands the person a file. */
export function download(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/csv;charset=utf-8' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
