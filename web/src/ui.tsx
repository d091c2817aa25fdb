// Small parts that every page uses. Nothing here needs the component library,
// so that the invitation page stays light.
import { useCallback, useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { problem, type FieldError, type Problem, type Role, type Status } from './api';
import { Alert } from './icons';
import { dropSession, signIn } from './session';
import { useText, type Text } from './text';

/** The code of what a page itself found wrong with a field: its detail is for the person. */
export const ownError = 'own';

/** What went wrong, in the dashboard's own words: what the API says is for developers. */
export function explain(text: Text, p: Problem): string {
  const known: Record<string, string> = text.t.problems;
  return known[p.code] ?? text.t.problems.unknown;
}

export function explainField(text: Text, e: FieldError): string {
  if (e.code === ownError) return e.detail;
  const known: Record<string, string> = { ...text.t.problems, ...text.t.fieldProblems };
  return known[e.code] ?? text.t.fieldProblems.unknown;
}

export interface Loaded<T> {
  data?: T;
  problem?: Problem;
  loading: boolean;
  reload: () => void;
}

/** Loads when key changes or reload is called; what was there stays meanwhile. */
export function useLoad<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key?: string; data?: T; problem?: Problem }>({});
  const [round, setRound] = useState(0);
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    let stale = false;
    setLoading(true);
    load()
      .then((data) => !stale && setState({ key, data }))
      .catch((error: unknown) => {
        const p = problem(error);
        if (p.code === 'signed_out') void signInAgain();
        if (!stale) setState((s) => ({ key, data: s.key === key ? s.data : undefined, problem: p }));
      })
      .finally(() => !stale && setLoading(false));
    return () => {
      stale = true;
    };
  }, [key, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const current = state.key === key ? state : {};
  return { data: current.data, problem: current.problem, loading, reload };
}

/** The session is over: to the issuer, and back to this very page. */
export async function signInAgain(): Promise<void> {
  await dropSession();
  await signIn({ to: location.pathname + location.search });
}

/** The page's heading and title; new pages move the focus there, so that screen readers begin at it. */
export function Heading({ children }: { children: string }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${children} · Latchkey`;
  }, [children]);
  useEffect(() => ref.current?.focus({ preventScroll: true }), []);
  return (
    <h1 ref={ref} tabIndex={-1}>
      {children}
    </h1>
  );
}

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  /** Not needed; unmarked where that goes without saying. */
  optional?: boolean | 'unmarked';
  children: (props: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true; 'aria-required'?: true }) => ReactNode;
}

export function Field({ label, hint, error, optional, children }: FieldProps) {
  const id = useId();
  const { t } = useText();
  const about = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} {optional === true && <span className="soft">{t.common.optional}</span>}
      </label>
      {children({ id, 'aria-describedby': about, 'aria-invalid': error ? true : undefined, 'aria-required': optional ? undefined : true })}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p className="wrong" id={`${id}-error`}>
          <Alert size={16} /> {error}
        </p>
      )}
    </div>
  );
}

export function Loading() {
  const { t } = useText();
  return (
    <p className="loading" role="status">
      <span className="spinner" aria-hidden="true" /> {t.common.loading}
    </p>
  );
}

/** What could not be shown, and the way on; whole where that is all of the page. */
export function Failure({ problem: p, retry, whole }: { problem: Problem; retry?: () => void; whole?: boolean }) {
  const text = useText();
  return (
    <div className="failure" role="alert">
      <Alert />
      {whole && <Heading>{text.t.common.failed}</Heading>}
      <p>{explain(text, p)}</p>
      {p.requestId && (p.status >= 500) && <p className="soft small">{text.t.common.requestId(p.requestId)}</p>}
      {p.code === 'signed_out' ? (
        <SignInAgain />
      ) : (
        retry && (
          <button className="button" onClick={retry}>
            {text.t.common.tryAgain}
          </button>
        )
      )}
    </div>
  );
}

function SignInAgain() {
  const { t } = useText();
  return (
    <button type="button" className="link" onClick={() => void signInAgain()}>
      {t.common.signInAgain}
    </button>
  );
}

/** Why what the person just did was refused. It stands beside the button, and takes the focus. */
export function Refusal({ problem: p, children }: { problem?: Problem; children?: ReactNode }) {
  const text = useText();
  if (!p) return null;
  return (
    <div className="notice bad refusal" role="alert" tabIndex={-1} ref={intoFocus}>
      <p>
        {explain(text, p)} {p.code === 'signed_out' && <SignInAgain />}
      </p>
      {p.requestId && p.status >= 500 && <p className="soft small">{text.t.common.requestId(p.requestId)}</p>}
      {children}
    </div>
  );
}

/** What went wrong with what the person just did. */
export function Notice({ children, bad }: { children: ReactNode; bad?: boolean }) {
  return (
    <div className={bad ? 'notice bad' : 'notice'} role={bad ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

export function StatusChip({ status }: { status: Status }) {
  const { t } = useText();
  return <span className={`chip ${status}`}>{t.status[status]}</span>;
}

export function roleName(text: Text, role: Role): string {
  return text.t.role[role];
}

/** A circle with a person's initials, for the eye alone. */
export function Avatar({ name }: { name: string }) {
  const initials = name
    .split(/\s+/)
    .map((part) => [...part][0] ?? '')
    .filter((_, i, all) => i === 0 || i === all.length - 1)
    .join('')
    .toUpperCase();
  const tone = [...name].reduce((sum, c) => sum + (c.codePointAt(0) ?? 0), 0) % 6;
  return (
    <span className={`avatar tone-${tone}`} aria-hidden="true">
      {initials}
    </span>
  );
}

/** Gives the focus to what has just appeared. */
export function intoFocus(element: HTMLElement | null): void {
  element?.focus();
}

/** Brings the current one of a row of links into view, where the row is wider than the screen. */
export function intoView(link: HTMLElement | null): void {
  link?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** Says whether the browser is offline. */
export function useOffline(): boolean {
  const [offline, setOffline] = useState(!navigator.onLine);
  useEffect(() => {
    const look = () => setOffline(!navigator.onLine);
    window.addEventListener('online', look);
    window.addEventListener('offline', look);
    return () => {
      window.removeEventListener('online', look);
      window.removeEventListener('offline', look);
    };
  }, []);
  return offline;
}
