import { plural } from './plural';

const some = plural('en');

const en = {
  common: {
    loading: 'Loading…',
    tryAgain: 'Try again',
    optional: '(optional)',
    cancel: 'Cancel',
    save: 'Save',
    close: 'Close',
    requestId: (id: string) => `Request ${id}`,
    skip: 'Skip to the content',
    offline: 'You are offline. What you see may be old, and nothing can be changed until the connection is back.',
    notFound: 'There is nothing at this address',
    notFoundHint: 'The address may be mistyped, or you are not a member of this workspace.',
    toWorkspaces: 'My workspaces',
    signIn: 'Sign in',
    signUp: 'Create an account',
    signOut: 'Sign out',
    language: 'Language',
    account: 'Your account',
  },
  status: {
    requested: 'Requested',
    invited: 'Invited',
    active: 'Active',
    archived: 'Archived',
    expired: 'Expired',
    declined: 'Declined',
  },
  role: { admin: 'Admin', builder: 'Builder', 'end-user': 'End user' },
  home: {
    title: 'My workspaces',
    welcome: 'Invite people, and see where everybody stands',
    welcomeHint: 'Latchkey brings people into your workspaces by invitation: with a role, groups and a link that works once.',
    first: 'Name your first workspace',
    firstHint: 'A workspace is where your people come together. You become its first admin.',
    create: 'New workspace',
    name: 'Name of the workspace',
    address: 'Address',
    addressHint: (origin: string, slug: string) => `Its pages will be at ${origin}/${slug}`,
    submit: 'Create workspace',
    open: (name: string) => `Open ${name}`,
    joined: (date: string) => `Joined ${date}`,
    pendingHint: (when: string) => `To join, open the link in the invitation email. It ends ${when}.`,
    unverified: 'Your email address is not verified. Verify it with your identity provider, then sign in again.',
  },
  workspace: {
    home: 'Home',
    settings: 'Workspace settings',
    sections: 'Sections of the settings',
    users: 'Users',
    groups: 'Groups',
    history: 'History',
    general: 'General',
    hello: (name: string) => `Hello, ${name}`,
    yourRole: (role: string) => `You are here as: ${role}.`,
    place: 'This is where your own product begins. Everything about people is in the settings.',
    people: 'People and invitations',
    adminsOnly: 'Only admins of this workspace can see this page.',
  },
  callback: {
    title: 'Signing in did not work',
    hint: 'The way back from the sign-in page was interrupted or took too long. Nothing is lost: sign in again.',
  },
  problems: {
    unreachable: 'The service cannot be reached. Check your connection and try again.',
    signed_out: 'You are signed out. Sign in again.',
    throttled: 'Too many requests at once. Try again in a moment.',
    unavailable: 'The service is busy. Try again in a moment.',
    internal: 'Something went wrong on our side.',
  } as Record<string, string> & { internal: string },
  fieldProblems: {} as Record<string, string>,
};

export type Messages = typeof en;
export default en;
void some;
