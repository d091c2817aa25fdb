// The HTTP API, typed by openapi.yaml. Every failure is a Problem.
import createClient from 'openapi-fetch';
import type { components, paths } from './openapi';
import { bearer } from './session';

type Schemas = components['schemas'];
export type User = Schemas['User'];
export type Status = Schemas['Status'];
export type Role = Schemas['Role'];
export type Workspace = Schemas['Workspace'];
export type Membership = Schemas['Membership'];
export type Group = Schemas['Group'];
export type Import = Schemas['Import'];
export type Invitation = Schemas['InvitationPreview'];
/** What is wrong with a field: the API's codes, and a few of the pages' own. */
export type FieldError = Omit<Schemas['FieldError'], 'code'> & { code: string };
/** What became of a mail. States that are new to the dashboard do it no harm. */
export type Delivery = Schemas['Delivery'] | (string & {});
export type HistoryEntry = Schemas['HistoryEntry'];
export type HistoryPage = Schemas['HistoryPage'];
/** What a workspace's history has entries of. */
export type HistoryType = Schemas['WorkspaceHistoryType'];
export type Counts = NonNullable<Schemas['UserPage']['counts']>;

/** Why a call failed: what the API said, or that it could not be reached. */
export class Problem extends Error {
  readonly status: number; // 0 where there was no answer
  readonly code: string;
  readonly errors: FieldError[];
  readonly user?: { id: string; status: Status };
  readonly requestId?: string;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;

  constructor(status: number, body: Partial<Schemas['Problem']> & { message?: string }, header?: Headers) {
    super(body.detail ?? body.message ?? '');
    this.status = status;
    this.code = body.code ?? codeOf(status);
    this.errors = body.errors ?? [];
    this.user = body.user;
    this.requestId = header?.get('apigw-requestid') ?? undefined;
    this.retryAfter = Number(header?.get('retry-after')) || undefined;
  }

  /** The same without what it says of these fields, which were changed since; undefined if nothing is left. */
  without(fields: string[]): Problem | undefined {
    if (this.errors.length === 0) return undefined;
    const left = this.errors.filter((e) => !fields.includes(e.pointer.split('/')[1] ?? ''));
    return left.length > 0 ? Object.assign(Object.create(Problem.prototype) as Problem, this, { errors: left }) : undefined;
  }
}

/** What the gateway's own errors would be called. */
function codeOf(status: number): string {
  switch (status) {
    case 0:
      return 'unreachable';
    case 401:
      return 'signed_out';
    case 413:
      return 'body_too_large';
    case 429:
      return 'throttled';
    case 503:
      return 'unavailable';
    default:
      return 'internal';
  }
}

export let api: ReturnType<typeof createClient<paths, 'application/json'>>;

export function startAPI(baseUrl: string): void {
  api = createClient<paths, 'application/json'>({ baseUrl, querySerializer: { array: { style: 'form', explode: false } } });
  api.use({
    async onRequest({ request, schemaPath }) {
      // The public operations of a link need no token, and get none.
      const isPublic = schemaPath.startsWith('/v1/invitations/') && !schemaPath.endsWith('/accept');
      const token = isPublic ? null : await bearer();
      if (token) request.headers.set('Authorization', `Bearer ${token}`);
      return request;
    },
    async onResponse({ response }) {
      if (response.ok) return;
      const answer = await response.json().catch(() => ({}));
      throw new Problem(response.status, answer, response.headers);
    },
    onError() {
      return new Problem(0, {});
    },
  });
}

/** The body of a call that succeeded; failures were thrown. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

/** Any error as a Problem. */
export function problem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(500, { detail: String(error), code: 'internal' });
}
