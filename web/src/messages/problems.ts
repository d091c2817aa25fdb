// Words for the codes of the API: what it says itself is for developers.
import type { components } from '../openapi';

/** Answers to calls that the dashboard does not make. */
type Unmet =
  | 'body_required' | 'invalid_body' | 'invalid_json' | 'invalid_csv' | 'invalid_idempotency_key' | 'invalid_if_match' | 'person_required'
  | 'route_not_found' | 'slug_taken' | 'unsupported_media_type' | 'idempotency_mismatch';
type UnmetField =
  | 'unknown_field' | 'unknown_directory' | 'invalid_slug' | 'reserved_slug' | 'wrong_slug' | 'unknown_status' | 'unknown_type' | 'unknown_sort'
  | 'unknown_format' | 'unknown_outcome' | 'invalid_boolean' | 'not_with_csv' | 'invalid_cursor' | 'unknown_parameter';

/** unknown stands for a code that is newer than the dashboard. */
export type Problems = Record<Exclude<components['schemas']['ProblemCode'], Unmet> | 'unreachable' | 'signed_out' | 'throttled' | 'unknown', string>;
export type FieldProblems = Record<Exclude<components['schemas']['FieldCode'], UnmetField> | 'unknown', string>;
