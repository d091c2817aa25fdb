// The first page: who is new signs up; who is signed in finds their workspaces,
// or makes the first.
import { useState, type FormEvent } from 'react';
import { Link, useLocation } from 'wouter';
import { api, body, problem, type Membership, type Problem } from '../api';
import { Plain } from '../frame';
import { Plus } from '../icons';
import { myWorkspaces } from '../memberships';
import { tell, Toasts } from '../overlay';
import { person, signIn, signOut, signUp } from '../session';
import { useText } from '../text';
import { Avatar, explain, explainField, Failure, Field, Heading, Loading, Notice, roleName, StatusChip, useLoad } from '../ui';

export default function HomePage() {
  return person() ? <MyWorkspaces /> : <Welcome />;
}

function Welcome() {
  const { t } = useText();
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
    </Plain>
  );
}

function MyWorkspaces() {
  const text = useText();
  const { t } = text;
  const me = person()!;
  const { data, problem: failed, loading, reload } = useLoad('mine', myWorkspaces);
  const [adding, setAdding] = useState(false);
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
          <ul className="memberships">
            {data.map((m) => (
              <Member key={m.id} m={m} onAnswer={reload} />
            ))}
          </ul>
        </>
      )}
      <Toasts />
    </Plain>
  );
}

function Member({ m, onAnswer }: { m: Membership; onAnswer: () => void }) {
  const text = useText();
  const { t } = text;
  const [, go] = useLocation();
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const pending = m.status === 'requested' || m.status === 'invited';
  // A role that manages is taken with the mailed link alone.
  const linkNeeded = m.role === 'admin' || refused?.code === 'link_required';

  async function answer(verb: 'accept' | 'decline') {
    setBusy(true);
    setRefused(undefined);
    try {
      await api.POST(`/v1/me/workspaces/{workspace}/${verb}`, { params: { path: { workspace: m.id } } });
      if (verb === 'accept') {
        go(`/${m.slug}`);
        return;
      }
      tell(t.home.declined(m.name));
      onAnswer();
    } catch (error) {
      setRefused(problem(error));
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
        {pending && m.expiresAt && <p className="small">{(linkNeeded ? t.home.linkNeeded : t.home.pendingHint)(text.relative(m.expiresAt))}</p>}
        {refused && refused.code !== 'link_required' && <Notice bad>{explain(text, refused)}</Notice>}
        {pending && (
          <div className="buttons">
            {!linkNeeded && (
              <button className="button primary" aria-label={t.home.acceptOf(m.name)} disabled={busy} onClick={() => void answer('accept')}>
                {t.home.accept}
              </button>
            )}
            <button className="button" aria-label={t.home.declineOf(m.name)} disabled={busy} onClick={() => void answer('decline')}>
              {t.home.decline}
            </button>
          </div>
        )}
      </div>
      {m.status !== 'active' && <StatusChip status={m.status} />}
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

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setRefused(undefined);
    try {
      const made = await body(api.POST('/v1/workspaces', { body: { name } }));
      go(`/${made.slug}/workspace-settings/users`);
    } catch (error) {
      setRefused(problem(error));
      setBusy(false);
    }
  }

  const wrong = refused?.errors.find((e) => e.pointer === '/name');
  return (
    <form onSubmit={submit} noValidate>
      {refused && !wrong && <Notice bad>{explain(text, refused)}</Notice>}
      <Field label={t.home.name} error={wrong && explainField(text, wrong)}>
        {(props) => <input {...props} value={name} maxLength={100} autoComplete="organization" onChange={(e) => setName(e.target.value)} />}
      </Field>
      <button className="button primary" disabled={busy}>
        {t.home.submit}
      </button>
    </form>
  );
}

