// The people of the list, one line each.
import { Fragment, useEffect, useRef, type ReactNode } from 'react';
import type { Problem, User } from '../api';
import { Alert, Close, Down } from '../icons';
import { ActionMenu } from '../overlay';
import { usePlace } from '../place';
import { Time, useText } from '../text';
import { Avatar, Refusal, roleName, StatusChip } from '../ui';
import { choicesFor, repairsFor, type Actions } from './actions';
import type { Column } from './columns';
import { mailNote, standing } from './delivery';
import type { Filter, Selected } from './filter';
import type { UserList } from './list';
import { useNames } from './names';
import { actorName } from './timeline';

interface TableProps {
  list: UserList;
  filter: Filter;
  columns: Column[];
  manages: boolean;
  selected: Selected;
  select: (ids: Selected) => void;
  onSort: (sort: string) => void;
  actions: Actions;
}

// The roles are spelled out, since on narrow screens the rows are laid out as
// cards, and a browser would not take them for a table any more.
export function Table({ list, filter, columns, manages, selected, select, onSort, actions }: TableProps) {
  const { t } = useText();
  const { workspace } = usePlace();
  const nameOf = useNames(workspace.id, columns.includes('inviter') ? list.users : []);
  const has = (u: User) => selected === 'all' || selected.has(u.id);
  const all = list.users.every(has);
  const some = list.users.some(has);
  return (
    <table className={filter.attention ? 'people repairing' : 'people'} role="table" aria-label={t.workspace.users} aria-busy={list.loading}>
      <colgroup>
        {manages && <col className="pick" />}
        <col />
        {columns.map((c) => (
          <col key={c} className={`c-${c}`} />
        ))}
        {filter.attention && manages && <col className="c-repair" />}
        {manages && <col className="menu-cell" />}
      </colgroup>
      <thead role="rowgroup">
        <tr role="row">
          {manages && (
            <th role="columnheader" className="pick">
              <SelectAll all={all} some={some} onChange={() => select(all ? new Set() : new Set(list.users.map((u) => u.id)))} />
            </th>
          )}
          <th role="columnheader" className="c-person">{t.users.columns.person}</th>
          {columns.map((c) =>
            c === 'added' ? (
              <th key={c} role="columnheader" className={`c-${c}`} aria-sort={filter.sort === 'oldest' ? 'ascending' : 'descending'}>
                <button className="sorter" title={filter.sort === 'oldest' ? t.users.oldest : t.users.newest} onClick={() => onSort(filter.sort === 'oldest' ? '' : 'oldest')}>
                  {t.users.columns[c]} <Down size={14} />
                </button>
              </th>
            ) : (
              <th key={c} role="columnheader" className={`c-${c}`}>
                {t.users.columns[c]}
              </th>
            ),
          )}
          {filter.attention && manages && (
            <th role="columnheader" className="c-repair">
              {t.users.columns.repair}
            </th>
          )}
          {manages && (
            <th role="columnheader" className="menu-cell">
              <span className="out-of-sight">{t.users.columns.actions}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {list.users.map((u) => (
          <Fragment key={u.id}>
            <Row
              u={u} columns={columns} manages={manages} repair={filter.attention} inviter={nameOf(u.invitation?.invitedBy ?? '')} picked={has(u)} act={actions.act}
              pick={() => {
                const now = new Set(selected === 'all' ? list.users.map((other) => other.id) : selected);
                if (!now.delete(u.id)) now.add(u.id);
                select(now);
              }}
            />
            {actions.refused?.user === u.id && <RefusedRow problem={actions.refused.problem} onClose={actions.dismiss} />}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

function SelectAll({ all, some, onChange }: { all: boolean; some: boolean; onChange: () => void }) {
  const { t } = useText();
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    box.current!.indeterminate = some && !all;
  }, [some, all]);
  return <input ref={box} type="checkbox" aria-label={t.users.selectAll} checked={all} onChange={onChange} />;
}

/** Why an action was refused, below the person it was meant for. */
function RefusedRow({ problem, onClose }: { problem: Problem; onClose: () => void }) {
  const { t } = useText();
  return (
    <tr role="row" className="refused-row">
      <td role="cell" colSpan={99}>
        <Refusal problem={problem}>
          <button
            className="button quiet icon-only" aria-label={t.common.close}
            onClick={(e) => {
              const row = e.currentTarget.closest('tr')?.previousElementSibling;
              onClose();
              row?.querySelector<HTMLElement>('.menu-cell button')?.focus();
            }}
          >
            <Close size={16} />
          </button>
        </Refusal>
      </td>
    </tr>
  );
}

interface RowProps {
  u: User;
  columns: Column[];
  manages: boolean;
  repair: boolean;
  inviter: string | null | undefined;
  picked: boolean;
  pick: () => void;
  act: Actions['act'];
}

function Row({ u, columns, manages, repair, inviter, picked, pick, act }: RowProps) {
  const text = useText();
  const { t } = text;
  const { me } = usePlace();
  return (
    <tr role="row" className={picked ? 'picked' : undefined}>
      {manages && (
        <td role="cell" className="pick">
          <input type="checkbox" aria-label={t.users.select(u.name)} checked={picked} onChange={pick} />
        </td>
      )}
      <th role="rowheader" scope="row" className="c-person">
        <span className="who">
          <Avatar name={u.name} />
          <Clip title={u.name}>{u.name}</Clip>
          {u.id === me.id && <span className="tag">{t.users.you}</span>}
        </span>
      </th>
      {columns.map((c) => (
        <td key={c} role="cell" className={`c-${c}`}>
          {cellOf(c)}
        </td>
      ))}
      {repair && manages && (
        <td role="cell" className="c-repair">
          {repairsFor(text, u).map((r) => (
            <button key={r.id} className="button small" aria-label={t.users.repairOf(r.label, u.name)} onClick={() => act(r.id, u)}>
              {r.label}
            </button>
          ))}
        </td>
      )}
      {manages && (
        <td role="cell" className="menu-cell">
          <ActionMenu label={t.users.actionsFor(u.name)} choices={choicesFor(text, u)} onChoose={(id) => act(id, u)} />
        </td>
      )}
    </tr>
  );

  function cellOf(c: Column): ReactNode {
    switch (c) {
      case 'email':
        return <Clip title={u.email}>{u.email}</Clip>;
      case 'role':
        return <Clip>{roleName(text, u.role)}</Clip>;
      case 'groups':
        return <Groups ids={u.groups} />;
      case 'status':
        return <Standing u={u} />;
      case 'inviter': {
        const by = u.invitation?.invitedBy;
        if (!by) return null;
        const name = inviter === null && by.startsWith('usr_') ? t.history.somebody : actorName(text, by, inviter ?? '');
        return <Clip title={name}>{name}</Clip>;
      }
      case 'added':
        return <Time at={u.createdAt} form="date" />;
      case 'joined':
        return u.activatedAt && <Time at={u.activatedAt} form="date" />;
    }
  }
}

/** Words on one line: the whole of them on hovering, and where the row has the focus. */
function Clip({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span className="clip" title={title}>
      {children}
    </span>
  );
}

function Standing({ u }: { u: User }) {
  const text = useText();
  const mail = mailNote(text, u);
  const since = standing(text, u);
  const words = [mail?.bad && mail.words, since, !mail?.bad && mail?.words].filter(Boolean).join(' · ');
  return (
    <span className="standing">
      <StatusChip status={u.status} />
      <span className={mail?.bad ? 'clip wrong' : 'clip soft'} title={words}>
        {mail?.bad && <Alert size={14} />} {words}
      </span>
    </span>
  );
}

function Groups({ ids }: { ids: string[] }) {
  const { list } = useText();
  const { groups } = usePlace();
  if (ids.length === 0) return null;
  const names = list(ids.map((id) => groups.find((g) => g.id === id)?.name ?? id));
  return <Clip title={names}>{names}</Clip>;
}

/** Where the people will be, while the first of them are on their way. */
export function Skeleton() {
  return (
    <div className="skeleton" aria-hidden="true">
      {Array.from({ length: 10 }, (_, i) => (
        <div key={i}>
          <span />
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
