// Workspace settings > Groups.
import { useState, type FormEvent } from 'react';
import { Link } from 'wouter';
import { api, problem, type Group, type Problem } from '../api';
import { Plus, Tag } from '../icons';
import { ActionMenu, Confirm, Panel, tell } from '../overlay';
import { usePlace } from '../place';
import { useText } from '../text';
import { explain, Field, Heading, Notice } from '../ui';
import { errorAt } from '../users/form';

type Open = { what: 'make' } | { what: 'rename' | 'delete'; group: Group };

export default function GroupsPage() {
  const text = useText();
  const { t } = text;
  const { workspace, groups, me, reload } = usePlace();
  const [open, setOpen] = useState<Open>();
  const manages = me.role === 'admin';
  const close = () => setOpen(undefined);

  async function remove(group: Group) {
    close();
    try {
      const { response } = await api.DELETE('/v1/workspaces/{workspace}/groups/{group}', { params: { path: { workspace: workspace.id, group: group.id } } });
      tell(response.status === 202 ? t.groups.deleting(group.name) : t.groups.deleted(group.name));
      reload();
    } catch (error) {
      tell(explain(text, problem(error)), { bad: true });
    }
  }

  return (
    <div className="settings-column">
      <header className="page-head">
        <div>
          <Heading>{t.workspace.groups}</Heading>
          <p className="soft">{t.groups.lead}</p>
        </div>
        <span className="grow" />
        {manages && (
          <button className="button primary" onClick={() => setOpen({ what: 'make' })}>
            <Plus size={18} /> {t.groups.make}
          </button>
        )}
      </header>
      {groups.length === 0 ? (
        <div className="card empty">
          <Tag size={28} />
          <p>{t.groups.none}</p>
        </div>
      ) : (
        <ul className="plain-list">
          {groups.map((g) => (
            <li key={g.id}>
              <span className="grow">
                <strong>{g.name}</strong> <code className="soft small block">{g.id}</code>
              </span>
              <Link className="button quiet" href={`/${workspace.slug}/workspace-settings/users?group=${g.id}`} aria-label={t.groups.peopleOf(g.name)}>
                {t.groups.people}
              </Link>
              {manages && (
                <ActionMenu
                  label={t.users.actionsFor(g.name)}
                  choices={[
                    { id: 'rename', label: t.groups.rename },
                    { id: 'delete', label: t.groups.remove, danger: true },
                  ]}
                  onChoose={(id) => setOpen({ what: id as 'rename' | 'delete', group: g })}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {(open?.what === 'make' || open?.what === 'rename') && <GroupPanel group={'group' in open ? open.group : undefined} onClose={close} />}
      {open?.what === 'delete' && (
        <Confirm title={t.groups.removeTitle(open.group.name)} action={t.groups.remove} onConfirm={() => void remove(open.group)} onClose={close}>
          <p>{t.groups.removeHint}</p>
        </Confirm>
      )}
    </div>
  );
}

/** An id in the form that the API takes, from a name. */
function idFrom(name: string): string {
  return name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50);
}

function GroupPanel({ group, onClose }: { group?: Group; onClose: () => void }) {
  const text = useText();
  const { t } = text;
  const { workspace, groups, reload } = usePlace();
  const [name, setName] = useState(group?.name ?? '');
  const [typedID, setTypedID] = useState<string>();
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const id = group?.id ?? typedID ?? idFrom(name);
  const taken = !group && groups.some((g) => g.id === id);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (taken || id === '') return;
    setBusy(true);
    try {
      await api.PUT('/v1/workspaces/{workspace}/groups/{group}', { params: { path: { workspace: workspace.id, group: id } }, body: { name } });
      reload();
      onClose();
    } catch (error) {
      setRefused(problem(error));
      setBusy(false);
    }
  }

  const errors = refused?.errors ?? [];
  return (
    <Panel title={group ? t.groups.renameTitle(group.name) : t.groups.make} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <div className="dialog-body">
          {refused && errors.length === 0 && <Notice bad>{explain(text, refused)}</Notice>}
          <Field label={t.groups.name} error={errorAt(text, errors, '/name')}>
            {(props) => <input {...props} value={name} maxLength={100} onChange={(e) => setName(e.target.value)} />}
          </Field>
          <Field label={t.groups.id} hint={t.groups.idHint} error={taken ? t.groups.taken : errorAt(text, errors, '/group')}>
            {(props) => <input {...props} className="code" value={id} maxLength={50} readOnly={group !== undefined} onChange={(e) => setTypedID(e.target.value)} />}
          </Field>
        </div>
        <div className="buttons dialog-foot">
          <button className="button primary" disabled={busy || taken || id === ''}>
            {group ? t.common.save : t.groups.make}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t.common.cancel}
          </button>
        </div>
      </form>
    </Panel>
  );
}
