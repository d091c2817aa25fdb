// What an admin can do with people who are there already.
import { useState, type ReactNode } from 'react';
import { api, body, problem, type FieldError, type User } from '../api';
import { Confirm, Panel, tell, type Choice } from '../overlay';
import { useText, type Text } from '../text';
import { explain, explainField } from '../ui';
import { copy } from './clipboard';
import { EditPanel } from './edit';
import type { UserList } from './list';
import { Timeline } from './timeline';

const pending = (u: User) => u.status === 'requested' || u.status === 'invited';
export const canArchive = (u: User) => u.status !== 'archived';
export const canRestore = (u: User) => u.status === 'archived';
export const canResend = (u: User) => pending(u) || u.status === 'expired' || u.status === 'declined';
const canErase = (u: User) => u.status === 'archived' || u.status === 'expired' || u.status === 'declined';

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
    ...can(pending(u), { id: 'copy', label: t.actions.copy }),
    { id: 'history', label: t.actions.history },
    ...can(canRestore(u), { id: 'restore', label: u.activatedAt ? t.actions.restore : t.actions.restoreInvited }),
    ...can(canRestore(u) && u.activatedAt !== null, { id: 'reinvite', label: t.actions.reinvite }),
    ...can(canArchive(u), { id: 'archive', label: t.actions.archive, danger: true }),
    ...can(canErase(u), { id: 'erase', label: t.actions.erase, danger: true }),
  ];
}

interface Open {
  what: 'edit' | 'history' | 'erase' | 'undeliverable';
  user: User;
}

/** The actions, and the dialogs that some of them open. */
export function useActions(workspace: string, list: UserList): { act: (id: string, u: User) => void; actOnAll: (verb: Verb, users: User[]) => Promise<void>; dialogs: ReactNode } {
  const text = useText();
  const { t } = text;
  const [open, setOpen] = useState<Open>();
  const [failures, setFailures] = useState<{ name: string; errors: FieldError[] }[]>();
  const path = (u: User) => ({ workspace, user: u.id });
  const close = () => setOpen(undefined);

  /** Sends the invitation again; to an address that took no mail, only once the person says so. */
  async function resend(u: User, confirm?: true): Promise<void> {
    close();
    try {
      const sent = api.POST('/v1/workspaces/{workspace}/users/{user}/resend', { params: { path: path(u) }, body: confirm && { confirm } });
      const now = await body(sent);
      list.replace([now]);
      tell(mailed(text, now));
    } catch (error) {
      const p = problem(error);
      if (p.code === 'recipient_undeliverable') setOpen({ what: 'undeliverable', user: u });
      else tell(explain(text, p), { bad: true });
    }
  }

  /** Runs one change; what goes wrong is told. */
  async function change(done: (now: User) => string, run: () => Promise<User>, undo?: () => void): Promise<void> {
    try {
      const now = await run();
      list.replace([now]);
      tell(done(now), undo && { undo: { label: t.actions.undo, run: undo } });
    } catch (error) {
      tell(explain(text, problem(error)), { bad: true });
    }
  }

  const restore = (u: User, reinvite?: boolean) =>
    change(
      (now) => (now.status === 'active' ? t.actions.restored(u.name) : mailed(text, now)),
      () => body(api.POST('/v1/workspaces/{workspace}/users/{user}/restore', { params: { path: path(u) }, body: { reinvite } })),
    );

  const archive = (u: User) => {
    // Restoring who never came sends a new link: the way back says so.
    const silent = u.activatedAt !== null;
    return change(
      () => (silent ? t.actions.archived(u.name) : t.actions.archivedInvited(u.name)),
      () => body(api.POST('/v1/workspaces/{workspace}/users/{user}/archive', { params: { path: path(u) } })),
      () => void restore(u),
    );
  };

  function act(id: string, u: User): void {
    switch (id) {
      case 'edit':
      case 'history':
      case 'erase':
        setOpen({ what: id, user: u });
        break;
      case 'copy':
        copy(async () => (await body(api.GET('/v1/workspaces/{workspace}/users/{user}/link', { params: { path: path(u) } }))).invitation.url)
          .then(() => tell(t.actions.copied(u.name)))
          .catch((error: unknown) => tell(explain(text, problem(error)), { bad: true }));
        break;
      case 'resend':
        void resend(u);
        break;
      case 'archive':
        void archive(u);
        break;
      case 'restore':
        void restore(u);
        break;
      case 'reinvite':
        void restore(u, true);
        break;
    }
  }

  async function erase(u: User) {
    close();
    try {
      await api.DELETE('/v1/workspaces/{workspace}/users/{user}', { params: { path: path(u) } });
      list.replace([], [u.id]);
      tell(t.actions.erased(u.name));
    } catch (error) {
      tell(explain(text, problem(error)), { bad: true });
    }
  }

  async function actOnAll(verb: Verb, users: User[]): Promise<void> {
    const failed: { name: string; errors: FieldError[] }[] = [];
    const changed: User[] = [];
    try {
      for (let i = 0; i < users.length; i += 100) {
        const ids = users.slice(i, i + 100).map((u) => u.id);
        const { results } = await body(api.POST(`/v1/workspaces/{workspace}/users/batch/${verb}`, { params: { path: { workspace } }, body: { users: ids } }));
        for (const r of results) {
          if ('user' in r) changed.push(r.user);
          else failed.push({ name: users.find((u) => u.id === r.id)?.name ?? r.id ?? '', errors: r.errors });
        }
      }
    } catch (error) {
      tell(explain(text, problem(error)), { bad: true });
    }
    list.replace(changed);
    if (changed.length > 0) {
      const back = verb === 'archive' ? () => void actOnAll('restore', changed) : undefined;
      tell(t.actions.all[verb](changed.length), back && { undo: { label: t.actions.undo, run: back } });
    }
    if (failed.length > 0) setFailures(failed);
  }

  const dialogs = (
    <>
      {open?.what === 'edit' && <EditPanel user={open.user} onSaved={(u) => list.replace([u])} onClose={close} />}
      {open?.what === 'history' && (
        <Panel title={t.history.of(open.user.name)} onClose={close} wide>
          <div className="dialog-body">
            <Timeline
              id={open.user.id}
              load={(cursor) =>
                body(api.GET('/v1/workspaces/{workspace}/users/{user}/history', { params: { path: path(open.user), query: { cursor } } }))
              }
            />
          </div>
        </Panel>
      )}
      {open?.what === 'erase' && (
        <Confirm title={t.actions.eraseTitle(open.user.name)} action={t.actions.erase} onConfirm={() => void erase(open.user)} onClose={close}>
          <p>{t.actions.eraseHint}</p>
        </Confirm>
      )}
      {open?.what === 'undeliverable' && (
        <Confirm title={t.actions.undeliverableTitle(open.user.name)} action={t.actions.sendAnyway} onConfirm={() => void resend(open.user, true)} onClose={close}>
          <p>{t.actions.undeliverableHint(open.user.email)}</p>
        </Confirm>
      )}
      {failures && (
        <Panel title={t.actions.failures(failures.length)} onClose={() => setFailures(undefined)}>
          <ul className="dialog-body failures">
            {failures.map((f) => (
              <li key={f.name}>
                <strong>{f.name}</strong> <span className="block small">{f.errors.map((e) => explainField(text, e)).join(' ')}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
  return { act, actOnAll, dialogs };
}

export type Verb = 'archive' | 'restore' | 'resend';
