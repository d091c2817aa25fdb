// The first page: who is new signs up; who is signed in finds their workspaces
// and invitations, or makes the first workspace.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { masked } from '../address';
import { api, body, problem, type Membership, type Problem } from '../api';
import { Plain } from '../frame';
import { Plus } from '../icons';
import { dropInvitation, forgetInvitation, openInvitation, useKept, type Kept } from '../invitation';
import { isPending, myWorkspaces } from '../memberships';
import { tell, Toasts } from '../overlay';
import { manages, type Landing } from '../place';
import { person, signIn, signOut, signUp } from '../session';
import { useText } from '../text';
import { Avatar, explainField, Failure, Field, Heading, intoFocus, Loading, Notice, Refusal, roleName, StatusChip, useLoad } from '../ui';
import { nothingUnsaved, useUnsaved } from '../unsaved';

export default function HomePage() {
  return person() ? <MyWorkspaces /> : <Welcome />;
}

function Welcome() {
  const { t } = useText();
  const kept = useKept();
  return (
    <Plain>
      <div className="card welcome">
        <Heading>{t.home.welcome}</Heading>
        <p className="lead">{t.home.welcomeHint}</p>
        <div className="buttons">
          <button className="button primary" onClick={() => void signUp({ to: '/' })}>
            {t.common.signUp}
          </button>
          <button className="button" onClick={() => void signIn({ to: '/' })}>
            {t.common.signIn}
          </button>
        </div>
      </div>
      <Invitations kept={kept} />
    </Plain>
  );
}

function MyWorkspaces() {
  const text = useText();
  const { t } = text;
  const me = person()!;
  const { data, problem: failed, loading, reload } = useLoad('mine', myWorkspaces);
  const kept = useKept();
  const [adding, setAdding] = useState(false);
  const pending = data?.filter(isPending) ?? [];
  const strange = kept.filter((k) => !pending.some((m) => m.id === k.workspace));
  return (
    <Plain
      footer={
        <>
          <span className="soft">{me.email}</span>
          <button className="link" onClick={() => void signOut()}>
            {t.common.signOut}
          </button>
        </>
      }
    >
      {!me.verified && <Notice bad>{t.home.unverified}</Notice>}
      {loading && !data && <Loading />}
      {failed && !data && <Failure whole problem={failed} retry={reload} />}
      {data?.length === 0 && (
        <div className="card">
          <Heading>{t.home.first}</Heading>
          <p className="lead">{t.home.firstHint}</p>
          <NewWorkspace />
        </div>
      )}
      {data && data.length > 0 && (
        <>
          <header className="page-head">
            <Heading>{t.home.title}</Heading>
            <button className="button" aria-expanded={adding} onClick={() => setAdding(!adding)}>
              <Plus size={18} /> {t.home.create}
            </button>
          </header>
          {adding && (
            <div className="card">
              <NewWorkspace />
            </div>
          )}
        </>
      )}
      {(data || failed) && (
        <Invitations kept={strange}>
          {pending.map((m) => (
            <Member key={m.id} m={m} link={kept.find((k) => k.workspace === m.id)?.token} onAnswer={reload} />
          ))}
        </Invitations>
      )}
      {data && data.length > pending.length && (
        <section className="block" aria-label={t.home.short}>
          <ul className="memberships">
            {data.filter((m) => !isPending(m)).map((m) => (
              <Member key={m.id} m={m} onAnswer={reload} />
            ))}
          </ul>
        </section>
      )}
      <Toasts />
    </Plain>
  );
}

/** What can be answered: invitations to the person's own address, then what links have brought into this browser. */
function Invitations({ kept, children = [] }: { kept: Kept[]; children?: ReactNode[] }) {
  const { t } = useText();
  if (kept.length + children.length === 0) return null;
  return (
    <section className="invitations">
      <h2>{t.home.invitations}</h2>
      <ul className="memberships">
        {children}
        {kept.map((k) => (
          <KeptInvitation key={k.token} token={k.token} />
        ))}
      </ul>
    </section>
  );
}

/** An invitation that this browser keeps, perhaps for another address than the person's. */
function KeptInvitation({ token }: { token: string }) {
  const text = useText();
  const { t } = text;
  const [, go] = useLocation();
  const { data, problem: failed } = useLoad(token, () => body(api.GET('/v1/invitations/{token}', { params: { path: { token } } })));
  const over = failed?.code === 'invitation_not_found' || (data !== undefined && data.status !== 'pending');
  useEffect(() => {
    if (over) dropInvitation(token);
  }, [over]);
  if (!data || over) return null;
  const { name } = data.workspace;
  return (
    <li className="card membership">
      <Avatar name={name} />
      <div className="membership-text">
        <span className="membership-name">{name}</span>
        <p className="soft small">
          {data.role && roleName(text, data.role)}
          {data.email && <> · {masked(data.email)}</>}
        </p>
        {data.expiresAt && <p className="small">{t.home.keptHint(text.relative(data.expiresAt))}</p>}
        <div className="buttons">
          <button
            className="button primary"
            aria-label={t.home.viewOf(name)}
            onClick={() => {
              openInvitation(token);
              go('/login');
            }}
          >
            {t.home.view}
          </button>
          <button
            className="button"
            aria-label={t.home.dismissOf(name)}
            onClick={() => {
              intoFocus(document.getElementById('main'));
              forgetInvitation(token);
            }}
          >
            {t.home.dismiss}
          </button>
        </div>
      </div>
    </li>
  );
}

/** link is the token of the mailed link, if this browser knows it. */
function Member({ m, link, onAnswer }: { m: Membership; link?: string; onAnswer: () => void }) {
  const text = useText();
  const { t } = text;
  const [, go] = useLocation();
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(false);
  // A role that manages is taken with the mailed link alone.
  const linkNeeded = refused?.code === 'link_required' || (manages(m) && !link);
  const mayAsk = !asked && (isPending(m) ? linkNeeded : m.status === 'expired' || m.status === 'declined');

  async function accept() {
    if (manages(m) && link) await api.POST('/v1/invitations/{token}/accept', { params: { path: { token: link } } });
    else await api.POST('/v1/me/workspaces/{workspace}/accept', { params: { path: { workspace: m.id } } });
    if (link) forgetInvitation(link);
    go(`/${m.slug}`, { state: { joined: true } satisfies Landing });
  }

  async function decline() {
    await api.POST('/v1/me/workspaces/{workspace}/decline', { params: { path: { workspace: m.id } } });
    if (link) forgetInvitation(link);
    tell(t.home.declined(m.name));
    intoFocus(document.getElementById('main')); // the button goes
    onAnswer();
  }

  async function ask() {
    await api.POST('/v1/me/workspaces/{workspace}/ask', { params: { path: { workspace: m.id } } });
    setAsked(true);
  }

  async function answer(how: () => Promise<void>) {
    setBusy(true);
    setRefused(undefined);
    try {
      await how();
    } catch (error) {
      const p = problem(error);
      if (link && p.code === 'invitation_not_found') dropInvitation(link); // a newer one has taken its place
      setRefused(p);
    }
    setBusy(false);
  }

  return (
    <li className="card membership">
      <Avatar name={m.name} />
      <div className="membership-text">
        {m.status === 'active' ? (
          <Link className="membership-name" href={`/${m.slug}`}>
            {m.name}
          </Link>
        ) : (
          <span className="membership-name">{m.name}</span>
        )}
        <p className="soft small">
          {roleName(text, m.role)}
          {m.joinedAt && <> · {t.home.joined(text.date(m.joinedAt))}</>}
        </p>
        {isPending(m) && m.expiresAt && <p className="small">{(linkNeeded ? t.home.linkNeeded : t.home.pendingHint)(text.relative(m.expiresAt))}</p>}
        {refused?.code !== 'link_required' && <Refusal problem={refused} />}
        {asked && (
          <p className="notice" role="status" tabIndex={-1} ref={intoFocus}>
            {t.invitation.asked}
          </p>
        )}
        {(isPending(m) || mayAsk) && (
          <div className="buttons">
            {isPending(m) && !linkNeeded && (
              <button className="button primary" aria-label={t.home.acceptOf(m.name)} disabled={busy} onClick={() => void answer(accept)}>
                {t.home.accept}
              </button>
            )}
            {mayAsk && (
              <button className="button" aria-label={t.home.askOf(m.name)} disabled={busy} onClick={() => void answer(ask)}>
                {t.invitation.ask}
              </button>
            )}
            {isPending(m) && (
              <button className="button" aria-label={t.home.declineOf(m.name)} disabled={busy} onClick={() => void answer(decline)}>
                {t.home.decline}
              </button>
            )}
          </div>
        )}
      </div>
      {m.status !== 'active' && !isPending(m) && <StatusChip status={m.status} />}
    </li>
  );
}

function NewWorkspace() {
  const text = useText();
  const { t } = text;
  const [, go] = useLocation();
  const [name, setName] = useState('');
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const wrong = refused?.errors.find((e) => e.pointer === '/name');
  useUnsaved(name.trim() !== '');
  useEffect(() => {
    if (wrong) input.current?.focus();
  }, [wrong]);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setRefused(undefined);
    try {
      const made = await body(api.POST('/v1/workspaces', { body: { name } }));
      nothingUnsaved();
      go(`/${made.slug}/workspace-settings/users`);
    } catch (error) {
      setRefused(problem(error));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={submit} noValidate>
      <Field label={t.home.name} error={wrong && explainField(text, wrong)}>
        {(props) => <input {...props} ref={input} value={name} maxLength={100} autoComplete="organization" onChange={(e) => setName(e.target.value)} />}
      </Field>
      {!wrong && <Refusal problem={refused} />}
      <button className="button primary" disabled={busy}>
        {t.home.submit}
      </button>
    </form>
  );
}
