import { useEffect, useState } from 'react';
import { api, body, type User } from '../api';

const known = new Map<string, string | null>();

/** The names of the people with these ids; null for who is not there any more. */
export function useNames(workspace: string, users: User[]): (id: string) => string | null | undefined {
  const [, setRound] = useState(0);
  const byID = new Map(users.map((u) => [u.id, u.name]));
  const missing = [...new Set(users.map((u) => u.invitation?.invitedBy ?? ''))].filter((id) => id.startsWith('usr_') && !byID.has(id) && !known.has(id));
  useEffect(() => {
    for (const id of missing) {
      known.set(id, null);
      body(api.GET('/v1/workspaces/{workspace}/users/{user}', { params: { path: { workspace, user: id } } }))
        .then((u) => {
          known.set(id, u.name);
          setRound((n) => n + 1);
        })
        .catch(() => undefined); // erased, or not to be read: nobody to name
    }
  }, [missing.join()]);
  return (id) => byID.get(id) ?? known.get(id);
}
