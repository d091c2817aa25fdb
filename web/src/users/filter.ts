// Which people are shown and which of them are selected, as the address says.
import { useCallback, useEffect, useState } from 'react';
import { useSearch } from 'wouter';
import type { Role, Status } from '../api';
import { attentionStatuses } from './delivery';

export const statuses: Status[] = ['active', 'invited', 'requested', 'expired', 'declined', 'archived'];

export interface Filter {
  status: Status[];
  role?: Role;
  group?: string;
  q: string;
  sort: 'newest' | 'oldest';
  /** Only those whose invitation needs attention: the page looks for them among the open and expired ones. */
  attention: boolean;
}

/** Whether few of those who are read may be shown: no index has who needs attention, or a part of a name. */
export const isSearch = (f: Filter) => f.attention || f.q !== '';

/** Whether there is more to the filter than a status, by which the API counts. */
export const isNarrow = (f: Filter) => isSearch(f) || f.role !== undefined || f.group !== undefined;

/** Everybody who matches, or those with these ids. */
export type Selected = 'all' | ReadonlySet<string>;

type Change = Record<string, string>;

/**
 * Status, role, group and order are in the query. What is searched for may be a
 * person's address, and who is selected is nobody else's business: both are in
 * the fragment, which reaches no server and no log.
 */
export function useAddress() {
  const params = new URLSearchParams(useSearch());
  const fragment = new URLSearchParams(useFragment());
  const status = params.get('status');
  const attention = status === 'attention';
  const filter: Filter = {
    status: attention ? [...attentionStatuses] : statuses.filter((s) => s === status),
    role: (params.get('role') as Role) || undefined,
    group: params.get('group') || undefined,
    sort: params.get('sort') === 'oldest' ? 'oldest' : 'newest',
    q: fragment.get('q') ?? '',
    attention,
  };
  const named = fragment.get('selected');
  const selected: Selected = named === 'all' ? 'all' : new Set(named ? named.split(',') : []);

  const write = useCallback((query: Change, hash: Change) => {
    const params = changed(location.search, query);
    const fragment = changed(location.hash.slice(1), hash);
    history.replaceState(history.state, '', location.pathname + (params && `?${params}`) + (fragment && `#${fragment}`));
  }, []);
  /** Another filter is another list: whoever was selected may not be in it. */
  const set = useCallback((name: string, value: string) => write({ [name]: value }, { selected: '' }), [write]);
  const search = useCallback((q: string) => write({}, { q, selected: '' }), [write]);
  const select = useCallback((s: Selected) => write({}, { selected: s === 'all' ? s : [...s].join(',') }), [write]);
  const clear = useCallback(() => write({ status: '', role: '', group: '', sort: '' }, { q: '', selected: '' }), [write]);
  return { filter, selected, set, search, select, clear };
}

function changed(params: string, change: Change): string {
  const now = new URLSearchParams(params);
  for (const [name, value] of Object.entries(change)) {
    if (value) now.set(name, value);
    else now.delete(name);
  }
  return now.toString().replaceAll('%2C', ',');
}

/** The address's fragment. wouter makes events of the writes to the history. */
function useFragment(): string {
  const [fragment, setFragment] = useState(location.hash.slice(1));
  useEffect(() => {
    const look = () => setFragment(location.hash.slice(1));
    const events = ['replaceState', 'pushState', 'popstate', 'hashchange'];
    for (const e of events) addEventListener(e, look);
    return () => {
      for (const e of events) removeEventListener(e, look);
    };
  }, []);
  return fragment;
}
