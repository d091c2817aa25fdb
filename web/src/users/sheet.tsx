// The rows of an import on the screen: to be checked and mended before anything
// is sent, and afterwards with what became of each.
import { useState, type ReactNode } from 'react';
import type { Problem } from '../api';
import { Alert, Check, Download } from '../icons';
import { usePlace } from '../place';
import { useText, type Text } from '../text';
import { explain, explainField, Notice, StatusChip } from '../ui';
import { cell, failedRows, withCell, type Row, type Running, type Sheet } from './import';
import { download } from './list';
import { Meter } from './meter';

const shownAtFirst = 100;

export function whyNot(text: Text, row: Row): string {
  if (row.state === 'exists') return text.t.add.exists;
  if (row.errors.length === 0) return text.t.add.notSent;
  const column = (pointer: string) => pointer.split('/')[1] ?? '';
  const named = (pointer: string) => text.t.add.columnNames[column(pointer) as keyof typeof text.t.add.columnNames] ?? column(pointer);
  return row.errors.map((e) => (e.pointer ? text.t.add.at(named(e.pointer), explainField(text, e)) : explainField(text, e))).join(' ');
}

/** Every row and its problem; the problems come first. */
export function Preview({ sheet, onChange }: { sheet: Sheet; onChange: (sheet: Sheet) => void }) {
  const text = useText();
  const { t } = text;
  const [limit, setLimit] = useState(shownAtFirst);
  // Mending a row must not move it: the order is that of the last check.
  const [order] = useState(() => {
    const rank = (r: Row) => (r.state === 'failed' ? 0 : r.state === 'exists' ? 1 : 2);
    return sheet.rows.map((_, i) => i).sort((a, b) => rank(sheet.rows[a]!) - rank(sheet.rows[b]!) || a - b);
  });
  const shown = order.slice(0, limit).flatMap((i) => (sheet.rows[i] ? [[i, sheet.rows[i]] as const] : []));
  const others = sheet.header.filter((h) => !['name', 'email', 'role'].includes(h));

  function set(index: number, column: string, value: string) {
    const rows = [...sheet.rows];
    rows[index] = withCell(sheet, rows[index]!, column, value);
    onChange({ ...sheet, rows });
  }

  return (
    <>
      <div className="sheet-frame" role="region" aria-label={t.add.preview} tabIndex={0}>
        <table className="sheet">
          <thead>
            <tr>
              <th>{t.add.line}</th>
              <th>{t.add.check}</th>
              <th>{t.person.name}</th>
              <th>{t.person.email}</th>
              <th>{t.person.role}</th>
              {others.map((h) => (
                <th key={h}>{t.add.columnNames[h as keyof typeof t.add.columnNames] ?? h}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(([index, row]) => {
              const wrong = (pointer: string) => row.errors.some((e) => e.pointer === pointer || e.pointer.startsWith(`${pointer}/`)) || undefined;
              const role = cell(sheet, row, 'role');
              return (
                <tr key={index} className={row.state}>
                  <th scope="row" className="soft">
                    {row.line}
                  </th>
                  <td className="verdict">
                    {row.state === 'good' && (
                      <span className="fine">
                        <Check size={16} /> {t.add.good}
                      </span>
                    )}
                    {row.state === 'unchecked' && <span className="soft">{t.add.unchecked}</span>}
                    {(row.state === 'failed' || row.state === 'exists') && (
                      <span className="wrong">
                        <Alert size={16} /> {whyNot(text, row)}
                      </span>
                    )}
                  </td>
                  <td>
                    <input
                      value={cell(sheet, row, 'name')} aria-label={t.add.cell(t.person.name, row.line)} aria-invalid={wrong('/name')}
                      onChange={(e) => set(index, 'name', e.target.value)}
                    />
                  </td>
                  <td>
                    <input
                      value={cell(sheet, row, 'email')} aria-label={t.add.cell(t.person.email, row.line)} aria-invalid={wrong('/email')} inputMode="email"
                      onChange={(e) => set(index, 'email', e.target.value)}
                    />
                  </td>
                  <td>
                    <select
                      value={role} aria-label={t.add.cell(t.person.role, row.line)} aria-invalid={wrong('/role')}
                      onChange={(e) => set(index, 'role', e.target.value)}
                    >
                      {!(role in t.role) && <option value={role}>{role}</option>}
                      {(['admin', 'builder', 'end-user'] as const).map((r) => (
                        <option key={r} value={r}>
                          {t.role[r]}
                        </option>
                      ))}
                    </select>
                  </td>
                  {others.map((h) => (
                    <td key={h} className={wrong(`/${h}`) ? 'cell bad' : 'cell'}>
                      {cell(sheet, row, h)}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {order.length > limit && (
        <p className="load-more">
          <button className="button" onClick={() => setLimit(limit + 500)}>
            {t.add.moreRows(order.length - limit)}
          </button>
        </p>
      )}
    </>
  );
}

export function Progress({ run, label, hint, onStop }: { run: Running; label: string; hint?: string; onStop?: () => void }) {
  const { t, number } = useText();
  return (
    <div className="card">
      <Meter label={label} done={run.done} total={run.total} words={t.add.progress(number(run.done), number(run.total))} />
      {hint && <p className="hint">{hint}</p>}
      {onStop && (
        <button className="button" onClick={onStop}>
          {t.add.cancelImport}
        </button>
      )}
    </div>
  );
}

interface ResultProps {
  sheet: Sheet;
  /** How many of the mails wait for another day. */
  scheduled: number;
  problem?: Problem;
  onContinue?: () => void;
  onAgain: () => void;
}

/** What became of each row, those that nobody was invited by first. */
export function Result({ sheet, scheduled, problem: failed, onContinue, onAgain }: ResultProps) {
  const text = useText();
  const { t } = text;
  const { workspace } = usePlace();
  const [limit, setLimit] = useState(shownAtFirst);
  const left = sheet.rows.filter((r) => r.state !== 'created');
  const rows = [...left, ...sheet.rows.filter((r) => r.state === 'created')];
  const later = sheet.rows.flatMap((r) => r.user?.invitation?.scheduledFor ?? []).sort();
  return (
    <>
      <Notice bad={left.length === sheet.rows.length}>
        <strong>{t.add.invited(sheet.rows.length - left.length)}</strong> {scheduled > 0 && (later[0] ? t.add.later(scheduled, text.date(later[0])) : t.add.foreseen(scheduled))}{' '}
        {left.length > 0 && t.add.left(left.length)}
      </Notice>
      {failed && (
        <Notice bad>
          <p>{explain(text, failed)}</p>
        </Notice>
      )}
      <div className="buttons below">
        {onContinue && (
          <button className="button primary" onClick={onContinue}>
            {t.add.goOn}
          </button>
        )}
        {left.length > 0 && (
          <button className="button" onClick={() => download(`not-invited-${workspace.slug}.csv`, failedRows(sheet, (r) => whyNot(text, r)))}>
            <Download size={18} /> {t.add.downloadFailed}
          </button>
        )}
        <button className="button" onClick={onAgain}>
          {t.add.again}
        </button>
      </div>
      <ResultTable>
        {rows.slice(0, limit).map((row, i) => (
          <tr key={i} className={row.state}>
            <th scope="row" className="soft">
              {row.line}
            </th>
            <td>{cell(sheet, row, 'name')}</td>
            <td>{cell(sheet, row, 'email')}</td>
            <td className="verdict">
              {row.user && <StatusChip status={row.user.status} />}
              {row.user?.invitation?.scheduledFor && <span className="soft small block">{t.users.leaves(text.dateTime(row.user.invitation.scheduledFor))}</span>}
              {row.state !== 'created' && (
                <span className="wrong">
                  <Alert size={16} /> {whyNot(text, row)}
                </span>
              )}
            </td>
          </tr>
        ))}
      </ResultTable>
      {rows.length > limit && (
        <p className="load-more">
          <button className="button" onClick={() => setLimit(limit + 500)}>
            {t.add.moreRows(rows.length - limit)}
          </button>
        </p>
      )}
    </>
  );
}

/** A table of rows, each with its line, name, email and outcome. */
export function ResultTable({ children }: { children: ReactNode }) {
  const { t } = useText();
  return (
    <div className="sheet-frame" role="region" aria-label={t.add.result} tabIndex={0}>
      <table className="sheet result">
        <thead>
          <tr>
            <th>{t.add.line}</th>
            <th>{t.person.name}</th>
            <th>{t.person.email}</th>
            <th>{t.add.outcome}</th>
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
