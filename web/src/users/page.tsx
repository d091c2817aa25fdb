// Workspace settings > Users: who is here, who is on the way, and what became
// of everybody else.
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { Download, Plus, Search, Users } from '../icons';
import { manages as managesPeople, usePlace } from '../place';
import { useText } from '../text';
import { Failure, Heading, intoView, Notice, Refusal } from '../ui';
import { useActions } from './actions';
import type { Verb } from './bulk';
import type { Job } from './bulk-dialog';
import { Display, useColumns } from './columns';
import type { Command } from './commands';
import { isNarrow, statuses, useAddress } from './filter';
import { Funnel } from './funnel';
import { useUsers } from './list';
import { Selection } from './selection';
import { Skeleton, Table } from './table';

const BulkDialog = lazy(() => import('./bulk-dialog'));
const CommandMenu = lazy(() => import('./commands'));

export default function UsersPage() {
  const { t, number } = useText();
  const { workspace, me } = usePlace();
  const [, navigate] = useLocation();
  const { filter, selected, set, search, select, clear } = useAddress();
  const list = useUsers(workspace.id, filter);
  const actions = useActions(list);
  const { shown, show } = useColumns();
  const [job, setJob] = useState<Job>();
  const [commanding, setCommanding] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  useKeys(() => box.current?.focus(), () => setCommanding(true));

  const manages = managesPeople(me);
  const total = list.counts && Object.values(list.counts).reduce((a, b) => a + b, 0);
  const filtered = filter.status.length > 0 || isNarrow(filter);
  const matching = matchingOf();
  const known = selected === 'all' ? list.users : list.users.filter((u) => selected.has(u.id));
  const settings = `/${workspace.slug}/workspace-settings`;

  /** How many match; the API counts by status alone. */
  function matchingOf(): number | undefined {
    if (!list.more && !list.loading) return list.users.length;
    if (isNarrow(filter) || !list.counts) return undefined;
    return filter.status.length === 0 ? total : list.counts[filter.status[0]!];
  }

  const begin = (verb: Verb) => setJob({ verb, selected, known, total: selected === 'all' ? matching : selected.size });
  const exportAll = () => setJob({ verb: 'export', selected: 'all', known: list.users, total: matching, confirmed: true });

  const commands = (): Command[] => [
    ...(manages ? [{ id: 'add', label: t.users.add, run: () => navigate(`${settings}/users/add`) }] : []),
    { id: 'all', label: t.commands.show(t.users.all), run: () => set('status', '') },
    ...(manages ? [{ id: 'attention', label: t.commands.show(t.users.attention), run: () => set('status', 'attention') }] : []),
    ...statuses.map((s) => ({ id: s, label: t.commands.show(t.status[s]), run: () => set('status', s) })),
    { id: 'newest', label: t.users.newest, run: () => set('sort', '') },
    { id: 'oldest', label: t.users.oldest, run: () => set('sort', 'oldest') },
    { id: 'find', label: t.users.search, run: () => setTimeout(() => box.current?.focus()) },
    { id: 'clear', label: t.users.clear, run: clear },
    ...(manages
      ? [
          { id: 'select', label: t.users.selectMatching, run: () => select('all') },
          { id: 'export', label: t.users.export, run: exportAll },
        ]
      : []),
    ...(['groups', 'history', 'general'] as const).map((page) => ({ id: page, label: t.commands.go(t.workspace[page]), run: () => navigate(`${settings}/${page}`) })),
    { id: 'home', label: t.commands.go(t.home.title), run: () => navigate('/') },
  ];

  const tab = (at: string, label: string, n?: number) => <StatusTab key={at} label={label} n={n} at={at} current={at === tabOf()} set={set} />;
  const tabOf = () => (filter.attention ? 'attention' : (filter.status[0] ?? ''));

  return (
    <>
      <header className="page-head people-head">
        <Heading>{t.workspace.users}</Heading>
        {total !== undefined && (
          <p className="soft">
            {t.users.total(total)}
            {workspace.seatLimit !== null && list.counts && (
              <> · {t.users.seats(number(list.counts.active + list.counts.invited + list.counts.requested), number(workspace.seatLimit))}</>
            )}
          </p>
        )}
        <span className="grow" />
        {manages && (
          <Link className="button primary" href={`${settings}/users/add`}>
            <Plus size={18} /> {t.users.add}
          </Link>
        )}
      </header>
      {workspace.invitationsPaused && <Notice bad>{t.general.paused}</Notice>}
      {manages && <Funnel workspace={workspace.id} />}
      <nav className="tabs" aria-label={t.users.byStatus}>
        {tab('', t.users.all, total)}
        {manages && tab('attention', t.users.attention, filter.attention && !isPartial() ? list.users.length : undefined)}
        {statuses.map((s) => tab(s, t.status[s], list.counts?.[s]))}
      </nav>
      <div className="filters" role="search">
        <SearchBox box={box} q={filter.q} onSearch={search} />
        <select aria-label={t.person.role} value={filter.role ?? ''} onChange={(e) => set('role', e.target.value)}>
          <option value="">{t.users.anyRole}</option>
          {(['admin', 'builder', 'end-user'] as const).map((r) => (
            <option key={r} value={r}>
              {t.role[r]}
            </option>
          ))}
        </select>
        <GroupFilter value={filter.group ?? ''} onChange={(g) => set('group', g)} />
        <Display shown={shown} onShow={show} sort={filter.sort} onSort={(sort) => set('sort', sort)} />
        {manages && (
          <button className="button" onClick={exportAll}>
            <Download size={18} /> {t.users.export}
          </button>
        )}
      </div>
      <p className="out-of-sight" role="status">
        {list.loading ? t.common.loading : t.users.shown(list.users.length)}
      </p>
      {manages && (selected === 'all' || selected.size > 0) && (
        <Selection
          selected={selected} known={known} matching={matching} more={list.more}
          onAll={() => select('all')} onClear={() => select(new Set())} onVerb={begin}
        />
      )}
      {list.problem && list.users.length === 0 ? (
        <Failure problem={list.problem} retry={list.reload} />
      ) : list.users.length > 0 ? (
        <Table
          list={list} filter={filter} columns={filter.attention ? shown.filter((c) => c === 'email' || c === 'status') : shown} manages={manages}
          selected={selected} select={select} onSort={(sort) => set('sort', sort)} actions={actions}
        />
      ) : (
        !list.loading && (list.more ? <p className="empty">{t.users.nobodySoFar}</p> : <Nobody filtered={filtered} attention={filter.attention} clear={clear} />)
      )}
      {list.loading && list.users.length === 0 && <Skeleton />}
      {!list.loading && !filtered && total === 1 && <Nobody clear={clear} />}
      {list.problem && list.users.length > 0 && <Refusal problem={list.problem} />}
      {list.more && (list.users.length > 0 || !list.loading) && (
        <p className="load-more">
          <button className="button" disabled={list.loading} onClick={list.loadMore}>
            {list.loading ? t.common.loading : t.users.more}
          </button>
        </p>
      )}
      {actions.dialogs}
      <Suspense>
        {job && (
          <BulkDialog
            key={JSON.stringify([job.verb, job.confirmed])} job={job} filter={filter}
            onChanges={(changes) => {
              if (changes.size === 0) return;
              if (job.selected === 'all') list.reload();
              else list.replace(changes);
              select(new Set());
            }}
            onUndo={setJob} onClose={() => setJob(undefined)}
          />
        )}
        {commanding && <CommandMenu commands={commands()} onSearch={search} onClose={() => setCommanding(false)} />}
      </Suspense>
    </>
  );

  /** Whether more may match than are shown. */
  function isPartial(): boolean {
    return list.more || list.loading;
  }
}

/** / searches, and Ctrl+K or Cmd+K opens the command menu; not while somebody writes or a dialog is open. */
function useKeys(find: () => void, command: () => void) {
  const run = useRef({ find, command });
  run.current = { find, command };
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      const at = e.target as HTMLElement;
      const busy = document.querySelector('[role=dialog], [role=menu]') !== null;
      if (e.isComposing || busy) return;
      if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === 'k') {
        e.preventDefault();
        run.current.command();
      } else if (e.key === '/' && !e.ctrlKey && !e.metaKey && !e.altKey && !at.closest('input:not([type=checkbox]), select, textarea')) {
        e.preventDefault();
        run.current.find();
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function SearchBox({ box, q, onSearch }: { box: React.RefObject<HTMLInputElement | null>; q: string; onSearch: (q: string) => void }) {
  const { t } = useText();
  const [typed, setTyped] = useState(q);
  const said = useRef(q);
  useEffect(() => {
    // What the address says from elsewhere, such as a command or Back.
    if (q !== said.current) setTyped((said.current = q));
  }, [q]);
  useEffect(() => {
    if (typed.trim() === said.current) return;
    const soon = setTimeout(() => onSearch((said.current = typed.trim())), 300);
    return () => clearTimeout(soon);
  }, [typed]);
  return (
    <label className="search">
      <Search size={18} />
      <span className="out-of-sight">{t.users.search}</span>
      <input
        ref={box} type="search" value={typed} placeholder={t.users.search} maxLength={100} autoComplete="off" aria-keyshortcuts="/" onChange={(e) => setTyped(e.target.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
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

function Nobody({ filtered, attention, clear }: { filtered?: boolean; attention?: boolean; clear: () => void }) {
  const { t } = useText();
  const { workspace, me } = usePlace();
  return (
    <div className="empty">
      <Users size={28} />
      <p>{attention ? t.users.nobodyWaits : filtered ? t.users.nobodyFound : t.users.onlyYou}</p>
      {filtered ? (
        <button className="button" onClick={clear}>
          {t.users.clear}
        </button>
      ) : (
        managesPeople(me) && (
          <Link className="button" href={`/${workspace.slug}/workspace-settings/users/add`}>
            <Plus size={18} /> {t.users.add}
          </Link>
        )
      )}
    </div>
  );
}
