// The workspace that the address names, and how the person stands in it.
import { createContext, use } from 'react';
import { api, body, type Group, type Membership, type Role, type User, type Workspace } from './api';
import { myWorkspaces } from './memberships';

export interface Place {
  workspace: Workspace;
  me: User;
  groups: Group[];
  /** All workspaces of the person, this one too. */
  memberships: Membership[];
  /** Reads the workspace and its groups again. */
  reload: () => void;
}

/** How a workspace's own page was come to. */
export interface Landing {
  joined?: boolean;
}

/** Says whether a role manages people and settings. */
export function manages({ role }: { role: Role }): boolean {
  return role === 'admin';
}

/** Says whether the person sees the list of users. */
export function seesUsers({ workspace, me }: Pick<Place, 'workspace' | 'me'>): boolean {
  return manages(me) || workspace.directory === 'members';
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
  const memberships = await myWorkspaces();
  const member = memberships.find((w) => w.slug === slug && w.status === 'active');
  if (!member) return null;
  const path = { workspace: member.id };
  const [workspace, me, groups] = await Promise.all([
    body(api.GET('/v1/workspaces/{workspace}', { params: { path } })),
    body(api.GET('/v1/workspaces/{workspace}/users/{user}', { params: { path: { ...path, user: 'me' } } })),
    body(api.GET('/v1/workspaces/{workspace}/groups', { params: { path } })),
  ]);
  return { workspace, me, groups: groups.groups, memberships };
}
