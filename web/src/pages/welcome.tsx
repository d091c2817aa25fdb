import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { api, problem, type Problem } from '../api';
import { Users } from '../icons';
import { Confirm, tell } from '../overlay';
import { manages, usePlace, type Landing } from '../place';
import { useText } from '../text';
import { Heading, Refusal, roleName } from '../ui';

/** A workspace's own page, where a company's product would begin; with the person's own record. */
export default function WelcomePage() {
  const text = useText();
  const { t } = text;
  const { workspace, me, groups, memberships } = usePlace();
  const joined = (history.state as Landing | null)?.joined;
  const since = memberships.find((m) => m.id === workspace.id)?.joinedAt;
  const mine = groups.filter((g) => me.groups.includes(g.id)).map((g) => g.name);
  return (
    <div className="column">
      <Heading>{joined ? t.invitation.joined(workspace.name) : workspace.name}</Heading>
      <p className="lead">{joined ? t.invitation.joinedHint(roleName(text, me.role)) : t.workspace.hello(me.name)}</p>
      {manages(me) && (
        <div className="card">
          <p className="soft">{t.workspace.place}</p>
          <Link className="button" href={`/${workspace.slug}/workspace-settings/users`}>
            <Users size={18} /> {t.workspace.people}
          </Link>
        </div>
      )}
      <section className="card record" aria-labelledby="record">
        <h2 id="record">{t.workspace.record}</h2>
        <dl>
          <dt>{t.person.email}</dt>
          <dd>{me.email}</dd>
          <dt>{t.invitation.role}</dt>
          <dd>
            {roleName(text, me.role)}
            <span className="soft small">{t.roleHint[me.role]}</span>
          </dd>
          <dt>{t.workspace.groups}</dt>
          <dd>{mine.length > 0 ? text.list(mine) : t.workspace.noGroups}</dd>
          {since && (
            <>
              <dt>{t.workspace.since}</dt>
              <dd>{text.date(since)}</dd>
            </>
          )}
        </dl>
        <Leave />
      </section>
    </div>
  );
}

function Leave() {
  const { t } = useText();
  const { workspace } = usePlace();
  const [, go] = useLocation();
  const [open, setOpen] = useState(false);
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);

  async function leave() {
    setBusy(true);
    setRefused(undefined);
    try {
      await api.POST('/v1/workspaces/{workspace}/users/me/leave', { params: { path: { workspace: workspace.id } } });
      tell(t.workspace.left(workspace.name));
      go('/');
    } catch (error) {
      setRefused(problem(error));
      setBusy(false);
    }
  }

  return (
    <>
      <button
        className="button"
        onClick={() => {
          setRefused(undefined);
          setOpen(true);
        }}
      >
        {t.workspace.leave}
      </button>
      {open && (
        <Confirm title={t.workspace.leaveTitle(workspace.name)} action={t.workspace.leave} busy={busy} onConfirm={() => void leave()} onClose={() => setOpen(false)}>
          <p>{t.workspace.leaveHint}</p>
          <Refusal problem={refused} />
        </Confirm>
      )}
    </>
  );
}
