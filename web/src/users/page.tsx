// Workspace settings > Users: who is here, who is on the way, and what became
// of everybody else.
import { useEffect, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { problem, type Role, type Status, type User } from '../api';
import { Alert, Download, Plus, Search, Users } from '../icons';
import { ActionMenu, tell } from '../overlay';
import { usePlace } from '../place';
import { Time, useText, type Text } from '../text';
import { Avatar, explain, Failure, Heading, intoView, Loading, Notice, roleName, StatusChip } from '../ui';
import { canArchive, canResend, canRestore, choicesFor, useActions, type Verb } from './actions';
import { deliveryLine } from './delivery';
import { Funnel } from './funnel';
import { download, exportCSV, useUsers, type Filter, type UserList } from './list';
import { useNames } from './names';
import { actorName } from './timeline';

const statuses: Status[] = ['active', 'invited', 'requested', 'expired', 'declined', 'archived'];

export default function UsersPage() {
  const { t } = useText();
  const { workspace, me } = usePlace();
  if (me.role !== 'admin' && workspace.directory !== 'members') {
    return (
      <>
        <Heading>{t.workspace.users}</Heading>
        <Notice>{t.workspace.adminsOnly}</Notice>
      </>
    );
  }
  return <People />;
}

/** Status, role and group are in the address; what is searched for may be a person's address and is not. */
function useFilter() {
  const [params, setParams] = useSearchParams();
  const [typed, setTyped] = useState('');
  const [q, setQ] = useState('');
  useEffect(() => {
    const soon = setTimeout(() => setQ(typed.trim()), 300);
    return () => clearTimeout(soon);
  }, [typed]);
  const status = params.get('status');
  const filter: Filter = {
    status: statuses.filter((s) => s === status),
    role: (params.get('role') as Role) || undefined,
    group: params.get('group') || undefined,
    sort: params.get('sort') === 'oldest' ? 'oldest' : 'newest',
    q,
  };
  const set = (name: string, value: string) =>
    setParams(
      (old) => {
        const now = new URLSearchParams(old);
        if (value) now.set(name, value);
        else now.delete(name);
        return now;
      },
      { replace: true },
    );
  const clear = () => {
    setTyped('');
    setParams({}, { replace: true });
  };
  return { filter, typed, setTyped, set, clear };
}

function People() {
  const text = useText();
  const { t, number } = text;
  const { workspace, me } = usePlace();
  const { filter, typed, setTyped, set, clear } = useFilter();
  const list = useUsers(workspace.id, filter);
  const manages = me.role === 'admin';
  const { act, actOnAll, dialogs } = useActions(workspace.id, list);
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const total = list.counts && Object.values(list.counts).reduce((a, b) => a + b, 0);
  const filtered = filter.status.length > 0 || filter.role !== undefined || filter.group !== undefined || filter.q !== '';
  const chosen = list.users.filter((u) => selected.has(u.id));

  async function save() {
    try {
      download(`users-${workspace.slug}.csv`, await exportCSV(workspace.id, filter));
    } catch (error) {
      tell(explain(text, problem(error)), { bad: true });
    }
  }

  return (
    <>
      <header className="page-head">
        <div>
          <Heading>{t.workspace.users}</Heading>
          {total !== undefined && (
            <p className="soft">
              {t.users.total(total)}
              {workspace.seatLimit !== null && list.counts && (
                <> · {t.users.seats(number(list.counts.active + list.counts.invited + list.counts.requested), number(workspace.seatLimit))}</>
              )}
            </p>
          )}
        </div>
        <span className="grow" />
        {manages && (
          <Link className="button primary" href={`/${workspace.slug}/workspace-settings/users/add`}>
            <Plus size={18} /> {t.users.add}
          </Link>
        )}
      </header>
      {workspace.invitationsPaused && <Notice bad>{t.general.paused}</Notice>}
      {manages && <Funnel workspace={workspace.id} />}
      <nav className="tabs" aria-label={t.users.byStatus}>
        <StatusTab label={t.users.all} n={total} at="" current={filter.status.length === 0} set={set} />
        {statuses.map((s) => (
          <StatusTab key={s} label={t.status[s]} n={list.counts?.[s]} at={s} current={filter.status[0] === s} set={set} />
        ))}
      </nav>
      <div className="filters" role="search">
        <label className="search">
          <Search size={18} />
          <span className="out-of-sight">{t.users.search}</span>
          <input type="search" value={typed} placeholder={t.users.search} maxLength={100} autoComplete="off" onChange={(e) => setTyped(e.target.value)} />
        </label>
        <select aria-label={t.person.role} value={filter.role ?? ''} onChange={(e) => set('role', e.target.value)}>
          <option value="">{t.users.anyRole}</option>
          {(['admin', 'builder', 'end-user'] as const).map((r) => (
            <option key={r} value={r}>
              {t.role[r]}
            </option>
          ))}
        </select>
        <GroupFilter value={filter.group ?? ''} onChange={(g) => set('group', g)} />
        <select aria-label={t.users.sort} value={filter.sort} onChange={(e) => set('sort', e.target.value === 'oldest' ? 'oldest' : '')}>
          <option value="newest">{t.users.newest}</option>
          <option value="oldest">{t.users.oldest}</option>
        </select>
        {manages && (
          <button className="button" onClick={() => void save()}>
            <Download size={18} /> {t.users.export}
          </button>
        )}
      </div>
      <p className="out-of-sight" role="status">
        {list.loading ? t.common.loading : t.users.shown(list.users.length)}
      </p>
      {chosen.length > 0 && <Selection users={chosen} act={actOnAll} clear={() => setSelected(new Set())} />}
      {list.problem && list.users.length === 0 ? (
        <Failure problem={list.problem} retry={list.reload} />
      ) : list.users.length === 0 ? (
        list.loading ? (
          <Loading />
        ) : (
          <Nobody filtered={filtered} clear={clear} />
        )
      ) : (
        <Table list={list} manages={manages} selected={selected} select={setSelected} act={act} />
      )}
      {!list.loading && !filtered && total === 1 && <Nobody clear={clear} />}
      {list.problem && list.users.length > 0 && <Notice bad>{explain(text, list.problem)}</Notice>}
      {list.more && (
        <p className="load-more">
          <button className="button" disabled={list.loading} onClick={list.loadMore}>
            {list.loading ? t.common.loading : t.users.more}
          </button>
        </p>
      )}
      {dialogs}
    </>
  );
}

function StatusTab({ label, n, at, current, set }: { label: string; n?: number; at: string; current: boolean; set: (name: string, value: string) => void }) {
  const { number } = useText();
  return (
    <a
      className="tab" href={at ? `?status=${at}` : '?'} aria-current={current ? 'true' : undefined} ref={current ? intoView : undefined}
      onClick={(e) => {
        if (e.metaKey || e.ctrlKey || e.shiftKey) return;
        e.preventDefault();
        set('status', at);
      }}
    >
      {label} {n !== undefined && <span className="count">{number(n)}</span>}
    </a>
  );
}

function GroupFilter({ value, onChange }: { value: string; onChange: (group: string) => void }) {
  const { t } = useText();
  const { groups } = usePlace();
  if (groups.length === 0) return null;
  return (
    <select aria-label={t.users.group} value={value} onChange={(e) => onChange(e.target.value)}>
      <option value="">{t.users.anyGroup}</option>
      {groups.map((g) => (
        <option key={g.id} value={g.id}>
          {g.name}
        </option>
      ))}
    </select>
  );
}

function Nobody({ filtered, clear }: { filtered?: boolean; clear: () => void }) {
  const { t } = useText();
  const { workspace, me } = usePlace();
  return (
    <div className="empty">
      <Users size={28} />
      <p>{filtered ? t.users.nobodyFound : t.users.onlyYou}</p>
      {filtered ? (
        <button className="button" onClick={clear}>
          {t.users.clear}
        </button>
      ) : (
        me.role === 'admin' && (
          <Link className="button" href={`/${workspace.slug}/workspace-settings/users/add`}>
            <Plus size={18} /> {t.users.add}
          </Link>
        )
      )}
    </div>
  );
}

function Selection({ users, act, clear }: { users: User[]; act: (verb: Verb, users: User[]) => Promise<void>; clear: () => void }) {
  const { t } = useText();
  const [busy, setBusy] = useState(false);
  const some = (verb: Verb, label: string, fitting: User[]) =>
    fitting.length > 0 && (
      <button
        className="button" disabled={busy}
        onClick={() => {
          setBusy(true);
          void act(verb, fitting).finally(() => {
            setBusy(false);
            clear();
          });
        }}
      >
        {label} ({fitting.length})
      </button>
    );
  return (
    <div className="selection" role="region" aria-label={t.users.selection}>
      <strong role="status">{t.users.selected(users.length)}</strong>
      <span className="grow" />
      {some('resend', t.actions.resend, users.filter(canResend))}
      {some('restore', t.actions.restore, users.filter(canRestore))}
      {some('archive', t.actions.archive, users.filter(canArchive))}
      <button className="button quiet" onClick={clear}>
        {t.users.clearSelection}
      </button>
    </div>
  );
}

interface TableProps {
  list: UserList;
  manages: boolean;
  selected: Set<string>;
  select: (ids: Set<string>) => void;
  act: (id: string, u: User) => void;
}

// The roles are spelled out, since on narrow screens the rows are laid out as
// cards, and a browser would not take them for a table any more.
function Table({ list, manages, selected, select, act }: TableProps) {
  const { t } = useText();
  const { workspace } = usePlace();
  const nameOf = useNames(workspace.id, list.users);
  const all = list.users.every((u) => selected.has(u.id));
  return (
    <table className="people" role="table" aria-label={t.workspace.users} aria-busy={list.loading}>
      <thead role="rowgroup">
        <tr role="row">
          {manages && (
            <th role="columnheader" className="pick">
              <input type="checkbox" aria-label={t.users.selectAll} checked={all} onChange={() => select(new Set(all ? [] : list.users.map((u) => u.id)))} />
            </th>
          )}
          <th role="columnheader">{t.users.columns.person}</th>
          <th role="columnheader">{t.users.columns.role}</th>
          <th role="columnheader">{t.users.columns.status}</th>
          <th role="columnheader">{t.users.columns.invited}</th>
          {manages && (
            <th role="columnheader">
              <span className="out-of-sight">{t.users.columns.actions}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {list.users.map((u) => (
          <Row
            key={u.id} u={u} manages={manages} inviter={nameOf(u.invitation?.invitedBy ?? '')} picked={selected.has(u.id)}
            pick={() => {
              const now = new Set(selected);
              if (!now.delete(u.id)) now.add(u.id);
              select(now);
            }}
            act={act}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  u: User;
  manages: boolean;
  inviter: string | null | undefined;
  picked: boolean;
  pick: () => void;
  act: (id: string, u: User) => void;
}

function Row({ u, manages, inviter, picked, pick, act }: RowProps) {
  const text = useText();
  const { t } = text;
  const { me } = usePlace();
  const mail = deliveryLine(text, u);
  return (
    <tr role="row" className={picked ? 'picked' : undefined}>
      {manages && (
        <td role="cell" className="pick">
          <input type="checkbox" aria-label={t.users.select(u.name)} checked={picked} onChange={pick} />
        </td>
      )}
      <th role="rowheader" scope="row" className="who">
        <Avatar name={u.name} />
        <span>
          <span className="name">
            {u.name} {u.id === me.id && <span className="tag">{t.users.you}</span>}
          </span>
          <span className="soft small block">{u.email}</span>
        </span>
      </th>
      <td role="cell" className="role-cell">
        {roleName(text, u.role)}
        <GroupTags ids={u.groups} />
      </td>
      <td role="cell" className="status-cell">
        <StatusChip status={u.status} />
        <span className="soft small block">{[standing(text, u), !mail?.bad && mail?.words].filter(Boolean).join(' · ')}</span>
        {mail?.bad && (
          <span className="wrong">
            <Alert size={16} /> {mail.words}
          </span>
        )}
      </td>
      <td role="cell" className="invited-cell small">
        {u.invitation && (
          <>
            {inviter === null && u.invitation.invitedBy.startsWith('usr_') ? t.history.somebody : actorName(text, u.invitation.invitedBy, inviter ?? '')}
            <span className="soft block">
              <Time at={u.invitation.sentAt} />
              {u.invitation.sends > 1 && <> · {t.users.sends(u.invitation.sends)}</>}
            </span>
          </>
        )}
      </td>
      {manages && (
        <td role="cell" className="menu-cell">
          <ActionMenu label={t.users.actionsFor(u.name)} choices={choicesFor(text, u)} onChoose={(id) => act(id, u)} />
        </td>
      )}
    </tr>
  );
}

/** Since when, or until when, somebody stands as they do. */
function standing({ t, relative, date }: Text, u: User): string | undefined {
  switch (u.status) {
    case 'requested':
    case 'invited':
      return u.invitation ? t.users.ends(relative(u.invitation.expiresAt)) : undefined;
    case 'expired':
      return u.invitation ? t.users.ended(relative(new Date(Math.min(Date.parse(u.invitation.expiresAt), Date.now())))) : undefined;
    case 'active':
      return u.activatedAt ? t.users.joined(date(u.activatedAt)) : undefined;
    case 'archived':
      return u.archivedAt ? t.users.archivedAt(date(u.archivedAt)) : undefined;
    case 'declined':
      return undefined;
  }
}

function GroupTags({ ids }: { ids: string[] }) {
  const { t } = useText();
  const { groups } = usePlace();
  if (ids.length === 0) return null;
  const names = ids.map((id) => groups.find((g) => g.id === id)?.name ?? id);
  return (
    <span className="tags">
      {names.slice(0, 2).map((n) => (
        <span key={n} className="tag">
          {n}
        </span>
      ))}
      {names.length > 2 && (
        <span className="tag" title={names.slice(2).join(', ')}>
          {t.users.moreGroups(names.length - 2)}
        </span>
      )}
    </span>
  );
}
