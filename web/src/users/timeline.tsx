// What happened, newest first: to one person, or in the whole workspace.
import { useState, type ReactNode } from 'react';
import { problem, type HistoryEntry as Entry, type HistoryPage, type Problem } from '../api';
import { Alert, Check, Clock, Mail, Plus } from '../icons';
import { useText, type Text } from '../text';
import { Failure, Loading, useLoad } from '../ui';
import { deliveryText, isBadDelivery, reasonText } from './delivery';

interface Props {
  id: string;
  load: (cursor?: string) => Promise<HistoryPage>;
  /** Whether to say whom an entry is about. */
  named?: boolean;
  /** Whether only some types of entries are asked for. */
  filtered?: boolean;
  /** Loads what became of an invitation's mail, where its entry has no more than the outcome. */
  steps?: (invitation: Entry) => Promise<Entry[]>;
}

export function Timeline({ id, load, named, filtered, steps }: Props) {
  const { t } = useText();
  const first = useLoad(id, () => load());
  const [more, setMore] = useState<HistoryPage[]>([]);
  const [failed, setFailed] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const text = useText();
  if (!first.data) return first.problem ? <Failure problem={first.problem} retry={first.reload} /> : <Loading />;
  const pages = [first.data, ...more];
  const entries = pages.flatMap((p) => p.entries);
  const cursor = pages.at(-1)?.nextCursor;

  async function loadMore() {
    setBusy(true);
    setFailed(undefined);
    try {
      const page = await load(cursor ?? undefined);
      setMore([...more, page]);
    } catch (error) {
      setFailed(problem(error));
    }
    setBusy(false);
  }

  const Day = named ? 'h2' : 'h3'; // below the page's heading, or the dialog's
  const days = Map.groupBy(entries, (e) => text.date(e.at));
  return (
    <>
      {entries.length === 0 && <p className="empty">{!filtered ? t.history.empty : cursor ? t.history.noneSoFar : t.history.none}</p>}
      {[...days].map(([day, list]) => (
        <section key={day} className="day" aria-label={day}>
          <Day>{day}</Day>
          <ol className="timeline">
            {list.map((e) => (
              <li key={e.id} className={`entry ${toneOf(e)}`}>
                <span className="entry-icon">{iconOf(e)}</span>
                <span className="entry-text">
                  {sentence(text, e, named)}
                  {steps && isInvitation(e) ? (
                    <Steps entry={e} load={() => steps(e)} />
                  ) : (
                    details(text, e).map((line) => (
                      <span key={line} className="soft small block">
                        {line}
                      </span>
                    ))
                  )}
                </span>
                <time className="soft small" dateTime={e.at} title={text.dateTime(e.at)}>
                  {text.time(e.at)}
                </time>
              </li>
            ))}
          </ol>
        </section>
      ))}
      {failed && <Failure problem={failed} />}
      {cursor && (
        <p className="load-more">
          <button className="button" disabled={busy} onClick={() => void loadMore()}>
            {t.history.more}
          </button>
        </p>
      )}
    </>
  );
}

/** Whether an entry is about an invitation that was to be mailed. Those of version 0.1 don't say so. */
function isInvitation(e: Entry): boolean {
  if (!e.generation || e.delivery === 'none') return false;
  return e.type === 'user.invited' || e.type === 'user.reinvited' || e.type === 'user.email_corrected' || (e.type === 'user.restored' && e.status !== 'active');
}

/** The outcome of an invitation's mail, and how it came about for who wants to know. */
function Steps({ entry, load }: { entry: Entry; load: () => Promise<Entry[]> }) {
  const text = useText();
  const { t } = text;
  const [open, setOpen] = useState(false);
  const outcome = entry.delivery ? deliveryText(text, entry.delivery) : t.history.steps;
  const reason = reasonText(text, entry.deliveryReason);
  return (
    <details className="steps small" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary className="soft">{reason ? t.users.because(outcome, reason) : outcome}</summary>
      {open && <StepList entry={entry} load={load} />}
    </details>
  );
}

function StepList({ entry, load }: { entry: Entry; load: () => Promise<Entry[]> }) {
  const text = useText();
  const { t } = text;
  const { data, problem: failed, reload } = useLoad(entry.id, load);
  if (failed) return <Failure problem={failed} retry={reload} />;
  if (!data) return <Loading />;
  if (data.length === 0) return <p className="soft">{t.history.empty}</p>;
  return (
    <ol>
      {data.map((e) => (
        <li key={e.id}>
          {stateOf(text, e)}{' '}
          <time className="soft" dateTime={e.at}>
            {text.dateTime(e.at)}
          </time>
          {e.deliveryReason && <span className="soft block">{reasonText(text, e.deliveryReason)}</span>}
        </li>
      ))}
    </ol>
  );
}

/** A step of a mail by itself, without whom it went to. */
function stateOf(text: Text, e: Entry): string {
  return e.type === 'invitation.mail_due' ? text.t.delivery.queued : deliveryText(text, e.delivery ?? 'none');
}

export function actorName({ t }: Text, actor: string, name: string | null): string {
  if (name) return name;
  if (actor.startsWith('svc_')) return t.history.backend(actor.slice(4));
  if (actor === 'schedule') return t.history.schedule;
  if (actor === 'mail') return t.history.mailService;
  return t.history.somebody;
}

function sentence(text: Text, e: Entry, named?: boolean): string {
  const { t } = text;
  const who = actorName(text, e.actor, e.actorName);
  const whom = named ? (e.userName ?? t.history.erasedPerson) : t.history.thisPerson;
  const own = e.actor === e.userId;
  switch (e.type) {
    case 'user.invited':
      return t.history.invited(who, whom);
    case 'user.reinvited':
      return t.history.reinvited(who, whom);
    case 'user.email_corrected':
      return t.history.emailCorrected(who, whom);
    case 'user.asked_again':
      return t.history.askedAgain(whom);
    case 'user.reminded':
      return t.history.reminded(whom);
    case 'user.accepted':
      return t.history.accepted(whom);
    case 'user.declined':
      return t.history.declined(whom);
    case 'user.expired':
      return t.history.expired(whom);
    case 'user.updated':
      // An account that appears changes the status and nothing else.
      if (e.previousStatus === 'requested' && e.status === 'invited') return t.history.accountMade(whom);
      return own ? t.history.updatedSelf(who) : t.history.updated(who, whom);
    case 'user.archived':
      return t.history.archived(who, whom);
    case 'user.restored':
      return t.history.restored(who, whom);
    case 'user.erased':
      return t.history.erased(who, whom);
    case 'invitation.mail_due':
      return t.history.mailDue(whom);
    case 'invitation.delivery_changed':
      return t.history.delivery(whom, deliveryText(text, e.delivery ?? 'none'));
    case 'workspace.created':
      return t.history.workspaceCreated(who);
    case 'workspace.updated':
      return t.history.workspaceUpdated(who);
    case 'workspace.deleted':
      return t.history.workspaceDeleted(who);
    case 'workspace.restored':
      return t.history.workspaceRestored(who);
    case 'workspace.erased': // by then nobody can see it
      return t.history.workspaceErased;
    default:
      return e.type satisfies never; // new to the dashboard
  }
}

function details(text: Text, e: Entry): string[] {
  const { t, list } = text;
  const lines: string[] = [];
  const reason = reasonText(text, e.deliveryReason);
  if (reason) lines.push(reason);
  const changed = e.changed.filter((c) => c !== 'status').map((c) => t.history.fields[c as keyof typeof t.history.fields] ?? c);
  if (changed.length > 0 && (e.type === 'user.updated' || e.type === 'workspace.updated')) lines.push(list(changed));
  return lines;
}

function toneOf(e: Entry): string {
  if (isBadDelivery(e.delivery)) return 'bad';
  if (e.type === 'user.accepted') return 'good';
  if (e.type === 'user.expired' || e.type === 'user.declined' || e.type === 'user.erased') return 'warn';
  return 'calm';
}

function iconOf(e: Entry): ReactNode {
  if (toneOf(e) === 'bad') return <Alert size={16} />;
  switch (e.type) {
    case 'user.accepted':
    case 'user.restored':
      return <Check size={16} />;
    case 'user.expired':
    case 'user.declined':
      return <Clock size={16} />;
    case 'user.invited':
    case 'workspace.created':
      return <Plus size={16} />;
    case 'user.reinvited':
    case 'user.email_corrected':
    case 'user.asked_again':
    case 'user.reminded':
    case 'invitation.mail_due':
    case 'invitation.delivery_changed':
      return <Mail size={16} />;
    default:
      return <span className="dot" />;
  }
}
