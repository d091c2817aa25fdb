// Who is signed in: OpenID Connect, authorization code flow with PKCE. Tokens
// are in sessionStorage, which ends with the tab and which no other origin and
// no server sees. A new tab takes the session over from one that is open.
import { User, UserManager, WebStorageStateStore } from 'oidc-client-ts';
import type { Config } from './config';

export interface Person {
  email: string;
  name: string;
  verified: boolean;
}

/** Where to go on after signing in: a path of this dashboard. */
interface Journey {
  to: string;
}

/** What is kept while the browser is at the issuer: a journey, and who must not come back. */
interface Departure extends Journey {
  /** The subject who asked for another account. */
  leaving?: string;
}

export interface SignIn extends Journey {
  /** The address to sign in with, if it is known and may be shown. */
  email?: string;
  /** The name to sign up with, for issuers that take one over. */
  name?: string;
}

let config: Config;
let manager: UserManager;
let user: User | null = null;

function settings() {
  const store = new WebStorageStateStore({ store: sessionStorage });
  return {
    authority: config.issuer,
    client_id: config.clientId,
    redirect_uri: `${location.origin}/callback`,
    post_logout_redirect_uri: `${location.origin}/`,
    scope: 'openid email profile',
    userStore: store,
    stateStore: store,
  };
}

export async function startSession(c: Config): Promise<void> {
  config = c;
  manager = new UserManager(settings());
  manager.events.addUserLoaded((u) => {
    user = u;
    offer();
  });
  user = await manager.getUser();
  if (user) offer();
  else await takeOver();
  await manager.clearStaleState();
}

// Between the tabs of this browser. Who holds the lock is signed in, so that a
// new tab waits for an answer only where there will be one.
const tabs = new BroadcastChannel('latchkey-session');
const offered = 'latchkey-session';
type Message = { is: 'wanted' } | { is: 'offered'; user: string } | { is: 'over' };

let offering = false;

/** Lets new tabs take this tab's session over, until the tab is closed or left. */
function offer(): void {
  if (offering) return;
  offering = true;
  void navigator.locks?.request(offered, { mode: 'shared' }, () => new Promise(() => {}));
}

tabs.addEventListener('message', ({ data }: MessageEvent<Message>) => {
  if (data.is === 'over' && user) void dropSession().then(() => location.assign('/'));
  if (data.is !== 'wanted' || !user || user.expired) return;
  // Issuers take a refresh token that two use for a stolen one.
  tabs.postMessage({ is: 'offered', user: JSON.stringify({ ...user, refresh_token: undefined }) } satisfies Message);
});

async function takeOver(): Promise<void> {
  const locks = await navigator.locks?.query();
  if (!locks?.held?.some((l) => l.name === offered)) return;
  const answer = await new Promise<string | undefined>((resolve) => {
    tabs.addEventListener('message', ({ data }: MessageEvent<Message>) => data.is === 'offered' && resolve(data.user));
    tabs.postMessage({ is: 'wanted' } satisfies Message);
    setTimeout(resolve, 1000);
  });
  if (!answer) return;
  user = User.fromStorageString(answer);
  await manager.storeUser(user);
  offer();
}

export function person(): Person | null {
  if (!user) return null;
  const { email, name, email_verified } = user.profile;
  // Cognito may say so in a string.
  const verified = email_verified === true || String(email_verified) === 'true';
  return { email: email ?? '', name: name ?? email ?? '', verified };
}

/** The bearer for the API: the ID token, since access tokens need not name an email. */
export async function bearer(): Promise<string | null> {
  if (!user) return null;
  if (user.expired) user = await manager.signinSilent().catch(() => null);
  return user?.id_token ?? null;
}

/** Where a departure waits while the issuer signs somebody out. */
const departureKey = 'latchkey.departure';

export function signIn({ to, email }: SignIn): Promise<void> {
  return manager.signinRedirect({ state: { to } satisfies Departure, login_hint: email });
}

/** Shows the sign-in page even to who is signed in. Whom to sign in with is not said: it may be somebody else's address. */
export function switchAccount({ to }: Journey): Promise<void> {
  return manager.signinRedirect({ state: { to, leaving: user?.profile.sub } satisfies Departure, prompt: 'login' });
}

export async function signUp({ to, email, name }: SignIn): Promise<void> {
  let from = manager;
  if (config.signUp) {
    const metadata = await manager.metadataService.getMetadata();
    from = new UserManager({ ...settings(), metadata: { ...metadata, authorization_endpoint: config.signUp } });
  }
  return from.signinRedirect({
    state: { to } satisfies Departure,
    login_hint: email,
    extraQueryParams: name ? { name } : undefined,
    prompt: config.signUp ? undefined : 'create',
  });
}

/**
 * Completes signIn or signUp at the callback, and returns where to go on. Some
 * issuers, such as Cognito's classic hosted UI, ignore prompt=login and send the
 * same person back: we sign them out there and ask again. Signing out of every
 * issuer first would be simpler, but Okta refuses it without the ID token, and
 * some issuers have no endpoint for it.
 */
export async function comeBack(): Promise<Journey> {
  const arrived = await manager.signinRedirectCallback();
  const { to, leaving } = arrived.state as Departure;
  if (leaving && leaving === arrived.profile.sub && (await manager.metadataService.getEndSessionEndpoint())) {
    // Cognito returns no state from signing out.
    sessionStorage.setItem(departureKey, JSON.stringify({ to } satisfies Journey));
    await signOut();
    return new Promise(() => {}); // the page is leaving
  }
  user = arrived;
  return { to };
}

/** Continues to sign in after the issuer has signed the former person out. */
export async function resumeDeparture(): Promise<boolean> {
  const stored = sessionStorage.getItem(departureKey);
  sessionStorage.removeItem(departureKey);
  if (!stored) return false;
  await signIn(JSON.parse(stored) as Journey);
  return true;
}

/**
 * Signs out here and at the issuer, without the ID token in the address: it is
 * a bearer for the API. The library then sends client_id itself, once, which
 * Auth0 insists on. An issuer that demands the token gets it in a form.
 */
export async function signOut(): Promise<void> {
  const token = config.signOutWithToken ? await bearer() : null;
  await dropSession();
  tabs.postMessage({ is: 'over' } satisfies Message);
  const endpoint = await manager.metadataService.getEndSessionEndpoint();
  if (!endpoint || (config.signOutWithToken && !token)) {
    location.assign('/');
    return;
  }
  if (token) {
    submit(endpoint, { id_token_hint: token, post_logout_redirect_uri: `${location.origin}/` });
    return;
  }
  // Cognito has its own name for the address to come back to.
  return manager.signoutRedirect({ extraQueryParams: { logout_uri: `${location.origin}/` } });
}

function submit(address: string, fields: Record<string, string>): void {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = address;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}

/** Forgets a session that the API does not accept any more. */
export async function dropSession(): Promise<void> {
  await manager.removeUser();
  user = null;
}
