import { api, body, type Membership } from './api';

/** Every workspace where the caller's address has a user, all pages. */
export async function myWorkspaces(): Promise<Membership[]> {
  const all: Membership[] = [];
  let cursor: string | undefined;
  do {
    const page = await body(api.GET('/v1/me/workspaces', { params: { query: { cursor } } }));
    all.push(...page.workspaces);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return all;
}

export function isPending({ status }: Membership): boolean {
  return status === 'requested' || status === 'invited';
}
