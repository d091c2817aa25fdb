// What a translation has: every message of the English one, and words for what
// the API says in English alone.
import type { components } from '../openapi';
import type { Messages } from './en';

type Code = components['schemas']['ProblemCode'];
type FieldCode = components['schemas']['FieldCode'];

/** Answers to calls that the dashboard does not make. */
type Unmet =
  | 'body_required' | 'invalid_body' | 'invalid_json' | 'invalid_csv' | 'invalid_idempotency_key' | 'invalid_if_match' | 'person_required'
  | 'route_not_found' | 'slug_taken' | 'unsupported_media_type' | 'idempotency_mismatch';
type UnmetField =
  | 'unknown_field' | 'unknown_directory' | 'invalid_slug' | 'reserved_slug' | 'wrong_slug' | 'unknown_status' | 'unknown_type' | 'unknown_sort'
  | 'unknown_format' | 'invalid_boolean' | 'not_with_csv' | 'invalid_cursor' | 'unknown_parameter';

/** Further codes may be there, of what the API will say one day. */
type Words<C extends string> = Record<C, string> & Record<string, string>;

export interface Translation extends Omit<Messages, 'problems' | 'fieldProblems'> {
  problems: Words<Exclude<Code, Unmet> | 'unreachable' | 'signed_out' | 'throttled'>;
  fieldProblems: Words<Exclude<FieldCode, UnmetField>>;
}
