import { useId } from 'react';
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser';
import { useText, type Text } from '../text';
import { Alert } from '../icons';

export type Metadata = Record<string, unknown>;

export interface MetadataFault {
  line: number; // both from 1
  column: number;
  code: string;
}

/** What stands in the editor; nothing at all is no metadata. */
export function parseMetadata(source: string): { value: Metadata } | { fault: MetadataFault } {
  if (source.trim() === '') return { value: {} };
  const errors: ParseError[] = [];
  const value: unknown = parse(source, errors, { disallowComments: true, allowTrailingComma: false });
  const first = errors[0];
  if (first) return { fault: { ...position(source, first.offset), code: printParseErrorCode(first.error) } };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { fault: { ...position(source, source.search(/\S/)), code: 'NoObject' } };
  }
  return { value: value as Metadata };
}

function position(source: string, offset: number) {
  const before = source.slice(0, offset).split('\n');
  return { line: before.length, column: [...(before.at(-1) ?? '')].length + 1 };
}

export function explainFault({ t }: Text, { line, column, code }: MetadataFault): string {
  const words = t.metadata.faults[code as keyof typeof t.metadata.faults] ?? t.metadata.faults.InvalidSymbol;
  return t.metadata.at(line, column, words);
}

export function show(metadata: Metadata | undefined): string {
  return metadata && Object.keys(metadata).length > 0 ? JSON.stringify(metadata, null, 2) : '';
}

interface Props {
  value: string;
  onChange: (value: string) => void;
  /** What the API said of it. */
  error?: string;
}

/** A JSON editor that says where the JSON is wrong. */
export function MetadataEditor({ value, onChange, error }: Props) {
  const id = useId();
  const text = useText();
  const { t } = text;
  const parsed = parseMetadata(value);
  const fault = 'fault' in parsed ? parsed.fault : undefined;
  const wrong = fault ? explainFault(text, fault) : error;
  const lines = value.split('\n').length;
  return (
    <div className="field">
      <label htmlFor={id}>
        {t.metadata.label} <span className="soft">{t.common.optional}</span>
      </label>
      <div className={wrong ? 'editor bad' : 'editor'}>
        <div className="gutter" aria-hidden="true">
          {Array.from({ length: lines }, (_, i) => (
            <span key={i} className={fault?.line === i + 1 ? 'here' : undefined}>
              {i + 1}
            </span>
          ))}
        </div>
        <textarea
          id={id} className="code" spellCheck={false} autoComplete="off" autoCapitalize="off" wrap="off"
          rows={Math.min(Math.max(lines, 3), 14)} value={value} placeholder={'{"apiKey": "abc123"}'}
          aria-describedby={`${id}-hint ${id}-wrong`} aria-invalid={wrong ? true : undefined}
          onChange={(e) => onChange(e.target.value)}
        />
      </div>
      <p className="hint" id={`${id}-hint`}>
        {t.metadata.hint}
      </p>
      <p className={wrong ? 'wrong' : undefined} id={`${id}-wrong`} role="status">
        {wrong && (
          <>
            <Alert size={16} /> {wrong}
          </>
        )}
      </p>
    </div>
  );
}
