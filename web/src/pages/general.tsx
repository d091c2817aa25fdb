// Workspace settings > General.
import { useId, useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { api, body, problem, type Problem, type Workspace } from '../api';
import { Panel, tell } from '../overlay';
import { usePlace } from '../place';
import { languages, useText } from '../text';
import { explain, Field, Heading, Refusal } from '../ui';
import { nothingUnsaved, useUnsaved } from '../unsaved';
import { errorAt } from '../users/form';

interface Draft {
  name: string;
  invitationDays: string;
  reminderDays: string;
  domains: string;
  seatLimit: string;
  locale: string;
  timezone: string;
  directory: Workspace['directory'];
  personalMessages: boolean;
  notifyInviters: boolean;
  productName: string;
  logoUrl: string;
  accentColor: string;
  replyTo: string;
  supportAddress: string;
}

const looks = ['productName', 'logoUrl', 'accentColor', 'replyTo', 'supportAddress'] as const;

function draftOf(w: Workspace): Draft {
  return {
    name: w.name,
    invitationDays: String(w.invitationDays),
    reminderDays: String(w.reminderDays),
    domains: w.allowedEmailDomains.join('\n'),
    seatLimit: w.seatLimit === null ? '' : String(w.seatLimit),
    locale: w.locale,
    timezone: w.timezone,
    directory: w.directory,
    personalMessages: w.personalMessages,
    notifyInviters: w.notifyInviters,
    productName: w.productName ?? '',
    logoUrl: w.logoUrl ?? '',
    accentColor: w.accentColor ?? '',
    replyTo: w.replyTo ?? '',
    supportAddress: w.supportAddress ?? '',
  };
}

/** The settings as the API takes them. */
function settingsOf(d: Draft) {
  return {
    name: d.name,
    invitationDays: Number(d.invitationDays),
    reminderDays: Number(d.reminderDays),
    allowedEmailDomains: d.domains.split(/[\s,;]+/).filter(Boolean),
    seatLimit: d.seatLimit.trim() === '' ? null : Number(d.seatLimit),
    locale: d.locale,
    timezone: d.timezone,
    directory: d.directory,
    personalMessages: d.personalMessages,
    notifyInviters: d.notifyInviters,
    ...Object.fromEntries(looks.map((name) => [name, d[name].trim() || null])),
  };
}

/** What somebody else has changed meanwhile stays as they left it. */
function changes(from: Draft, to: Draft) {
  const before = Object.entries(settingsOf(from));
  const after = Object.entries(settingsOf(to));
  return Object.fromEntries(after.filter(([, value], i) => JSON.stringify(value) !== JSON.stringify(before[i]![1])));
}

export default function GeneralPage() {
  const { t } = useText();
  return (
    <div className="settings-column">
      <header className="page-head">
        <Heading>{t.general.title}</Heading>
      </header>
      <GeneralForm />
      <Deletion />
    </div>
  );
}

function GeneralForm() {
  const text = useText();
  const { t } = text;
  const { workspace, reload } = usePlace();
  const [saved, setSaved] = useState(draftOf(workspace));
  const [draft, setDraft] = useState(saved);
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const edit = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const changed = JSON.stringify(draft) !== JSON.stringify(saved);
  useUnsaved(changed);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setRefused(undefined);
    try {
      const now = draftOf(await body(api.PATCH('/v1/workspaces/{workspace}', { params: { path: { workspace: workspace.id } }, body: changes(saved, draft) })));
      setSaved(now);
      setDraft(now);
      reload();
      tell(t.general.saved);
    } catch (error) {
      setRefused(problem(error));
    }
    setBusy(false);
  }

  const errors = refused?.errors ?? [];
  const seats = refused?.code === 'seats_in_use' ? explain(text, refused) : errorAt(text, errors, '/seatLimit');
  const number = (name: 'invitationDays' | 'reminderDays' | 'seatLimit', label: string, hint: string, min: number, max: number, error = errorAt(text, errors, `/${name}`)) => (
    <Field label={label} hint={hint} error={error} optional={name === 'seatLimit'}>
      {(props) => (
        <input {...props} className="short" type="number" inputMode="numeric" min={min} max={max} value={draft[name]} onChange={(e) => edit({ [name]: e.target.value })} />
      )}
    </Field>
  );
  return (
    <form onSubmit={submit} noValidate>
      <fieldset className="bare" disabled={busy}>
        <section className="card group-of-settings">
          <h2>{t.general.workspace}</h2>
          <Field label={t.general.name} error={errorAt(text, errors, '/name')}>
            {(props) => <input {...props} value={draft.name} maxLength={100} onChange={(e) => edit({ name: e.target.value })} />}
          </Field>
          <Field label={t.general.address} optional="unmarked" hint={t.general.addressHint}>
            {(props) => <input {...props} readOnly value={`${location.origin}/${workspace.slug}`} />}
          </Field>
          {number('seatLimit', t.general.seats, t.general.seatsHint, 1, 1_000_000, seats)}
        </section>
        <section className="card group-of-settings">
          <h2>{t.general.invitations}</h2>
          {number('invitationDays', t.general.invitationDays, t.general.invitationDaysHint, 1, 30)}
          {number('reminderDays', t.general.reminderDays, t.general.reminderDaysHint, 0, 29)}
          <Field label={t.general.domains} optional hint={t.general.domainsHint} error={errorAt(text, errors, '/allowedEmailDomains')}>
            {(props) => <textarea {...props} rows={3} spellCheck={false} placeholder="example.com" value={draft.domains} onChange={(e) => edit({ domains: e.target.value })} />}
          </Field>
          <label className="check">
            <input type="checkbox" checked={draft.personalMessages} onChange={(e) => edit({ personalMessages: e.target.checked })} />
            <span>
              {t.general.personal}
              <span className="hint block">{t.general.personalHint}</span>
            </span>
          </label>
        </section>
        <section className="card group-of-settings">
          <h2>{t.general.mails}</h2>
          <Field label={t.general.locale} hint={t.general.localeHint} error={errorAt(text, errors, '/locale')}>
            {(props) => (
              <select {...props} value={draft.locale} onChange={(e) => edit({ locale: e.target.value })}>
                {!(draft.locale in languages) && <option value={draft.locale}>{draft.locale}</option>}
                {Object.entries(languages).map(([tag, name]) => (
                  <option key={tag} value={tag} lang={tag}>
                    {name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={t.general.timezone} hint={t.general.timezoneHint} error={errorAt(text, errors, '/timezone')}>
            {(props) => (
              <select {...props} value={draft.timezone} onChange={(e) => edit({ timezone: e.target.value })}>
                {[...new Set([draft.timezone, 'UTC', ...Intl.supportedValuesOf('timeZone')])].map((zone) => (
                  <option key={zone}>{zone}</option>
                ))}
              </select>
            )}
          </Field>
          <label className="check">
            <input type="checkbox" checked={draft.notifyInviters} onChange={(e) => edit({ notifyInviters: e.target.checked })} />
            {t.general.notifyInviters}
          </label>
        </section>
        <section className="card group-of-settings">
          <h2>{t.general.branding}</h2>
          {looks.map((name) => (
            <Field key={name} label={t.general[name]} optional hint={t.general[`${name}Hint`]} error={errorAt(text, errors, `/${name}`)}>
              {(props) => <input {...props} value={draft[name]} spellCheck={false} onChange={(e) => edit({ [name]: e.target.value })} />}
            </Field>
          ))}
        </section>
        <Directory value={draft.directory} onChange={(directory) => edit({ directory })} />
      </fieldset>
      {errors.length === 0 && refused?.code !== 'seats_in_use' && <Refusal problem={refused} />}
      <div className={changed ? 'buttons save-bar' : 'buttons below'}>
        <button className="button primary" disabled={busy || !changed}>
          {t.common.save}
        </button>
        <button type="button" className="button" disabled={!changed} onClick={() => setDraft(saved)}>
          {t.general.discard}
        </button>
      </div>
    </form>
  );
}

/** Deletes the workspace, after its slug was typed. */
function Deletion() {
  const text = useText();
  const { t } = text;
  const { workspace } = usePlace();
  const [, go] = useLocation();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (typed !== workspace.slug) return;
    setBusy(true);
    setRefused(undefined);
    try {
      const gone = await body(api.DELETE('/v1/workspaces/{workspace}', { params: { path: { workspace: workspace.id } }, body: { slug: typed } }));
      tell(t.general.deletion.done(workspace.name, text.date(gone.restorableUntil)));
      nothingUnsaved();
      go('/');
    } catch (error) {
      setRefused(problem(error));
      setBusy(false);
    }
  }

  return (
    <section className="card group-of-settings">
      <h2>{t.general.deletion.title}</h2>
      <p className="soft">{t.general.deletion.hint}</p>
      <div className="buttons">
        <button className="button danger" onClick={() => setOpen(true)}>
          {t.general.deletion.open}
        </button>
      </div>
      {open && (
        <Panel title={t.general.deletion.confirm(workspace.name)} onClose={() => setOpen(false)}>
          <form onSubmit={submit} noValidate>
            <div className="dialog-body">
              <p>{t.general.deletion.hint}</p>
              <Field label={t.general.deletion.type(workspace.slug)}>
                {(props) => <input {...props} className="code" value={typed} spellCheck={false} autoComplete="off" autoCapitalize="none" onChange={(e) => setTyped(e.target.value)} />}
              </Field>
              <Refusal problem={refused} />
            </div>
            <div className="buttons dialog-foot">
              <button className="button danger" disabled={busy || typed !== workspace.slug}>
                {t.general.deletion.open}
              </button>
              <button type="button" className="button" onClick={() => setOpen(false)}>
                {t.common.cancel}
              </button>
            </div>
          </form>
        </Panel>
      )}
    </section>
  );
}

function Directory({ value, onChange }: { value: Workspace['directory']; onChange: (value: Workspace['directory']) => void }) {
  const id = useId();
  const { t } = useText();
  return (
    <fieldset className="card fieldset group-of-settings" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{t.general.directory}</h2>
      {(['admins', 'members'] as const).map((who) => (
        <label key={who} className="check">
          <input type="radio" name={id} checked={value === who} onChange={() => onChange(who)} />
          {t.general.directories[who]}
        </label>
      ))}
    </fieldset>
  );
}
