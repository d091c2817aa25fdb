// What stands around a page that is in no workspace.
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { LanguageChoice } from './language-choice';
import { useText } from './text';
import { Heading, useOffline } from './ui';

/** A page in the middle, for who is not in a workspace. */
export function Plain({ children, footer }: { children: ReactNode; footer?: ReactNode }) {
  return (
    <div className="plain">
      <header>
        <Link className="brand" href="/">
          <span className="mark" aria-hidden="true" />
          Latchkey
        </Link>
        <Offline />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer className="plain-footer">
        {footer}
        <LanguageChoice />
      </footer>
    </div>
  );
}

export function NotFound({ bare }: { bare?: boolean }) {
  const { t } = useText();
  const what = (
    <div className="card">
      <Heading>{t.common.notFound}</Heading>
      <p>{t.common.notFoundHint}</p>
      <Link className="button" href="/">
        {t.common.toWorkspaces}
      </Link>
    </div>
  );
  return bare ? what : <Plain>{what}</Plain>;
}

export function Offline() {
  const { t } = useText();
  return useOffline() ? (
    <p className="offline" role="status">
      {t.common.offline}
    </p>
  ) : null;
}
