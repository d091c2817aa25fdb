// The pages of the reference: the API's from openapi.yaml, the events' from
// events/schema.
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const root = new URL('../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');

interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  description?: string;
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
}
interface Media { example?: unknown; examples?: Record<string, { summary?: string; value?: unknown }> }
interface Part { $ref?: string; description?: string; content?: Record<string, Media> }
interface Parameter { $ref?: string; name: string; in: string; required?: boolean; description?: string; schema?: Schema }
interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  security?: unknown[];
  parameters?: Parameter[];
  requestBody?: Part;
  responses: Record<string, Part>;
}
interface Contract {
  info: { version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation> & { parameters?: Parameter[] }>;
}

const contract = parse(read('openapi.yaml')) as Contract;

/** What a reference within the document stands for. */
function resolve<T extends { $ref?: string }>(thing: T): T {
  if (!thing.$ref) return thing;
  const path = thing.$ref.slice(2).split('/').map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
  return path.reduce((at: any, part) => at[part], contract) as T;
}

/** Text for a cell of a table, or for a line outside of code. */
const cell = (text = '') => text.trim().replace(/\s*\n\s*/g, ' ').replace(/\|/g, '\\|').replace(/</g, '&lt;').replace(/\{\{/g, '{​{');

const fenced = (value: unknown) => (typeof value === 'string' ? ['```text', value.trim(), '```'] : ['```json', JSON.stringify(value, null, 2), '```']);

/** The first example of a body. */
function example(part: Part): string[] {
  for (const media of Object.values(part.content ?? {})) {
    const value = media.example ?? Object.values(media.examples ?? {}).map((e) => resolve(e as { $ref?: string } & typeof e).value)[0];
    if (value !== undefined) return fenced(value);
  }
  return [];
}

function operation(method: string, path: string, o: Operation, shared: Parameter[]): string {
  const isPublic = Array.isArray(o.security) && o.security.length === 0;
  const lines = [`## ${o.summary}`, '', `\`${method.toUpperCase()} ${path}\`: \`${o.operationId}\`, ${isPublic ? 'without a token' : 'with a token'}`, '', o.description ?? '', ''];
  const parameters = [...shared, ...(o.parameters ?? [])].map(resolve).filter((p) => p.in !== 'path');
  if (parameters.length > 0) {
    lines.push('| parameter | in | what it is |', '|---|---|---|');
    for (const p of parameters) lines.push(`| \`${p.name}\` | ${p.in} | ${cell(p.description)} |`);
    lines.push('');
  }
  const body = o.requestBody && example(resolve(o.requestBody));
  if (body && body.length > 0) lines.push('A request:', '', ...body, '');
  const answers = Object.entries(o.responses).map(([status, r]) => [status, resolve(r)] as const);
  const good = answers.find(([status, r]) => status.startsWith('2') && example(r).length > 0);
  if (good) lines.push(`An answer, \`${good[0]}\`:`, '', ...example(good[1]), '');
  lines.push('| status | when |', '|---|---|');
  for (const [status, r] of answers) lines.push(`| ${status} | ${cell(r.description)} |`);
  return lines.join('\n');
}

function tagPage(tag: { name: string; description: string }) {
  const found: string[] = [];
  for (const [path, item] of Object.entries(contract.paths)) {
    for (const [method, o] of Object.entries(item)) {
      if (method !== 'parameters' && o.tags?.[0] === tag.name) found.push(operation(method, path, o, item.parameters ?? []));
    }
  }
  const whole = 'Every field of every body is in the [whole reference](../api/index.html){target="_self"}.';
  return { params: { page: tag.name.toLowerCase() }, content: [`# ${tag.name}`, tag.description, whole, ...found].join('\n\n') };
}

/** What a member of an event may be, as one phrase. */
function values(s: Schema): string {
  if (s.const !== undefined) return `\`${JSON.stringify(s.const)}\``;
  if (s.enum) return s.enum.map((v) => `\`${v}\``).join(', ');
  return [s.type, s.format].filter(Boolean).join(', ');
}

function eventsPage() {
  const lines = [
    '# Events',
    '',
    'Everything that happens is an event on the EventBridge bus, with `source` `latchkey` and the type as `detail-type`. An event may come twice and out of order: its `id` stays the same, and sorts by time. No event has a name, an address, metadata or a link.',
    '',
    'The JSON Schemas are in [events/schema](../../events/schema). Members may be added; `version` rises when one changes its meaning or goes.',
  ];
  for (const file of readdirSync(new URL('events/schema/', root)).sort()) {
    const schema = JSON.parse(read(`events/schema/${file}`)) as Schema & { title: string };
    lines.push('', `## ${schema.title}`, '', schema.description?.split('. ')[0].replace(/\.?$/, '.') ?? '', '', '| member | is | what it is |', '|---|---|---|');
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      lines.push(`| \`${name}\` | ${values(member)}${schema.required?.includes(name) ? '' : ' (may be absent)'} | ${cell(member.description)} |`);
    }
  }
  return { params: { page: 'events' }, content: lines.join('\n') };
}

function conventionsPage() {
  return { params: { page: 'conventions' }, content: `# Conventions\n\nThe HTTP API's contract is [openapi.yaml](../../openapi.yaml); \`make run\` shows the [whole reference](../api/index.html){target="_self"} at \`/docs\`.\n\n${contract.info.description}` };
}

export default {
  watch: ['../../openapi.yaml', '../../events/schema/*.json'],
  paths: () => [...contract.tags.map(tagPage), eventsPage(), conventionsPage()],
};
