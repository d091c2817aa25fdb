// Workspace settings > Users > Add users: one person by form, many by pasted
// addresses or a CSV file.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { Button, DropZone, FileTrigger, isFileDropItem, Tab, TabList, TabPanel, Tabs, Text as Slot } from 'react-aria-components';
import { Link, useSearch } from 'wouter';
import { api, body, problem, type Problem, type Role } from '../api';
import { Back, Check as Tick, Copy, Download, Upload } from '../icons';
import { tell } from '../overlay';
import { usePlace } from '../place';
import { useText } from '../text';
import { explain, explainField, Failure, Field, Heading, Loading, Notice, Refusal, StatusChip, useLoad } from '../ui';
import { useUnsaved } from '../unsaved';
import { copy } from './clipboard';
import { emptyDraft, GroupChoice, PersonForm, RoleChoice, type Draft } from './form';
import { guess, needsMapping, targets, type Target } from './mapping';
import { change, Check, columns, isBusy, Job, readCSV, readPasted, readText, report, template, withMapping, withRoles, type Sheet } from './import';
import { download } from './list';
import { parseMetadata } from './metadata';
import { Repairs } from './repairs';
import { Preview, Progress, Result, ResultTable } from './sheet';

export default function AddUsersPage() {
  const { t } = useText();
  const { workspace, me } = usePlace();
  const opened = new URLSearchParams(useSearch()).get('import');
  if (me.role !== 'admin') {
    return (
      <>
        <Heading>{t.add.title}</Heading>
        <Notice>{t.workspace.adminsOnly}</Notice>
      </>
    );
  }
  return (
    <div className="wide-column">
      <Link className="back" href={`/${workspace.slug}/workspace-settings/users`}>
        <Back size={16} /> {t.workspace.users}
      </Link>
      <header className="page-head">
        <Heading>{t.add.title}</Heading>
      </header>
      {opened ? <Report key={opened} id={opened} /> : <Ways />}
    </div>
  );
}

function Ways() {
  const { t } = useText();
  return (
    <Tabs className="add-tabs">
      <TabList className="tabs" aria-label={t.add.ways}>
        <Tab className="tab" id="one">
          {t.add.one}
        </Tab>
        <Tab className="tab" id="paste">
          {t.add.paste}
        </Tab>
        <Tab className="tab" id="file">
          {t.add.file}
        </Tab>
      </TabList>
      <TabPanel id="one">
        <One />
      </TabPanel>
      <TabPanel id="paste">
        <Many entry={(use) => <Paste use={use} />} />
      </TabPanel>
      <TabPanel id="file">
        <Many entry={(use) => <CSVFile use={use} />} />
      </TabPanel>
    </Tabs>
  );
}

interface Invited {
  name: string;
  email: string;
  url: string;
  mailed: boolean;
  scheduledFor?: string;
}

function One() {
  const text = useText();
  const { t } = text;
  const { workspace } = usePlace();
  const [draft, setDraft] = useState(emptyDraft);
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const [invited, setInvited] = useState<Invited>();
  const key = useRef(''); // of this very invitation, so that a repeat invites nobody twice
  const parsed = parseMetadata(draft.metadata);

  function edit(change: Partial<Draft>) {
    key.current = '';
    setDraft({ ...draft, ...change });
    setRefused(refused?.without(Object.keys(change)));
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if ('fault' in parsed) return;
    setBusy(true);
    setRefused(undefined);
    key.current ||= crypto.randomUUID();
    try {
      const { name, email, role, groups, message, locale, sendEmail, expiresInDays } = draft;
      const made = await body(
        api.POST('/v1/workspaces/{workspace}/users', {
          params: { path: { workspace: workspace.id }, header: { 'Idempotency-Key': key.current } },
          body: {
            name, email, role, groups, sendEmail,
            metadata: parsed.value,
            message: message || undefined,
            locale: locale || undefined,
            expiresInDays: expiresInDays === '' ? undefined : Number(expiresInDays),
          },
        }),
      );
      const url = made.invitation && 'url' in made.invitation ? made.invitation.url : '';
      setInvited({ name: made.name, email: made.email, url, mailed: sendEmail, scheduledFor: made.invitation?.scheduledFor });
      setDraft({ ...emptyDraft, role, groups });
      key.current = '';
    } catch (error) {
      setRefused(problem(error));
    }
    setBusy(false);
  }

  if (invited) return <Done invited={invited} onAnother={() => setInvited(undefined)} />;
  const exists = refused?.code === 'user_exists' ? refused.user : undefined;
  return (
    <form className="card form" onSubmit={submit} noValidate>
      {exists && (
        <Notice bad>
          <p>
            {t.add.existsAs(draft.email)} <StatusChip status={exists.status} />
          </p>
          <Link href={`/${workspace.slug}/workspace-settings/users?status=${exists.status}`}>{t.add.find}</Link>
        </Notice>
      )}
      {refused && !exists && refused.errors.length === 0 && <Notice bad>{explain(text, refused)}</Notice>}
      <PersonForm draft={draft} errors={refused?.errors ?? []} onChange={edit} />
      <div className="buttons">
        <button className="button primary" disabled={busy || 'fault' in parsed}>
          {t.add.submit}
        </button>
        <Link className="button" href={`/${workspace.slug}/workspace-settings/users`}>
          {t.common.cancel}
        </Link>
      </div>
    </form>
  );
}

function Done({ invited, onAnother }: { invited: Invited; onAnother: () => void }) {
  const { t, dateTime } = useText();
  const { workspace } = usePlace();
  const { email, mailed, scheduledFor } = invited;
  return (
    <div className="card form" role="status">
      <h2 className="fine">
        <Tick /> {t.add.doneTitle(invited.name)}
      </h2>
      <p>{!mailed ? t.add.doneQuiet : scheduledFor ? t.add.doneLater(email, dateTime(scheduledFor)) : t.add.doneMailed(email)}</p>
      <Field label={t.add.link} optional="unmarked" hint={t.add.linkHint}>
        {(props) => (
          <span className="copy-row">
            <input {...props} readOnly value={invited.url} onFocus={(e) => e.currentTarget.select()} />
            <button
              className="button"
              onClick={() => void copy(() => Promise.resolve(invited.url)).then(() => tell(t.actions.copied(invited.name)))}
            >
              <Copy size={18} /> {t.add.copy}
            </button>
          </span>
        )}
      </Field>
      <div className="buttons">
        <button className="button primary" onClick={onAnother}>
          {t.add.another}
        </button>
        <Link className="button" href={`/${workspace.slug}/workspace-settings/users`}>
          {t.add.toList}
        </Link>
      </div>
    </div>
  );
}

/** The API's own words name the column. */
function whole(words: string, detail: string): string {
  return words === detail ? detail : `${words} (${detail})`;
}

type Step =
  | { at: 'entry' }
  | { at: 'checking' | 'preview'; check: Check }
  | { at: 'sending' | 'done'; job: Job; problem?: Problem };

/** From the entry by way of a check to the result. */
function Many({ entry }: { entry: (use: (sheet: Sheet) => void) => ReactNode }) {
  const text = useText();
  const { t } = text;
  const { workspace } = usePlace();
  const [step, setStep] = useState<Step>({ at: 'entry' });
  const [sheet, setSheet] = useState<Sheet>({ header: [], rows: [] });
  const [wrong, setWrong] = useState<string>();
  const [, setTick] = useState(0);
  const tick = () => setTick((n) => n + 1);
  useUnsaved(step.at === 'preview' || (step.at === 'sending' && !step.job.handedOver));

  async function check(given: Sheet) {
    setWrong(undefined);
    if (given.rows.length === 0) {
      setWrong(t.add.noRows);
      return;
    }
    const check = new Check(workspace.id, given);
    setStep({ at: 'checking', check });
    try {
      await check.go(tick);
      setSheet(check.sheet);
      setStep({ at: 'preview', check });
    } catch (error) {
      // About the file as a whole: its columns, or that it cannot be read.
      const p = problem(error);
      setWrong(p.errors.length > 0 ? p.errors.map((e) => whole(explainField(text, e), e.detail)).join(' ') : explain(text, p));
      setStep({ at: 'entry' });
    }
  }

  async function send(job: Job) {
    setStep({ at: 'sending', job });
    let failed: Problem | undefined;
    try {
      await job.go(tick);
    } catch (error) {
      failed = problem(error);
    }
    setSheet(job.sheet);
    setStep({ at: 'done', job, problem: failed });
  }

  switch (step.at) {
    case 'entry':
      return (
        <>
          {wrong && <Notice bad>{wrong}</Notice>}
          {entry((s) => void check(s))}
          <Imports />
        </>
      );
    case 'checking':
      return <Progress run={step.check} label={t.add.checking} />;
    case 'preview': {
      const count = (state: string) => sheet.rows.filter((r) => r.state === state).length;
      const good = count('good');
      const bad = sheet.rows.length - good - count('unchecked');
      const mended = count('unchecked') > 0;
      return (
        <>
          <Notice bad={good === 0}>
            <strong>{t.add.ready(good)}</strong> {step.check.scheduled > 0 && t.add.foreseen(step.check.scheduled)} {bad > 0 && t.add.problems(bad)}
          </Notice>
          <div className="buttons below">
            {mended ? (
              <button className="button primary" onClick={() => void check(sheet)}>
                {t.add.checkAgain}
              </button>
            ) : (
              <button className="button primary" disabled={good === 0} onClick={() => void send(new Job(workspace.id, sheet))}>
                {t.add.submitMany(good)}
              </button>
            )}
            <button className="button" onClick={() => setStep({ at: 'entry' })}>
              {t.add.startOver}
            </button>
          </div>
          <Repairs sheet={sheet} onChange={setSheet} />
          <Preview sheet={sheet} onChange={setSheet} />
        </>
      );
    }
    case 'sending': {
      const { job } = step;
      if (!job.handedOver) return <Progress run={{ done: job.import?.rows ?? 0, total: job.total }} label={t.add.handingOver} />;
      return <Progress run={job} label={t.add.sending} hint={t.add.goesOn} onStop={() => void change(job.import!, 'cancel').catch(() => undefined)} />;
    }
    case 'done': {
      const { job } = step;
      const rest = step.problem !== undefined || job.import?.status === 'stopped';
      return (
        <Result
          sheet={sheet} scheduled={job.import?.scheduled ?? 0} problem={step.problem}
          onContinue={rest ? () => void send(job) : undefined} onAgain={() => setStep({ at: 'entry' })}
        />
      );
    }
  }
}

/** The imports of the last days, from whatever device. */
function Imports() {
  const { t, dateTime, number } = useText();
  const { workspace } = usePlace();
  const list = useLoad(workspace.id, () => body(api.GET('/v1/workspaces/{workspace}/imports', { params: { path: { workspace: workspace.id } } })));
  const imports = list.data?.imports ?? [];
  if (imports.length === 0) return null;
  return (
    <section className="card">
      <h2>{t.add.imports}</h2>
      <ul className="plain">
        {imports.map((i) => (
          <li key={i.id}>
            <Link href={`?import=${i.id}`}>{t.add.importOf(dateTime(i.createdAt))}</Link>{' '}
            <span className="soft">
              {t.add.importStatus[i.status]}, {t.add.progress(number(i.processed), number(i.rows))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The report of one import: how far it is, and the rows that failed. */
function Report({ id }: { id: string }) {
  const text = useText();
  const { t, date, dateTime } = text;
  const { workspace } = usePlace();
  const [refused, setRefused] = useState<Problem>();
  const page = useLoad(`${workspace.id} ${id}`, () => report(workspace.id, id, { outcome: 'failed', limit: 100 }));
  const busy = page.data !== undefined && isBusy(page.data.import);
  useEffect(() => {
    if (!busy) return;
    const timer = setTimeout(page.reload, 1000);
    return () => clearTimeout(timer);
  }, [busy, page.data, page.reload]);
  if (page.problem) return <Failure problem={page.problem} retry={page.reload} />;
  if (!page.data) return <Loading />;
  const { import: i, results } = page.data;
  const act = (how: 'start' | 'cancel') => {
    setRefused(undefined);
    change(i, how).then(page.reload, (error: unknown) => setRefused(problem(error)));
  };
  return (
    <>
      <h2>{t.add.importOf(dateTime(i.createdAt))}</h2>
      {busy && <Progress run={{ done: i.processed, total: i.rows }} label={t.add.importStatus[i.status]} hint={t.add.goesOn} />}
      <Notice bad={i.status === 'stopped'}>
        <strong>
          {t.add.importStatus[i.status]}. {t.add.invited(i.created)}
        </strong>{' '}
        {i.scheduled > 0 && t.add.foreseen(i.scheduled)} {i.exists > 0 && t.add.existed(i.exists)} {i.failed > 0 && t.add.failed(i.failed)}{' '}
        {i.stoppedBy && explainField(text, { pointer: '', code: i.stoppedBy, detail: '' })} {t.add.keptUntil(date(i.keptUntil))}
      </Notice>
      <Refusal problem={refused} />
      <div className="buttons below">
        {(i.status === 'stopped' || (i.status === 'open' && i.rows > 0)) && (
          <button className="button primary" onClick={() => act('start')}>
            {t.add.startImport}
          </button>
        )}
        {(i.status === 'open' || i.status === 'running' || i.status === 'stopped') && (
          <button className="button" onClick={() => act('cancel')}>
            {t.add.cancelImport}
          </button>
        )}
        <Link className="button" href={`/${workspace.slug}/workspace-settings/users/add`}>
          {t.add.again}
        </Link>
      </div>
      {results.length > 0 && (
        <ResultTable>
          {results.map((r) => {
            const typed = 'typed' in r ? r.typed : undefined;
            const errors = 'errors' in r ? r.errors : [];
            return (
              <tr key={r.row}>
                <th scope="row" className="soft">
                  {r.row}
                </th>
                <td>{typed?.name}</td>
                <td>{typed?.email}</td>
                <td className="wrong">{errors.map((e) => explainField(text, e)).join(' ')}</td>
              </tr>
            );
          })}
        </ResultTable>
      )}
    </>
  );
}

function Paste({ use }: { use: (sheet: Sheet) => void }) {
  const { t } = useText();
  const [source, setSource] = useState('');
  const [role, setRole] = useState<Role>('end-user');
  const [groups, setGroups] = useState<string[]>([]);
  return (
    <form
      className="card form" noValidate
      onSubmit={(e) => {
        e.preventDefault();
        use(readPasted(source, role, groups));
      }}
    >
      <Field label={t.add.addresses} hint={t.add.addressesHint}>
        {(props) => (
          <textarea
            {...props} rows={8} value={source} spellCheck={false} placeholder={'Jane Doe <jane@example.com>\njoe@example.com'}
            onChange={(e) => setSource(e.target.value)}
          />
        )}
      </Field>
      <RoleChoice value={role} onChange={setRole} />
      <GroupChoice value={groups} onChange={setGroups} />
      <button className="button primary">{t.add.toPreview}</button>
    </form>
  );
}

function CSVFile({ use }: { use: (sheet: Sheet) => void }) {
  const { t } = useText();
  const [file, setFile] = useState<Sheet>(); // whose columns are to be named first
  const [wrong, setWrong] = useState<string>();
  async function read(blob: Blob) {
    const text = await readText(blob);
    setFile(undefined);
    setWrong(text === undefined ? t.add.workbook : undefined);
    if (text === undefined) return;
    const sheet = readCSV(text);
    if (sheet.rows.length > 0 && needsMapping(sheet.header)) setFile(sheet);
    else use(withRoles(sheet));
  }
  return (
    <>
      {wrong && <Notice bad>{wrong}</Notice>}
      <div className="card">
        <DropZone
          className="drop"
          getDropOperation={() => 'copy'}
          onDrop={(e) => {
            const item = e.items.find(isFileDropItem);
            if (item) void item.getFile().then(read);
          }}
        >
          <Upload size={28} />
          <Slot slot="label">{t.add.drop}</Slot>
          <FileTrigger
            acceptedFileTypes={['.csv', 'text/csv']}
            onSelect={(files) => {
              const file = files?.[0];
              if (file) void read(file);
            }}
          >
            <Button className="button">{t.add.choose}</Button>
          </FileTrigger>
        </DropZone>
        <p className="hint">
          {t.add.columns} <code>{columns.join(', ')}</code>. {t.add.columnsHint}
        </p>
        <button className="button" onClick={() => download('users-template.csv', template())}>
          <Download size={18} /> {t.add.template}
        </button>
      </div>
      {file && <Columns key={file.header.join()} file={file} use={use} />}
    </>
  );
}

const sampleRows = 3;

/** Asks which column of a file is which. */
function Columns({ file, use }: { file: Sheet; use: (sheet: Sheet) => void }) {
  const { t } = useText();
  const [mapping, setMapping] = useState(() => guess(file.header));
  const [role, setRole] = useState<Role>('end-user');
  const names = { ...t.add.columnNames, first: t.add.firstName, last: t.add.lastName };
  const has = (target: Target) => mapping.includes(target);
  const enough = has('email') && (has('name') || has('first') || has('last'));
  return (
    <form
      className="card form" noValidate
      onSubmit={(e) => {
        e.preventDefault();
        use(withMapping(file, mapping, role));
      }}
    >
      <h2>{t.add.whichColumn}</h2>
      <p className="hint">{t.add.whichHint}</p>
      <div className="sheet-frame" role="region" aria-label={t.add.whichColumn} tabIndex={0}>
        <table className="sheet">
          <thead>
            <tr>
              <th>{t.add.inFile}</th>
              <th>{t.add.begins}</th>
              <th>{t.add.means}</th>
            </tr>
          </thead>
          <tbody>
            {file.header.map((header, at) => (
              <tr key={at}>
                <th scope="row">{header}</th>
                <td className="soft">
                  {file.rows.slice(0, sampleRows).map((r) => r.cells[at]).filter(Boolean).join(', ')}
                </td>
                <td>
                  <select
                    aria-label={header} value={mapping[at] ?? ''}
                    onChange={(e) => {
                      const target = targets.find((x) => x === e.target.value);
                      setMapping(mapping.map((old, i) => (i === at ? target : old === target ? undefined : old)));
                    }}
                  >
                    <option value="">{t.add.leaveOut}</option>
                    {targets.map((target) => (
                      <option key={target} value={target}>
                        {names[target]}
                      </option>
                    ))}
                  </select>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!has('role') && (
        <Field label={t.add.roleOfAll}>
          {(props) => (
            <select {...props} value={role} onChange={(e) => setRole(e.target.value as Role)}>
              {(['admin', 'builder', 'end-user'] as const).map((r) => (
                <option key={r} value={r}>
                  {t.role[r]}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {!enough && <p className="wrong">{t.add.needsColumns}</p>}
      <button className="button primary" disabled={!enough}>
        {t.add.toRows}
      </button>
    </form>
  );
}
