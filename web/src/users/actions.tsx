// What an admin can do with people who are there already.
import { useState, type ReactNode } from 'react';
import { api, body, problem, type Problem, type User } from '../api';
import { Confirm, Panel, tell, type Choice } from '../overlay';
import { usePlace } from '../place';
import { useText, type Text } from '../text';
import { explain } from '../ui';
import { canArchive, canErase, canResend, canRestore } from './bulk';
import { copy } from './clipboard';
import { CorrectPanel } from './correct';
import { attentionOf, isPending } from './delivery';
import { EditPanel } from './edit';
import type { UserList } from './list';
import { Timeline } from './timeline';

const canCorrect = (u: User) => isPending(u) || u.status === 'expired';

/** What is said of an invitation that was sent again: that its mail is on its way, or when it leaves. */
function mailed({ t, dateTime }: Text, { email, invitation }: User): string {
  return invitation?.scheduledFor ? t.actions.resentLater(email, dateTime(invitation.scheduledFor)) : t.actions.resent(email);
}

/** The entries of a person's menu, as their status allows. */
export function choicesFor({ t }: Text, u: User): Choice[] {
  const can = (yes: boolean, choice: Choice) => (yes ? [choice] : []);
  return [
    { id: 'edit', label: t.actions.edit },
    ...can(canResend(u), { id: 'resend', label: t.actions.resend }),
    ...can(isPending(u), { id: 'copy', label: t.actions.copy }),
    ...can(canCorrect(u), { id: 'correct', label: t.actions.correct }),
    { id: 'history', label: t.actions.history },
    ...can(canRestore(u), { id: 'restore', label: u.activatedAt ? t.actions.restore : t.actions.restoreInvited }),
    ...can(canRestore(u) && u.activatedAt !== null, { id: 'reinvite', label: t.actions.reinvite }),
    ...can(canArchive(u), { id: 'archive', label: t.actions.archive, danger: true }),
    ...can(canErase(u), { id: 'erase', label: t.actions.erase, danger: true }),
  ];
}

/** What most likely mends an invitation that needs attention. */
export function repairsFor({ t }: Text, u: User): Choice[] {
  const resend = { id: 'resend', label: t.actions.resend };
  const copy = isPending(u) ? { id: 'copy', label: t.actions.copyShort } : { id: 'quiet', label: t.actions.newLinkShort };
  const correct = { id: 'correct', label: t.actions.correctShort };
  switch (attentionOf(u)) {
    case 'unsubscribed':
      return [copy];
    case 'undelivered':
      return u.invitation?.delivery === 'complained' ? [copy, correct] : [correct, copy];
    case 'unanswered':
      return [resend, copy];
    default:
      return [resend, correct];
  }
}

/** Answers to sending again that call for another way than the mail. */
const wantsNoMail = ['recipient_unsubscribed', 'recipient_complained', 'recipient_reported'];

interface Open {
  what: 'edit' | 'history' | 'erase' | 'undeliverable' | 'noMail' | 'correct';
  user: User;
  why?: Problem;
}

export interface Actions {
  act: (id: string, u: User) => void;
  /** What was refused last, to be said at that person's row. */
  refused?: { user: string; problem: Problem };
  dismiss: () => void;
  dialogs: ReactNode;
}

/** The actions, and the dialogs that some of them open. */
export function useActions(list: UserList): Actions {
  const text = useText();
  const { t } = text;
  const { workspace } = usePlace();
  const [open, setOpen] = useState<Open>();
  const [refused, setRefused] = useState<Actions['refused']>();
  const path = (u: User) => ({ workspace: workspace.id, user: u.id });
  const close = () => setOpen(undefined);
  const put = (now: User) => list.replace(new Map([[now.id, now]]));

  const send = (u: User, how: { confirm?: true; sendEmail?: false }) =>
    body(api.POST('/v1/workspaces/{workspace}/users/{user}/resend', { params: { path: path(u) }, body: Object.keys(how).length > 0 ? how : undefined }));

  /** Runs one change; why it fails is said at the row. */
  async function change(u: User, done: (now: User) => string, run: () => Promise<User>, undo?: () => void): Promise<void> {
    setRefused(undefined);
    try {
      const now = await run();
      put(now);
      tell(done(now), undo && { undo: { label: t.actions.undo, run: undo } });
    } catch (error) {
      const why = problem(error);
      if (why.code === 'recipient_undeliverable') setOpen({ what: 'undeliverable', user: u });
      else if (wantsNoMail.includes(why.code)) setOpen({ what: 'noMail', user: u, why });
      else setRefused({ user: u.id, problem: why });
    }
  }

  const resend = (u: User) => change(u, (now) => mailed(text, now), () => send(u, {}));

  /** Sends again all the same; the dialog says why that fails. */
  async function sendAnyway(u: User): Promise<void> {
    const now = await send(u, { confirm: true });
    put(now);
    tell(mailed(text, now));
    close();
  }

  /** Makes a new link without a mail, and copies it. */
  async function copyNew(u: User): Promise<void> {
    await copy(async () => {
      const now = await send(u, { sendEmail: false });
      put(now);
      return now.invitation.url;
    });
    tell(t.actions.copiedNew(u.name));
    close();
  }

  const copyLink = (u: User) =>
    change(u, () => t.actions.copied(u.name), async () => {
      await copy(async () => (await body(api.GET('/v1/workspaces/{workspace}/users/{user}/link', { params: { path: path(u) } }))).invitation.url);
      return u;
    });

  const restore = (u: User, reinvite?: boolean) =>
    change(
      u,
      (now) => (now.status === 'active' ? t.actions.restored(u.name) : mailed(text, now)),
      () => body(api.POST('/v1/workspaces/{workspace}/users/{user}/restore', { params: { path: path(u) }, body: { reinvite } })),
    );

  const archive = (u: User) =>
    change(
      u,
      // Restoring who never came sends a new link: the way back says so.
      () => (u.activatedAt !== null ? t.actions.archived(u.name) : t.actions.archivedInvited(u.name)),
      () => body(api.POST('/v1/workspaces/{workspace}/users/{user}/archive', { params: { path: path(u) } })),
      () => void restore(u),
    );

  async function erase(u: User) {
    await api.DELETE('/v1/workspaces/{workspace}/users/{user}', { params: { path: path(u) } });
    list.replace(new Map([[u.id, null]]));
    tell(t.actions.erased(u.name));
    close();
  }

  function act(id: string, u: User): void {
    switch (id) {
      case 'edit':
      case 'history':
      case 'erase':
      case 'correct':
        setRefused(undefined);
        return setOpen({ what: id, user: u });
      case 'quiet':
        return setOpen({ what: 'noMail', user: u });
      case 'copy':
        return void copyLink(u);
      case 'resend':
        return void resend(u);
      case 'archive':
        return void archive(u);
      case 'restore':
        return void restore(u);
      case 'reinvite':
        return void restore(u, true);
    }
  }

  const u = open?.user;
  const dialogs = u && (
    <>
      {open.what === 'edit' && <EditPanel user={u} onSaved={put} onClose={close} />}
      {open.what === 'history' && (
        <Panel title={t.history.of(u.name)} onClose={close} wide>
          <div className="dialog-body">
            <Timeline
              id={u.id}
              load={(cursor) => body(api.GET('/v1/workspaces/{workspace}/users/{user}/history', { params: { path: path(u), query: { cursor } } }))}
            />
          </div>
        </Panel>
      )}
      {open.what === 'erase' && (
        <Confirm title={t.actions.eraseTitle(u.name)} action={t.actions.erase} onConfirm={() => erase(u)} onClose={close}>
          <p>{t.actions.eraseHint}</p>
        </Confirm>
      )}
      {open.what === 'undeliverable' && (
        <Confirm
          title={t.actions.undeliverableTitle(u.name)} action={t.actions.sendAnyway} onConfirm={() => sendAnyway(u)} onClose={close}
          others={
            canCorrect(u) && (
              <button className="button" onClick={() => setOpen({ what: 'correct', user: u })}>
                {t.actions.correct}
              </button>
            )
          }
        >
          <p>{t.actions.undeliverableHint(u.email)}</p>
        </Confirm>
      )}
      {open.what === 'noMail' && (
        <Confirm harmless title={t.actions.noMailTitle(u.name)} action={t.actions.copyNew} onConfirm={() => copyNew(u)} onClose={close}>
          {open.why && <p>{explain(text, open.why)}</p>}
          <p>{t.actions.noMailHint}</p>
        </Confirm>
      )}
      {open.what === 'correct' && (
        <CorrectPanel
          user={u} onClose={close}
          onCorrected={(now, sent) => {
            list.replace(new Map([[u.id, now]]));
            tell(sent ? t.correct.done(now.email) : t.correct.doneQuiet(now.email));
            close();
          }}
        />
      )}
    </>
  );
  return { act, refused, dismiss: () => setRefused(undefined), dialogs };
}
