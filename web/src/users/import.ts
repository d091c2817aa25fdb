// Many people at once: from pasted addresses or a CSV file to rows, from rows
// to batches that the API takes, and what became of each.
import Papa from 'papaparse';
import { api, body, problem, type FieldError, type Import, type Role, type User } from '../api';
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

const batchRows = 500; // what the API takes: a check knows of no other
const batchBytes = 200_000; // the API takes 256 KB

interface Batch {
  indexes: number[];
  csv: string;
}

function batchesOf(sheet: Sheet, indexes: number[]): Batch[] {
  const batches: Batch[] = [];
  const size = (i: number) => new Blob(sheet.rows[i]!.cells).size + sheet.header.length * 3;
  let open: number[] = [];
  let bytes = 0;
  const close = () => {
    if (open.length === 0) return;
    const csv = Papa.unparse([sheet.header, ...open.map((i) => sheet.rows[i]!.cells)], { newline: '\n' }) + '\n';
    batches.push({ indexes: open, csv });
    open = [];
    bytes = 0;
  };
  for (const i of indexes) {
    if (open.length >= batchRows || bytes + size(i) > batchBytes) close();
    open.push(i);
    bytes += size(i);
  }
  close();
  return batches;
}

const asCSV = (csv: string) => ({
  headers: { 'Content-Type': 'text/csv' },
  body: csv as never,
  bodySerializer: (text: unknown) => text as string,
});

/** Makes a call again where that may help; every call here may be repeated. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const p = problem(error);
      const mayPass = p.status === 0 || p.status === 429 || p.status >= 500;
      if (!mayPass || attempt === 3) throw p;
      await pause(1000 * Math.min(p.retryAfter ?? attempt, 20));
    }
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How far something is that takes a while. */
export interface Running {
  done: number;
  total: number;
}

/** A check of a sheet, batch by batch. */
export class Check implements Running {
  done = 0;
  readonly total: number;
  /** How many of the mails would have to wait for another day. */
  scheduled = 0;
  sheet: Sheet;
  private readonly batches: Batch[];
  private readonly workspace: string;

  constructor(workspace: string, sheet: Sheet) {
    this.workspace = workspace;
    this.sheet = markRepeats(sheet);
    const indexes = this.sheet.rows.flatMap((r, i) => (r.state === 'unchecked' ? [i] : []));
    this.batches = batchesOf(this.sheet, indexes);
    this.total = indexes.length;
  }

  /** Checks every row; throws the Problem of a batch that would not go. */
  async go(progress: () => void): Promise<void> {
    const path = { workspace: this.workspace };
    for (const { indexes, csv } of this.batches) {
      const { results, scheduled } = await persist(() =>
        body(api.POST('/v1/workspaces/{workspace}/users/batch', { params: { path, query: { dryRun: true } }, ...asCSV(csv) })),
      );
      this.scheduled += scheduled;
      const rows = [...this.sheet.rows];
      results.forEach((r, i) => {
        const at = indexes[i]!;
        rows[at] = { ...rows[at]!, state: r.outcome === 'created' ? 'good' : r.outcome, user: 'user' in r ? r.user : undefined, errors: 'errors' in r ? r.errors : [] };
      });
      this.sheet = { ...this.sheet, rows };
      this.done += indexes.length;
      progress();
    }
  }
}

export const isBusy = (i: Import) => i.status === 'running' || i.status === 'canceling';

/** Sets an import going, or ends it. */
export function change(i: Import, how: 'start' | 'cancel'): Promise<Import> {
  const params = { path: { workspace: i.workspaceId, import: i.id } };
  return persist(() => body(api.POST(`/v1/workspaces/{workspace}/imports/{import}/${how}`, { params })));
}

/** A page of an import's report. */
export function report(workspace: string, id: string, query: { outcome?: 'failed' | 'exists' | 'waiting'; limit?: number; cursor?: string }) {
  return persist(() => body(api.GET('/v1/workspaces/{workspace}/imports/{import}', { params: { path: { workspace, import: id }, query } })));
}

/**
 * An import of the good rows of a sheet: handed over from here, and invited by the service, which needs no window for it.
 * What failed on the way can be gone on with.
 */
export class Job implements Running {
  done = 0;
  readonly total: number;
  sheet: Sheet;
  import?: Import;
  private readonly batches: Batch[];
  private readonly indexes: number[];
  private readonly key = crypto.randomUUID();
  private readonly workspace: string;

  constructor(workspace: string, sheet: Sheet) {
    this.workspace = workspace;
    this.sheet = sheet;
    this.indexes = sheet.rows.flatMap((r, i) => (r.state === 'good' ? [i] : []));
    this.batches = batchesOf(sheet, this.indexes);
    this.total = this.indexes.length;
  }

  /** Whether every row is at the service: from then on it goes on by itself. */
  get handedOver(): boolean {
    return this.import !== undefined && this.import.status !== 'open';
  }

  async go(progress: () => void): Promise<void> {
    const path = { workspace: this.workspace };
    this.import ??= await persist(() => body(api.POST('/v1/workspaces/{workspace}/imports', { params: { path, header: { 'Idempotency-Key': this.key } } })));
    const at = { ...path, import: this.import.id };
    let first = 1;
    for (const { indexes, csv } of this.batches) {
      const firstRow = first;
      first += indexes.length;
      if (firstRow <= this.import.rows) continue; // it is there already
      const added = await persist(() =>
        body(api.POST('/v1/workspaces/{workspace}/imports/{import}/rows', { params: { path: at, query: { firstRow } }, ...asCSV(csv) })),
      );
      this.import = added.import;
      progress();
    }
    if (this.import.status === 'open' || this.import.status === 'stopped') this.import = await change(this.import, 'start');
    for (progress(); isBusy(this.import); progress()) {
      await pause(this.done === 0 ? 300 : 1000);
      this.import = (await report(this.workspace, this.import.id, { limit: 1 })).import;
      this.done = this.import.processed;
    }
    await this.finish();
  }

  /** Notes what became of the rows: those that were invited, as far as the page shows them at first. */
  private async finish(): Promise<void> {
    const rows = [...this.sheet.rows];
    for (const i of this.indexes) rows[i] = { ...rows[i]!, state: 'created' };
    for (const outcome of [undefined, 'failed', 'exists', 'waiting'] as const) {
      let cursor: string | undefined;
      do {
        const page = await report(this.workspace, this.import!.id, { outcome, limit: 100, cursor });
        for (const r of page.results) {
          const i = this.indexes[r.row - 1]!;
          const state = r.outcome === 'waiting' ? 'good' : r.outcome;
          rows[i] = { ...rows[i]!, state, user: 'user' in r ? r.user : undefined, errors: 'errors' in r ? r.errors : [] };
        }
        cursor = outcome && (page.nextCursor ?? undefined);
      } while (cursor);
    }
    this.sheet = { ...this.sheet, rows };
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
