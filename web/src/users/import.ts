// Many people at once: from pasted addresses or a CSV file to rows, from rows
// to batches that the API takes, and what became of each.
import Papa from 'papaparse';
import { api, body, problem, type FieldError, type Role, type User } from '../api';
import { isWorkbook, mapped, roleNamed, type Target } from './mapping';

/** The columns that the API knows; the first three are needed. */
export const columns = ['name', 'email', 'role', 'groups', 'metadata', 'message', 'locale', 'sendEmail', 'confirm', 'expiresInDays'];

/** What the file of failed rows has besides, and an import leaves out. */
const problemColumn = 'problem';

export interface Row {
  /** From 1, as it stands in the source. */
  line: number;
  cells: string[]; // as the header has them
  state: 'unchecked' | 'good' | 'exists' | 'failed' | 'created';
  user?: User;
  errors: FieldError[];
}

export interface Sheet {
  header: string[];
  rows: Row[];
}

export function cell(sheet: Sheet, row: Row, column: string): string {
  return row.cells[sheet.header.indexOf(column)] ?? '';
}

export function withCell(sheet: Sheet, row: Row, column: string, value: string): Row {
  const cells = [...row.cells];
  cells[sheet.header.indexOf(column)] = value;
  return { ...row, cells, state: 'unchecked', errors: [] };
}

/** Addresses with or without a name, however they are separated: `Jane Doe <jane@corp.com>, joe@corp.com`. */
export function readPasted(source: string, role: Role, groups: string[]): Sheet {
  const rows: Row[] = [];
  source.split(/\r?\n/).forEach((text, i) => {
    for (const part of text.split(/[;,\t]+(?=[^"]*(?:"[^"]*"[^"]*)*$)/)) {
      const words = part.trim();
      if (words === '') continue;
      const named = /^"?(.*?)"?\s*<([^<>]*)>$/.exec(words);
      const email = (named?.[2] ?? words).trim();
      const name = named?.[1]?.trim() || nameOf(email);
      rows.push({ line: i + 1, cells: [name, email, role, groups.join('|')], state: 'unchecked', errors: [] });
    }
  });
  return { header: ['name', 'email', 'role', 'groups'], rows };
}

/** A first guess: john.doe@corp.com is John Doe. */
function nameOf(email: string): string {
  const [local = ''] = email.split('@');
  return local
    .split('+')[0]!
    .split(/[._-]+/)
    .filter(Boolean)
    .map((w) => w[0]!.toUpperCase() + w.slice(1))
    .join(' ');
}

/** Reads a CSV file. Which columns it may have, the API says. */
export function readCSV(source: string): Sheet {
  const lines: { line: number; cells: string[] }[] = [];
  let line = 1;
  let from = 0;
  Papa.parse<string[]>(source, {
    step: ({ data, meta }) => {
      lines.push({ line, cells: data });
      line += source.slice(from, meta.cursor).split(/\r\n|\n|\r/).length - 1;
      from = meta.cursor;
    },
  });
  const filled = lines.filter((l) => l.cells.some((c) => c.trim() !== ''));
  const first = filled.shift();
  const header = (first?.cells ?? []).map((c) => c.replace(/^\ufeff/, '').trim());
  const dropped = header.indexOf(problemColumn);
  const keep = (cells: string[]) => (dropped < 0 ? cells : cells.filter((_, i) => i !== dropped));
  const width = keep(header).length;
  return {
    header: keep(header),
    rows: filled.map(({ line: at, cells }) => {
      const kept = keep(cells);
      const ragged = kept.length !== width;
      return ragged
        ? { line: at, cells: kept, state: 'failed', errors: [fault('', 'wrong_length')] }
        : { line: at, cells: kept, state: 'unchecked', errors: [] };
    }),
  };
}

/** The sheet that a mapping makes of a file's, with the ids of its roles. */
export function withMapping(sheet: Sheet, mapping: (Target | undefined)[], role: Role): Sheet {
  const { header, rows } = mapped(sheet.header, sheet.rows.map((r) => r.cells), mapping, role);
  return withRoles({ header, rows: sheet.rows.map((r, i) => ({ ...r, cells: rows[i]! })) });
}

/** The sheet with the ids of roles in place of their labels. */
export function withRoles(sheet: Sheet): Sheet {
  const at = sheet.header.indexOf('role');
  if (at < 0) return sheet;
  return { ...sheet, rows: sheet.rows.map((r) => ({ ...r, cells: r.cells.map((c, i) => (i === at ? roleNamed(c) : c)) })) };
}

/** The text of a file in UTF-8, or in what Excel calls CSV on Windows; undefined for a workbook. */
export async function readText(file: Blob): Promise<string | undefined> {
  const bytes = await file.arrayBuffer();
  if (isWorkbook(new Uint8Array(bytes))) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Codes of this page's own, beside those of the API. */
function fault(pointer: string, code: 'wrong_length' | 'duplicate'): FieldError {
  return { pointer, code, detail: code };
}

export function template(): string {
  return Papa.unparse([columns, ['Jane Doe', 'jane@example.com', 'builder', '', '{"region":"eu"}', '', '', 'true', '', '']]) + '\r\n';
}

/** The rows that nobody was invited by, with why; it can be mended and imported again. */
export function failedRows(sheet: Sheet, why: (row: Row) => string): string {
  const rows = sheet.rows.filter((r) => r.state !== 'created');
  return Papa.unparse([[...sheet.header, problemColumn], ...rows.map((r) => [...r.cells.slice(0, sheet.header.length), why(r)])]) + '\r\n';
}

const batchRows = 100; // small enough that the progress can be seen
const checkRows = 500; // what the API takes: a check knows of no other
const batchBytes = 200_000; // the API takes 256 KB

interface Batch {
  key: string; // names the call, so that it can be repeated
  indexes: number[];
  csv: string;
}

function batchesOf(sheet: Sheet, indexes: number[], most: number): Batch[] {
  const batches: Batch[] = [];
  const size = (i: number) => new Blob(sheet.rows[i]!.cells).size + sheet.header.length * 3;
  let open: number[] = [];
  let bytes = 0;
  const close = () => {
    if (open.length === 0) return;
    const csv = Papa.unparse([sheet.header, ...open.map((i) => sheet.rows[i]!.cells)], { newline: '\n' }) + '\n';
    batches.push({ key: crypto.randomUUID(), indexes: open, csv });
    open = [];
    bytes = 0;
  };
  for (const i of indexes) {
    if (open.length >= most || bytes + size(i) > batchBytes) close();
    open.push(i);
    bytes += size(i);
  }
  close();
  return batches;
}

/** A run over a sheet, batch by batch, that can be stopped and gone on with. */
export class Run {
  private next = 0;
  private readonly batches: Batch[];
  private readonly workspace: string;
  private readonly dryRun: boolean;
  readonly total: number;
  /** How many of the mails have to wait for another day. */
  scheduled = 0;
  sheet: Sheet;
  stopped = false;

  constructor(workspace: string, sheet: Sheet, dryRun: boolean) {
    this.workspace = workspace;
    this.dryRun = dryRun;
    this.sheet = dryRun ? markRepeats(sheet) : sheet;
    const wanted = dryRun ? 'unchecked' : 'good';
    const indexes = this.sheet.rows.flatMap((r, i) => (r.state === wanted ? [i] : []));
    this.batches = batchesOf(this.sheet, indexes, dryRun ? checkRows : batchRows);
    this.total = indexes.length;
  }

  get done(): number {
    return this.batches.slice(0, this.next).reduce((n, b) => n + b.indexes.length, 0);
  }

  /** Sends what is left; throws the Problem of a batch that would not go. */
  async go(progress: (run: Run) => void): Promise<void> {
    this.stopped = false;
    for (let batch = this.batches[this.next]; batch && !this.stopped; batch = this.batches[this.next]) {
      const { results, scheduled } = await this.send(batch);
      this.scheduled += scheduled;
      const rows = [...this.sheet.rows];
      results.forEach((r, i) => {
        const at = batch.indexes[i]!;
        const state = r.outcome === 'created' && this.dryRun ? 'good' : r.outcome;
        rows[at] = { ...rows[at]!, state, user: 'user' in r ? r.user : undefined, errors: 'errors' in r ? r.errors : [] };
      });
      this.sheet = { ...this.sheet, rows };
      this.next++;
      progress(this);
    }
  }

  /** Sends one batch; repeats it where that may help, which invites nobody twice. */
  private async send(batch: Batch) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await body(
          api.POST('/v1/workspaces/{workspace}/users/batch', {
            params: {
              path: { workspace: this.workspace },
              query: this.dryRun ? { dryRun: true } : {},
              header: this.dryRun ? {} : { 'Idempotency-Key': batch.key },
            },
            headers: { 'Content-Type': 'text/csv' },
            body: batch.csv as never,
            bodySerializer: (csv: unknown) => csv as string,
          }),
        );
      } catch (error) {
        const p = problem(error);
        const mayPass = p.status === 0 || p.status === 429 || p.status >= 500;
        if (!mayPass || attempt === 3) throw p;
        await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(p.retryAfter ?? attempt, 20)));
      }
    }
  }
}

/** The API knows repeats within a batch; this page, across batches. */
function markRepeats(sheet: Sheet): Sheet {
  const seen = new Set<string>();
  const rows = sheet.rows.map((row): Row => {
    const email = cell(sheet, row, 'email').trim().normalize('NFC').toLowerCase();
    if (!email.includes('@') || row.errors.some((e) => e.code === 'wrong_length')) return row;
    const again = seen.has(email);
    seen.add(email);
    if (again) return { ...row, state: 'failed', errors: [fault('/email', 'duplicate')] };
    const wasRepeat = row.errors.some((e) => e.code === 'duplicate');
    return wasRepeat ? { ...row, state: 'unchecked', errors: [] } : row;
  });
  return { ...sheet, rows };
}
