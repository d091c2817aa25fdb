// What an admin fills in about a person, when inviting and when editing.
import { useEffect, useId, useState, type RefObject } from 'react';
import type { FieldError, Problem, Role } from '../api';
import { usePlace } from '../place';
import { languages, useText, type Text } from '../text';
import { explainField, Field } from '../ui';
import { MetadataEditor } from './metadata';

export interface Draft {
  name: string;
  email: string;
  role: Role;
  groups: string[];
  metadata: string;
  message: string;
  locale: string; // "" for the workspace's
  sendEmail: boolean;
  expiresInDays: string; // "" for the workspace's
}

export const emptyDraft: Draft = {
  name: '', email: '', role: 'end-user', groups: [], metadata: '', message: '', locale: '', sendEmail: true, expiresInDays: '',
};

const roles: Role[] = ['admin', 'builder', 'end-user'];

interface Props {
  draft: Draft;
  errors: FieldError[];
  onChange: (change: Partial<Draft>) => void;
  /** Leaves out what only an invitation has. */
  editing?: boolean;
}

/** What the API found wrong at a place, and below it. */
export function errorAt(text: Text, errors: FieldError[], pointer: string): string | undefined {
  const found = errors.filter((e) => e.pointer === pointer || e.pointer.startsWith(`${pointer}/`));
  return found.length > 0 ? found.map((e) => explainField(text, e)).join(' ') : undefined;
}

/** Moves the focus to the first field that was refused. */
export function useFocusOnError(form: RefObject<HTMLFormElement | null>, refused: Problem | undefined): void {
  useEffect(() => {
    if (refused) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refused]);
}

export function PersonForm({ draft, errors, onChange, editing }: Props) {
  const text = useText();
  const { t } = text;
  return (
    <>
      <Field label={t.person.name} error={errorAt(text, errors, '/name')}>
        {(props) => <input {...props} value={draft.name} maxLength={100} autoComplete="off" onChange={(e) => onChange({ name: e.target.value })} />}
      </Field>
      <Field label={t.person.email} error={errorAt(text, errors, '/email')} hint={editing ? t.person.emailFixed : undefined}>
        {(props) => (
          <input
            {...props} type="email" inputMode="email" autoComplete="off" value={draft.email} maxLength={254} readOnly={editing}
            onChange={(e) => onChange({ email: e.target.value })}
          />
        )}
      </Field>
      <RoleChoice value={draft.role} error={errorAt(text, errors, '/role')} onChange={(role) => onChange({ role })} />
      <GroupChoice value={draft.groups} error={errorAt(text, errors, '/groups')} onChange={(groups) => onChange({ groups })} />
      <MetadataEditor value={draft.metadata} error={errorAt(text, errors, '/metadata')} onChange={(metadata) => onChange({ metadata })} />
      {!editing && <InvitationOptions draft={draft} errors={errors} onChange={onChange} />}
    </>
  );
}

export function RoleChoice({ value, error, onChange }: { value: Role; error?: string; onChange: (role: Role) => void }) {
  const id = useId();
  const { t } = useText();
  return (
    <fieldset className="fieldset">
      <legend>{t.person.role}</legend>
      <div className="roles">
        {roles.map((role) => (
          <label key={role} className="role-card">
            <input type="radio" name={id} value={role} checked={value === role} aria-describedby={`${id}-${role}`} onChange={() => onChange(role)} />
            <span>
              <strong>{t.role[role]}</strong>
              <span id={`${id}-${role}`} className="soft small">
                {t.roleHint[role]}
              </span>
            </span>
          </label>
        ))}
      </div>
      {error && <p className="wrong">{error}</p>}
    </fieldset>
  );
}

export function GroupChoice({ value, error, onChange }: { value: string[]; error?: string; onChange: (groups: string[]) => void }) {
  const { t } = useText();
  const { groups } = usePlace();
  const [filter, setFilter] = useState('');
  const wanted = filter.trim().toLowerCase();
  const shown = groups.filter((g) => g.name.toLowerCase().includes(wanted) || g.id.includes(wanted));
  return (
    <fieldset className="fieldset">
      <legend>
        {t.person.groups} <span className="soft">{t.common.optional}</span>
      </legend>
      {groups.length === 0 && <p className="hint">{t.person.noGroups}</p>}
      {groups.length > 8 && (
        <input type="search" value={filter} aria-label={t.person.findGroup} placeholder={t.person.findGroup} onChange={(e) => setFilter(e.target.value)} />
      )}
      {groups.length > 0 && (
        <div className="groups" role="group" aria-label={t.person.groups} tabIndex={shown.length > 8 ? 0 : undefined}>
          {shown.map((g) => (
            <label key={g.id} className="check">
              <input
                type="checkbox" checked={value.includes(g.id)}
                onChange={(e) => onChange(e.target.checked ? [...value, g.id] : value.filter((id) => id !== g.id))}
              />
              {g.name}
            </label>
          ))}
        </div>
      )}
      {error && <p className="wrong">{error}</p>}
    </fieldset>
  );
}

function InvitationOptions({ draft, errors, onChange }: Props) {
  const text = useText();
  const { t } = text;
  const { workspace } = usePlace();
  const wrong = ['/message', '/locale', '/expiresInDays', '/sendEmail'].some((p) => errorAt(text, errors, p));
  const [open, setOpen] = useState(false);
  return (
    <details className="more" open={open || wrong} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{t.person.more}</summary>
      <div className="more-body">
        <label className="check">
          <input type="checkbox" checked={draft.sendEmail} onChange={(e) => onChange({ sendEmail: e.target.checked })} />
          <span>
            {t.person.sendEmail}
            <span className="hint block">{t.person.sendEmailHint}</span>
          </span>
        </label>
        {workspace.personalMessages && (
          <Field label={t.person.message} optional error={errorAt(text, errors, '/message')} hint={t.person.messageHint}>
            {(props) => <textarea {...props} rows={3} maxLength={500} value={draft.message} onChange={(e) => onChange({ message: e.target.value })} />}
          </Field>
        )}
        <Field label={t.person.locale} optional error={errorAt(text, errors, '/locale')}>
          {(props) => (
            <select {...props} value={draft.locale} onChange={(e) => onChange({ locale: e.target.value })}>
              <option value="">{t.person.workspaceLocale(workspace.locale)}</option>
              {Object.entries(languages).map(([tag, name]) => (
                <option key={tag} value={tag} lang={tag}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t.person.expires} optional error={errorAt(text, errors, '/expiresInDays')} hint={t.person.expiresHint(workspace.invitationDays)}>
          {(props) => (
            <input
              {...props} type="number" inputMode="numeric" min={1} max={30} value={draft.expiresInDays} placeholder={String(workspace.invitationDays)}
              onChange={(e) => onChange({ expiresInDays: e.target.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}
