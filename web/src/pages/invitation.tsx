// The invited person's side: who invites them to what, and their answer. What
// may be done is decided by the API alone; this page shows what it will say.
import { useEffect, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { masked, sameAddress } from '../address';
import { api, body, problem, type Invitation, type Problem } from '../api';
import { Plain } from '../frame';
import { dropInvitation, forgetInvitation, keepInvitation, useInvitation, useKept } from '../invitation';
import type { Landing } from '../place';
import { person, signIn, signUp, switchAccount, type Person, type SignIn } from '../session';
import { useText, type Text } from '../text';
import { Avatar, Failure, Heading, intoFocus, Loading, Notice, Refusal, roleName, useLoad } from '../ui';

export default function InvitationPage() {
  const token = useInvitation();
  return <Plain footer={<Others than={token} />}>{token ? <Found key={token} token={token} /> : <NoLink />}</Plain>;
}

/** The way to the other invitations that this browser keeps. */
function Others({ than }: { than: string }) {
  const { t } = useText();
  const others = useKept().filter((k) => k.token !== than).length;
  return others > 0 && than ? <Link href="/">{t.invitation.others(others)}</Link> : null;
}

/** The page without an invitation: it was opened by hand, or the invitation was answered. */
function NoLink() {
  const { t } = useText();
  return (
    <div className="card">
      <Heading>{t.invitation.none}</Heading>
      <p className="lead">{t.invitation.noLink}</p>
      <div className="buttons">
        {person() ? (
          <Link className="button primary" href="/">
            {t.common.toWorkspaces}
          </Link>
        ) : (
          <>
            <button className="button primary" onClick={() => void signIn({ to: '/' })}>
              {t.common.signIn}
            </button>
            <button className="button" onClick={() => void signUp({ to: '/' })}>
              {t.common.signUp}
            </button>
          </>
        )}
      </div>
    </div>
  );
}

/** What became of the invitation by the person's own hand, or else the API's word. */
type Outcome = 'declined' | 'active' | 'expired' | 'dead' | 'inviterGone';

function outcomeOf(p: Problem): Outcome | undefined {
  if (p.code === 'invitation_not_found') return 'dead';
  if (p.code === 'inviter_not_admin') return 'inviterGone';
  const status = p.code === 'status_conflict' ? p.user?.status : undefined;
  return status === 'active' || status === 'expired' || status === 'declined' ? status : undefined;
}

/** How many times the page retries while the gateway throttles. */
const retries = 5;

/** Calls reload while the gateway throttles: after the delay that it asks for, or else after growing delays with jitter. */
function useRetry(throttled: Problem | undefined, reload: () => void): void {
  const [tried, setTried] = useState(0);
  useEffect(() => {
    if (!throttled || tried >= retries) return;
    const seconds = throttled.retryAfter ?? 2 ** tried * (0.5 + Math.random());
    const timer = setTimeout(() => {
      setTried(tried + 1);
      reload();
    }, seconds * 1000);
    return () => clearTimeout(timer);
    // A new answer, not a new render, starts the clock.
  }, [throttled]);
}

function Found({ token }: { token: string }) {
  const path = { token };
  const [, go] = useLocation();
  const { data, problem: failed, loading, reload } = useLoad(token, () => body(api.GET('/v1/invitations/{token}', { params: { path } })));
  useRetry(failed?.code === 'throttled' && !data ? failed : undefined, reload);
  const [outcome, setOutcome] = useState<Outcome>();
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const ended = outcome ?? (failed && outcomeOf(failed)) ?? (!data || data.status === 'pending' ? undefined : data.status);
  useEffect(() => {
    if (ended) dropInvitation(token);
    else if (data) keepInvitation(token, data);
  }, [data, ended]);

  async function answer(verb: 'accept' | 'decline') {
    setBusy(true);
    setRefused(undefined);
    try {
      await api.POST(`/v1/invitations/{token}/${verb}`, { params: { path } });
      if (verb === 'accept') {
        go(`/${data!.workspace.slug}`, { replace: true, state: { joined: true } satisfies Landing });
        forgetInvitation(token);
        return;
      }
      setOutcome('declined');
    } catch (error) {
      const p = problem(error);
      const known = outcomeOf(p);
      if (known) setOutcome(known);
      else setRefused(p);
    }
    setBusy(false);
  }

  if (!data && loading) return <Loading />;
  if (ended) return <Ended outcome={ended} token={token} invitation={data} />;
  if (!data) return <Failure whole problem={failed!} retry={reload} />;
  const { inviter, email, role, expiresAt } = data;
  // A pending invitation has them all; a page of a newer service may not.
  if (!inviter || !email || !role || !expiresAt) return <Ended outcome="dead" token={token} invitation={data} />;
  return <Open invitation={{ ...data, inviter, email, role, expiresAt }} refused={refused} busy={busy} answer={answer} />;
}

/** An invitation that can be answered; one of a member shows less. */
type Complete = Invitation & Required<Pick<Invitation, 'inviter' | 'email' | 'role' | 'expiresAt'>>;

interface OpenProps {
  invitation: Complete;
  refused?: Problem;
  busy: boolean;
  answer: (verb: 'accept' | 'decline') => void;
}

function Open({ invitation, refused, busy, answer }: OpenProps) {
  const text = useText();
  const { t } = text;
  const me = person();
  const [declining, setDeclining] = useState(false);
  const { workspace, email } = invitation;
  const way = { to: '/login', email, name: invitation.name };
  const stranger = me && !sameAddress(me.email, email);
  // Signed in as somebody else by the API's account of it, whatever this page thinks.
  const mismatch = stranger || refused?.code === 'recipient_mismatch';

  if (declining) {
    return (
      <div className="card invitation">
        <Heading key="decline">{t.invitation.declineTitle(workspace.name)}</Heading>
        <p className="lead">{t.invitation.declineHint}</p>
        <Refusal problem={refused} />
        <div className="buttons">
          <button className="button danger" disabled={busy} onClick={() => answer('decline')}>
            {t.invitation.decline}
          </button>
          <button className="button" onClick={() => setDeclining(false)}>
            {t.invitation.keep}
          </button>
        </div>
      </div>
    );
  }
  return (
    <div className="card invitation">
      <Avatar name={workspace.name} />
      <Heading>{title(text, invitation)}</Heading>
      <dl>
        <dt>{t.invitation.role}</dt>
        <dd>
          {roleName(text, invitation.role)}
          <span className="soft small">{t.roleHint[invitation.role]}</span>
        </dd>
        <dt>{t.invitation.for}</dt>
        <dd>{mismatch ? masked(email) : email}</dd>
        <dt>{t.invitation.until}</dt>
        <dd>
          <time dateTime={invitation.expiresAt}>{text.dateTime(invitation.expiresAt)}</time>
          <span className="soft small">{text.relative(invitation.expiresAt)}</span>
        </dd>
      </dl>
      {mismatch && me ? (
        <Mismatch me={me} email={email} />
      ) : me ? (
        <>
          <p className="soft">{t.invitation.signedInAs(me.email)}</p>
          {!me.verified && <Notice bad>{t.home.unverified}</Notice>}
          <Refusal problem={refused} />
          <div className="buttons">
            <button className="button primary" disabled={busy} onClick={() => answer('accept')}>
              {t.invitation.accept(workspace.name)}
            </button>
            <button className="button" disabled={busy} onClick={() => setDeclining(true)}>
              {t.invitation.decline}
            </button>
          </div>
        </>
      ) : (
        <>
          <p className="soft">{invitation.next === 'signup' ? t.invitation.signUpFirst : t.invitation.signInFirst}</p>
          <div className="buttons">
            <Choices way={way} signUpFirst={invitation.next === 'signup'} />
            <button className="button quiet" onClick={() => setDeclining(true)}>
              {t.invitation.decline}
            </button>
          </div>
        </>
      )}
    </div>
  );
}

function Choices({ way, signUpFirst }: { way: SignIn; signUpFirst: boolean }) {
  const { t } = useText();
  const inButton = (
    <button key="in" className={signUpFirst ? 'button' : 'button primary'} onClick={() => void signIn(way)}>
      {t.common.signIn}
    </button>
  );
  const upButton = (
    <button key="up" className={signUpFirst ? 'button primary' : 'button'} onClick={() => void signUp(way)}>
      {t.common.signUp}
    </button>
  );
  return signUpFirst ? [upButton, inButton] : [inButton, upButton];
}

function Mismatch({ me, email }: { me: Person; email: string }) {
  const { t } = useText();
  return (
    <>
      <Notice bad>
        <p>{t.invitation.mismatch(masked(email), me.email)}</p>
        <p className="small">{t.invitation.mismatchHint}</p>
      </Notice>
      <div className="buttons">
        <button className="button primary" onClick={() => void switchAccount({ to: '/login' })}>
          {t.invitation.switch}
        </button>
        <Link className="button quiet" href="/">
          {t.common.toWorkspaces}
        </Link>
      </div>
    </>
  );
}

/** The end of the story, each with the way on. */
function Ended({ outcome, token, invitation }: { outcome: Outcome; token: string; invitation?: Invitation }) {
  const text = useText();
  const { t } = text;
  const workspace = invitation?.workspace.name ?? '';
  const inviter = invitation?.inviter?.name || t.invitation.anAdmin;
  const [heading, words] = endingOf(text, outcome, workspace, inviter, invitation);
  const me = person();
  // Whose the invitation was, it no longer says once it was accepted; the workspace lets in its members alone.
  const mine = invitation && me && (!invitation.email || sameAddress(me.email, invitation.email));
  let on: ReactNode = me ? (
    <Link className="button" href="/">
      {t.common.toWorkspaces}
    </Link>
  ) : null;
  if (outcome === 'active' && mine) {
    on = (
      <Link className="button primary" href={`/${invitation.workspace.slug}`}>
        {t.home.open(workspace)}
      </Link>
    );
  } else if (outcome === 'active' && !me) {
    on = (
      <button className="button primary" onClick={() => void signIn({ to: `/${invitation!.workspace.slug}`, email: invitation!.email })}>
        {t.common.signIn}
      </button>
    );
  }
  return (
    <div className={`card invitation ending ${outcome}`}>
      <Heading key={outcome}>{heading}</Heading>
      <p className="lead" role="status">
        {words}
      </p>
      {(outcome === 'expired' || outcome === 'declined') && <Ask token={token} />}
      {on && <div className="buttons">{on}</div>}
    </div>
  );
}

/** Asks the inviter for a new link. Whether they are mailed, the API does not say. */
function Ask({ token }: { token: string }) {
  const { t } = useText();
  const [step, setStep] = useState<'idle' | 'busy' | 'asked'>('idle');
  const [refused, setRefused] = useState<Problem>();

  async function ask() {
    setStep('busy');
    setRefused(undefined);
    try {
      await api.POST('/v1/invitations/{token}/ask', { params: { path: { token } } });
      setStep('asked');
    } catch (error) {
      setRefused(problem(error));
      setStep('idle');
    }
  }

  if (step === 'asked') {
    return (
      <p className="notice" role="status" tabIndex={-1} ref={intoFocus}>
        {t.invitation.asked}
      </p>
    );
  }
  return (
    <>
      <Refusal problem={refused} />
      <button className="button primary" disabled={step === 'busy'} onClick={() => void ask()}>
        {t.invitation.ask}
      </button>
    </>
  );
}

function endingOf(text: Text, outcome: Outcome, workspace: string, inviter: string, invitation?: Invitation): [string, string] {
  const { invitation: t } = text.t;
  switch (outcome) {
    case 'declined':
      return [t.declined, t.declinedHint(workspace, inviter)];
    case 'active':
      return [t.used, t.usedHint(workspace)];
    case 'expired':
      return [t.expired, invitation?.expiresAt ? t.expiredHint(text.dateTime(invitation.expiresAt), inviter) : t.deadHint];
    case 'inviterGone':
      return [t.inviterGone, t.inviterGoneHint(inviter, workspace)];
    case 'dead':
      return [t.dead, t.deadHint];
  }
}

function title(text: Text, { inviter, workspace }: Complete): string {
  const { t } = text;
  return inviter.name ? t.invitation.title(inviter.name, workspace.name) : t.invitation.titleWithoutInviter(workspace.name);
}
