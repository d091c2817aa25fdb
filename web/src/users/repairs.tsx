// One problem that many rows of a file share, mended in all of them at once.
import { useState } from 'react';
import { api, body, problem, type Problem, type Role } from '../api';
import { usePlace } from '../place';
import { useText } from '../text';
import { Notice, Refusal } from '../ui';
import { cell, withCell, type Row, type Sheet } from './import';

interface Repeated {
  column: 'role' | 'groups';
  value: string;
  rows: number[]; // their indexes
}

const groupsOf = (sheet: Sheet, row: Row) => cell(sheet, row, 'groups').split('|').map((g) => g.trim()).filter(Boolean);

/** The unknown roles of several rows, and every unknown group; most rows first. */
function repeated(sheet: Sheet): Repeated[] {
  const found = new Map<string, Repeated>();
  sheet.rows.forEach((row, i) => {
    if (row.state !== 'failed') return;
    for (const { pointer, code } of row.errors) {
      const column = code === 'unknown_role' ? 'role' : code === 'unknown_group' ? 'groups' : undefined;
      if (!column) continue;
      const value = column === 'role' ? cell(sheet, row, 'role') : groupsOf(sheet, row)[Number(pointer.split('/')[2])];
      if (!value) continue;
      const key = `${column} ${value}`;
      const one = found.get(key) ?? { column, value, rows: [] };
      if (!one.rows.includes(i)) one.rows.push(i);
      found.set(key, one);
    }
  });
  return [...found.values()].filter((r) => r.column === 'groups' || r.rows.length > 1).sort((a, b) => b.rows.length - a.rows.length);
}

/** The id that a group of this name gets; "" where its name has no letter or digit of an id. */
function groupID(name: string): string {
  return name.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '').replace(/[^a-z0-9_-]+/g, '-').replace(/^[-_]+|-+$/g, '').slice(0, 50);
}

const shown = 5;

/** Offers to mend what many rows share. The rows are to be checked again afterwards. */
export function Repairs({ sheet, onChange }: { sheet: Sheet; onChange: (sheet: Sheet) => void }) {
  const { t } = useText();
  const { workspace } = usePlace();
  const [refused, setRefused] = useState<Problem>();

  function mend(r: Repeated, next: (row: Row) => string) {
    const rows = [...sheet.rows];
    for (const i of r.rows) rows[i] = withCell(sheet, rows[i]!, r.column, next(rows[i]!));
    onChange({ ...sheet, rows });
  }
  const replace = (r: Repeated, by: string[]) => mend(r, (row) => groupsOf(sheet, row).flatMap((g) => (g === r.value ? by : [g])).join('|'));

  async function create(r: Repeated) {
    setRefused(undefined);
    const group = groupID(r.value);
    try {
      await body(api.PUT('/v1/workspaces/{workspace}/groups/{group}', { params: { path: { workspace: workspace.id, group } }, body: { name: r.value } }));
      replace(r, [group]);
    } catch (error) {
      setRefused(problem(error));
    }
  }

  const all = repeated(sheet).slice(0, shown);
  if (all.length === 0) return null;
  return (
    <>
      {all.map((r) => (
        <Notice key={`${r.column} ${r.value}`} bad>
          {r.column === 'role' ? (
            <label>
              {t.add.repairRole(r.rows.length, r.value)}{' '}
              <select value="" onChange={(e) => mend(r, () => e.target.value)}>
                <option value="" disabled>
                  {t.add.repairWith}
                </option>
                {(['admin', 'builder', 'end-user'] satisfies Role[]).map((role) => (
                  <option key={role} value={role}>
                    {t.role[role]}
                  </option>
                ))}
              </select>
            </label>
          ) : (
            <>
              <p>{t.add.repairGroup(r.rows.length, r.value)}</p>
              <div className="buttons">
                {groupID(r.value) && (
                  <button className="button" onClick={() => void create(r)}>
                    {t.add.createGroup(r.value)}
                  </button>
                )}
                <button className="button" onClick={() => replace(r, [])}>
                  {t.add.dropGroup(r.value)}
                </button>
              </div>
            </>
          )}
        </Notice>
      ))}
      <Refusal problem={refused} />
    </>
  );
}
