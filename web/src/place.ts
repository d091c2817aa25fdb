// The workspace that the address names, and how the person stands in it.
import { createContext, use } from 'react';
import { api, body, type Group, type User, type Workspace } from './api';
import { myWorkspaces } from './memberships';

export interface Place {
  workspace: Workspace;
  me: User;
  groups: Group[];
  /** Reads the workspace and its groups again. */
  reload: () => void;
}

export const PlaceContext = createContext<Place | null>(null);

/** The workspace that the address names. */
export function usePlace(): Place {
  const place = use(PlaceContext);
  if (!place) throw new Error('usePlace outside a workspace');
  return place;
}

/** null where the person is no active member. */
export async function findPlace(slug: string): Promise<Omit<Place, 'reload'> | null> {
  const member = (await myWorkspaces()).find((w) => w.slug === slug && w.status === 'active');
  if (!member) return null;
  const path = { workspace: member.id };
  const [workspace, me, groups] = await Promise.all([
    body(api.GET('/v1/workspaces/{workspace}', { params: { path } })),
    body(api.GET('/v1/workspaces/{workspace}/users/{user}', { params: { path: { ...path, user: 'me' } } })),
    body(api.GET('/v1/workspaces/{workspace}/groups', { params: { path } })),
  ]);
  return { workspace, me, groups: groups.groups };
}
