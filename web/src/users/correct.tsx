import { useRef, useState, type FormEvent } from 'react';
import { api, body, problem, type Problem, type User } from '../api';
import { Panel } from '../overlay';
import { useText } from '../text';
import { Field, Refusal } from '../ui';
import { errorAt, useFocusOnError } from './form';

interface Props {
  user: User;
  onCorrected: (user: User, mailed: boolean) => void;
  onClose: () => void;
}

/** Gives a person who has not joined the right address. */
export function CorrectPanel({ user, onCorrected, onClose }: Props) {
  const text = useText();
  const { t } = text;
  const [email, setEmail] = useState(user.email);
  const [sendEmail, setSendEmail] = useState(true);
  const [refused, setRefused] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useFocusOnError(form, refused);
  const error = errorAt(text, refused?.errors ?? [], '/email');
  const returned = refused?.code === 'recipient_undeliverable';

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setRefused(undefined);
    try {
      const now = await body(
        api.POST('/v1/workspaces/{workspace}/users/{user}/email', {
          params: { path: { workspace: user.workspaceId, user: user.id } },
          body: { email, sendEmail, ...(returned && { confirm: true }) },
        }),
      );
      onCorrected(now, sendEmail);
    } catch (e) {
      setRefused(problem(e));
      setBusy(false);
    }
  }

  return (
    <Panel title={t.correct.title(user.name)} onClose={onClose}>
      <form ref={form} onSubmit={(e) => void submit(e)} noValidate>
        <div className="dialog-body">
          <Field label={t.person.email} error={error} hint={t.correct.hint}>
            {(props) => (
              <input
                {...props} type="email" inputMode="email" autoComplete="off" value={email} maxLength={254}
                onChange={(e) => {
                  setEmail(e.target.value);
                  setRefused(undefined);
                }}
              />
            )}
          </Field>
          <label className="check">
            <input
              type="checkbox" checked={sendEmail}
              onChange={(e) => {
                setSendEmail(e.target.checked);
                setRefused(undefined);
              }}
            />
            <span>
              {t.person.sendEmail}
              <span className="hint block">{t.person.sendEmailHint}</span>
            </span>
          </label>
        </div>
        <div className="buttons dialog-foot">
          {refused && !error && <Refusal problem={refused} />}
          <button className="button primary" disabled={busy || email.trim() === user.email}>
            {returned ? t.actions.sendAnyway : t.correct.submit}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t.common.cancel}
          </button>
        </div>
      </form>
    </Panel>
  );
}
