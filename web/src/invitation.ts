// The invitations that links have led this browser to. A link's token opens a
// door, so it is taken out of the address at once: it is in no history entry, no
// referrer and no request but those of the API that are about the invitation.
// Yet nothing loses it before it is answered: a tab knows its invitation through
// refresh, Back and the way to the issuer, and other tabs know every pending one.
// The token alone admits nobody: joining takes the invited person's account.
import { useSyncExternalStore } from 'react';
import type { Invitation } from './api';

/** A pending invitation; more would be a person's address in the browser. */
export interface Kept {
  token: string;
  workspace: string;
  expiresAt: string;
}

const tabKey = 'latchkey-invitation'; // in sessionStorage: the token that this tab is about
const listKey = 'latchkey-invitations'; // in localStorage: the pending ones, the newest first
const mostKept = 10;

let current = sessionStorage.getItem(tabKey) ?? '';
let kept = read();
const listeners = new Set<() => void>();
if (localStorage.getItem(listKey)) write(kept); // without those that have ended

function read(): Kept[] {
  try {
    const list = JSON.parse(localStorage.getItem(listKey) ?? '[]') as Kept[];
    return list.filter((k) => k.token && k.workspace && Date.parse(k.expiresAt) > Date.now());
  } catch {
    return []; // written by something else
  }
}

function write(list: Kept[]): void {
  kept = list;
  if (list.length > 0) localStorage.setItem(listKey, JSON.stringify(list));
  else localStorage.removeItem(listKey);
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}

/** Takes the token out of the address's fragment. */
export function takeInvitation(): void {
  const found = new URLSearchParams(location.hash.slice(1)).get('invitation');
  if (found === null) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  openInvitation(found);
}

/** Makes an invitation the one that this tab is about. */
export function openInvitation(token: string): void {
  current = token;
  sessionStorage.setItem(tabKey, token);
  tell();
}

/** Keeps a pending invitation for other tabs and for later, and no other. */
export function keepInvitation(token: string, { status, workspace, expiresAt }: Invitation): void {
  if (status !== 'pending' || !expiresAt) return dropInvitation(token);
  const others = read().filter((k) => k.token !== token);
  write([{ token, workspace: workspace.id, expiresAt }, ...others].slice(0, mostKept));
}

/** Keeps an invitation no longer; this tab may still be about it. */
export function dropInvitation(token: string): void {
  write(read().filter((k) => k.token !== token));
}

/** Forgets an invitation that was accepted or dismissed. */
export function forgetInvitation(token: string): void {
  if (current === token) {
    current = '';
    sessionStorage.removeItem(tabKey);
  }
  dropInvitation(token);
}

// A link that is pasted where the dashboard is open changes the fragment alone.
window.addEventListener('hashchange', takeInvitation);
window.addEventListener('storage', (e) => {
  if (e.key !== listKey && e.key !== null) return;
  kept = read();
  tell();
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The token of the invitation that this tab is about, or else the newest that is kept; "" for none. */
export function useInvitation(): string {
  return useSyncExternalStore(subscribe, () => current || kept[0]?.token || '');
}

/** The invitations that are kept, the newest first. */
export function useKept(): Kept[] {
  return useSyncExternalStore(subscribe, () => kept);
}
