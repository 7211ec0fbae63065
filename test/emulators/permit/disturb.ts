import type { Reply } from './call.ts';
import { errorBody } from './errors.ts';
import type { Effect, Fault, Faults } from './faults.ts';
import type { Disturb } from './paging.ts';

export type Kind<K extends Effect['kind']> = Extract<Fault, { kind: K }>;

export const ofKind = <K extends Effect['kind']>(faults: readonly Fault[], kind: K): readonly Kind<K>[] => faults.filter((fault): fault is Kind<K> => fault.kind === kind);

/** What the faults make of the rows of a list. */
export function disturbing(faults: readonly Fault[], { random }: Faults): Disturb | undefined {
  const steps = faults.flatMap((fault): Disturb[] => {
    if (fault.kind === 'reorder') return [(rows) => shuffled(rows, random)];
    if (fault.kind === 'duplicate') return [(rows) => [...rows.slice(0, fault.rows ?? 1), ...rows]];
    return [];
  });
  return steps.length === 0 ? undefined : (rows) => steps.reduce((seen, step) => step(seen), rows);
}

function shuffled(rows: readonly unknown[], random: () => number): readonly unknown[] {
  const mixed = [...rows];
  for (let i = mixed.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  return mixed;
}

/** The answer as a server of another version gives it, or as one that has lost its rows. */
export function altered({ status, body }: Reply, faults: readonly Fault[]): Reply {
  let seen = body;
  if (ofKind(faults, 'emptied').length > 0) seen = emptied(seen);
  for (const { as } of ofKind(faults, 'version')) seen = status < 300 ? (as === 'old' ? older : newer)(seen) : seen;
  return { status, body: seen };
}

function emptied(body: unknown): unknown {
  if (Array.isArray(body)) return [];
  return isRecord(body) && Array.isArray(body['data']) ? { data: [], total_count: 0, page_count: 0 } : body;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Free content, which no version changes. */
const CONTENT = ['attributes', 'conditions'];

function older(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(older);
  if (!isRecord(value)) return value;
  const gone = ['extends', ...'relation' in value && 'subject' in value ? ['tenant'] : [], ...'linked_by_relation' in value ? ['when'] : []];
  return Object.fromEntries(Object.entries(value).filter(([name]) => !gone.includes(name)).map(([name, member]) => [name, CONTENT.includes(name) ? member : older(member)]));
}

function newer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(newer);
  if (!isRecord(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, CONTENT.includes(name) ? member : newer(member)] as const);
  return { ...Object.fromEntries(members), ...'id' in value ? { newer_member: { since: '3.0' } } : {} };
}

export interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const JSON_TYPE = { 'content-type': 'application/json' };

export const toSent = ({ status, body }: Reply): Sent => body === undefined ? { status, headers: {}, text: '' } : { status, headers: JSON_TYPE, text: JSON.stringify(body) };

// Codes of statuses that the API itself never gives are assumed (facts 7, 14).
const CODES: Readonly<Record<number, string>> = { 401: 'UNAUTHORIZED', 403: 'FORBIDDEN_ACCESS', 404: 'NOT_FOUND', 409: 'DUPLICATE_ENTITY', 429: 'TOO_MANY_REQUESTS' };

export function refused({ status, body = 'json', code = CODES[status] ?? 'UNEXPECTED_ERROR', retryAfter }: Kind<'status'>): Sent {
  const after = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  switch (body) {
    case 'json': return { status, headers: { ...JSON_TYPE, ...after }, text: JSON.stringify(errorBody(code, `A fault of the emulator: ${status}.`)) };
    case 'html': return { status, headers: { 'content-type': 'text/html', ...after }, text: `<html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>` };
    case 'null': return { status, headers: { ...JSON_TYPE, ...after }, text: 'null' };
    case 'empty': return { status, headers: after, text: '' };
  }
}
