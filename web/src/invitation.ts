// The token of an invitation link. It opens a door, so it is taken out of the
// address at once and kept in memory: it is in no history entry, no referrer,
// no request but those of the API that are about the invitation.
import { useSyncExternalStore } from 'react';

let token = '';
const listeners = new Set<() => void>();

/** Takes the token from the address's fragment, or the one given. */
export function takeInvitation(given?: string): void {
  const found = given ?? new URLSearchParams(location.hash.slice(1)).get('invitation');
  if (found === null) return;
  token = found;
  if (given === undefined) history.replaceState(history.state, '', location.pathname + location.search);
  for (const tell of listeners) tell();
}

// A link that is pasted where the dashboard is open changes the fragment alone.
window.addEventListener('hashchange', () => takeInvitation());

/** The token of the invitation that the person came with; "" for none. */
export function useInvitation(): string {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => token,
  );
}
