// Which page is at which address, and the frame around the pages of a workspace.
import { lazy, Suspense, useEffect, useMemo, type ReactNode } from 'react';
import { Link, Redirect, Route, Router, Switch, useLocation, useParams } from 'wouter';
import { api } from './api';
import { NotFound, Offline, Plain } from './frame';
import { Clock, Gear, Home, Sliders, Tag, Users } from './icons';
import { findPlace, manages, PlaceContext, seesUsers, usePlace, type Place } from './place';
import { person, signIn } from './session';
import { useText } from './text';
import { Failure, Heading, intoView, Loading, signInAgain, useLoad } from './ui';
import { useAsking } from './unsaved';

const HomePage = lazy(() => import('./pages/home'));
const InvitationPage = lazy(() => import('./pages/invitation'));
const Switcher = lazy(() => import('./switcher'));
const AccountMenu = lazy(() => import('./pages/account'));
const UsersPage = lazy(() => import('./users/page'));
const AddUsersPage = lazy(() => import('./users/add'));
const GroupsPage = lazy(() => import('./pages/groups'));
const HistoryPage = lazy(() => import('./pages/history'));
const GeneralPage = lazy(() => import('./pages/general'));
const Toasts = lazy(async () => ({ default: (await import('./overlay')).Toasts }));
const WelcomePage = lazy(() => import('./pages/welcome'));

/** How the page was come to. */
export interface Arrival {
  signedIn?: boolean;
  failed?: boolean;
}

export function App({ arrival }: { arrival: Arrival }) {
  const { t } = useText();
  // From the first sign-in on the account is known, and requested turns into
  // invited. Cognito's trigger does the same; other issuers have none.
  useEffect(() => {
    if (arrival.signedIn && person()?.verified) api.PUT('/v1/me').catch(() => undefined);
  }, []);
  return (
    <Router aroundNav={useAsking()}>
      <a className="skip" href="#main">
        {t.common.skip}
      </a>
      <Suspense fallback={<Loading />}>
        <Switch>
          <Route path="/">
            <HomePage />
          </Route>
          <Route path="/login">
            <InvitationPage />
          </Route>
          <Route path="/signup">
            <InvitationPage />
          </Route>
          <Route path="/callback">{arrival.failed ? <Interrupted /> : <Redirect to="/" replace />}</Route>
          <Route path="/:slug/*?">
            <SignedIn>
              <InWorkspace />
            </SignedIn>
          </Route>
        </Switch>
      </Suspense>
    </Router>
  );
}

function Interrupted() {
  const { t } = useText();
  return (
    <Plain>
      <div className="card">
        <Heading>{t.callback.title}</Heading>
        <p>{t.callback.hint}</p>
        <button className="button primary" onClick={() => void signIn({ to: '/' })}>
          {t.common.signIn}
        </button>
      </div>
    </Plain>
  );
}

function SignedIn({ children }: { children: ReactNode }) {
  const signedIn = person() !== null;
  useEffect(() => {
    if (!signedIn) void signInAgain();
  }, []);
  return signedIn ? children : <Loading />;
}

function InWorkspace() {
  const { slug = '' } = useParams<{ slug: string }>();
  const { data, problem, reload } = useLoad(slug, () => findPlace(slug));
  const place = useMemo(() => (data ? { ...data, reload } : null), [data, reload]);
  if (data === null) return <NotFound />;
  return (
    <div className="frame">
      {place ? (
        <PlaceContext value={place}>
          <Rail place={place} />
        </PlaceContext>
      ) : (
        <div className="rail" />
      )}
      <div className="content">
        <Offline />
        {problem && !place && (
          <main id="main">
            <Failure whole problem={problem} retry={reload} />
          </main>
        )}
        {!problem && !place && <Loading />}
        {place && (
          <PlaceContext value={place}>
            <Suspense fallback={<Loading />}>
              <Pages slug={slug} />
            </Suspense>
          </PlaceContext>
        )}
      </div>
      <Suspense>
        <Toasts />
      </Suspense>
    </div>
  );
}

/** The ways that the person may go, and no others. */
function Rail({ place }: { place: Place }) {
  const { t } = useText();
  const at = `/${place.workspace.slug}`;
  const settings = `${at}/workspace-settings`;
  return (
    <nav className="rail" aria-label={place.workspace.name}>
      <Suspense>
        <Switcher />
        <RailItem href={at} exact label={t.workspace.home} icon={<Home />} />
        {!manages(place.me) && seesUsers(place) && <RailItem href={`${settings}/users`} label={t.workspace.users} icon={<Users />} />}
        <span className="grow" />
        <AccountMenu />
        {manages(place.me) && <RailItem href={settings} to={`${settings}/users`} label={t.workspace.settings} short={t.workspace.settingsShort} icon={<Gear />} />}
      </Suspense>
    </nav>
  );
}

function RailItem({ href, to, label, short, icon, exact }: { href: string; to?: string; label: string; short?: string; icon: ReactNode; exact?: boolean }) {
  const [at] = useLocation();
  const here = exact ? at === href : at.startsWith(href);
  return (
    <Link className="rail-item" href={to ?? href} aria-label={label} aria-current={here ? 'page' : undefined}>
      {icon}
      <span>{short ?? label}</span>
    </Link>
  );
}

function Pages({ slug }: { slug: string }) {
  const place = usePlace();
  const settings = `/${slug}/workspace-settings`;
  return (
    <Switch>
      <Route path={`/${slug}`}>
        <main id="main" tabIndex={-1}>
          <WelcomePage />
        </main>
      </Route>
      <Route path={settings}>
        <Redirect to={`${settings}/users`} replace />
      </Route>
      {!manages(place.me) && seesUsers(place) && (
        <Route path={`${settings}/users`}>
          <main id="main" tabIndex={-1}>
            <UsersPage />
          </main>
        </Route>
      )}
      <Route path={`${settings}/*`}>{manages(place.me) ? <Settings at={settings} /> : <AdminsOnly />}</Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function AdminsOnly() {
  const { t } = useText();
  const { workspace } = usePlace();
  return (
    <main id="main" tabIndex={-1}>
      <div className="column">
        <div className="card">
          <Heading>{t.workspace.refused}</Heading>
          <p>{t.workspace.adminsOnly}</p>
          <Link className="button" href={`/${workspace.slug}`}>
            {t.home.open(workspace.name)}
          </Link>
        </div>
      </div>
    </main>
  );
}

function Settings({ at }: { at: string }) {
  const { t } = useText();
  const { workspace } = usePlace();
  const [path] = useLocation();
  const section = (name: string, label: string, icon: ReactNode) => (
    <Link
      className="section" href={`${at}/${name}`} aria-current={path.startsWith(`${at}/${name}`) ? 'page' : undefined}
      ref={path.startsWith(`${at}/${name}`) ? intoView : undefined}
    >
      {icon} {label}
    </Link>
  );
  return (
    <div className="settings">
      <nav className="sections" aria-label={t.workspace.sections}>
        <p className="sections-title">
          <strong>{workspace.name}</strong>
          <span className="soft">{t.workspace.settings}</span>
        </p>
        {section('users', t.workspace.users, <Users size={18} />)}
        {section('groups', t.workspace.groups, <Tag size={18} />)}
        {section('history', t.workspace.history, <Clock size={18} />)}
        {section('general', t.workspace.general, <Sliders size={18} />)}
      </nav>
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path={`${at}/users/add`}>
              <AddUsersPage />
            </Route>
            <Route path={`${at}/users`}>
              <UsersPage />
            </Route>
            <Route path={`${at}/groups`}>
              <GroupsPage />
            </Route>
            <Route path={`${at}/history`}>
              <HistoryPage />
            </Route>
            <Route path={`${at}/general`}>
              <GeneralPage />
            </Route>
            <Route>
              <NotFound bare />
            </Route>
          </Switch>
        </Suspense>
      </main>
    </div>
  );
}
