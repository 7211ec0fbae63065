import { dictionary, list, object, oneOf, optional, readBody, text, type Shape } from './body.ts';
import { malformed } from './errors.ts';

/** Which requests a fault meets: all, less what is said here. */
export interface Match {
  readonly method?: string | undefined;
  // `*` stands for one segment, `**` for any rest: `/v2/facts/*/*/users`. Compared with the path as it is sent.
  readonly path?: string | undefined;
  /** Parameters that must have these values: `{ page: '2' }`. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Lets so many pass first. Default 0. */
  readonly skip?: number | undefined;
  /** Meets so many, then never again. Default: until it is removed; of `then` 1. */
  readonly times?: number | undefined;
  /** From 0 to 1, by the seed. Default 1. */
  readonly chance?: number | undefined;
}

/** What the emulator asks of itself. */
export interface Inner {
  readonly method: string;
  readonly url: string;
  readonly body?: unknown;
  /** Added to the clock for this request: a row made in the past stands first in its list. */
  readonly skewMs?: number | undefined;
}

export type Effect =
  | { readonly kind: 'latency'; readonly ms: number }
  /** No answer; the connection stays. */
  | { readonly kind: 'hang' }
  /** The connection is reset: instead of an answer (`start`), or after half of the body (`body`, the default). */
  | { readonly kind: 'reset'; readonly at?: 'start' | 'body' | undefined }
  /** The request is not carried out. `retryAfter`: seconds or a date, as sent. */
  | { readonly kind: 'status'; readonly status: number; readonly body?: 'json' | 'html' | 'null' | 'empty' | undefined; readonly code?: string | undefined; readonly retryAfter?: string | undefined }
  /** A whole answer by HTTP, half an answer by JSON. */
  | { readonly kind: 'truncated' }
  /** 200 with `[]`, whatever was asked. */
  | { readonly kind: 'empty' }
  /** Every list is empty, in its own form, and the total 0 with it. */
  | { readonly kind: 'emptied' }
  /** Every page is cut from another order. */
  | { readonly kind: 'reorder' }
  /** The first rows (default 1) come twice; the total counts them once. */
  | { readonly kind: 'duplicate'; readonly rows?: number | undefined }
  /** After page `afterPage` (default 1) was answered: a row inserted or deleted between pages. */
  | { readonly kind: 'then'; readonly requests: readonly Inner[]; readonly afterPage?: number | undefined }
  /** `old`: without `extends`, `tenant` of tuples, `when`; `new`: with members that nobody knows. */
  | { readonly kind: 'version'; readonly as: 'old' | 'new' };

export type Fault = Match & Effect;

export interface Standing {
  readonly id: number;
  readonly fault: Fault;
  /** How many requests it has met. */
  readonly hits: number;
}

/** Faults are taken in the order in which they were added; all that match a request meet it. */
export interface Faults {
  /** Gives the id. */
  add(fault: Fault): number;
  remove(id: number): void;
  clear(): void;
  list(): readonly Standing[];
  /** Those that meet the request; counts them. */
  take(method: string, path: string, query: URLSearchParams): readonly Fault[];
  /** The next number of the seed, from 0 to below 1. */
  random(): number;
}

const LIMIT = 1000;

export function createFaults(seed: number): Faults {
  let [lastId, state] = [0, seed >>> 0];
  const standing = new Map<number, { fault: Fault; path: RegExp; seen: number; hits: number }>();
  // Mulberry32: small, and the same everywhere.
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    add(fault) {
      if (standing.size >= LIMIT) throw new RangeError(`${LIMIT} faults are enough`);
      standing.set(lastId += 1, { fault, path: toPattern(fault.path ?? '/**'), seen: 0, hits: 0 });
      return lastId;
    },
    remove: (id) => void standing.delete(id),
    clear: () => standing.clear(),
    list: () => [...standing].map(([id, { fault, hits }]) => ({ id, fault, hits })),
    take(method, path, query) {
      const met: Fault[] = [];
      for (const one of standing.values()) {
        const { fault } = one;
        const times = fault.times ?? (fault.kind === 'then' ? 1 : Infinity);
        if (one.hits >= times || !one.path.test(path) || (fault.method ?? method) !== method || !fits(fault, query)) continue;
        one.seen += 1;
        if (one.seen <= (fault.skip ?? 0) || (fault.chance !== undefined && random() >= fault.chance)) continue;
        one.hits += 1;
        met.push(fault);
      }
      return met;
    },
    random,
  };
}

function fits(fault: Fault, query: URLSearchParams): boolean {
  if (fault.kind === 'then' && Number(query.get('page') ?? 1) !== (fault.afterPage ?? 1)) return false;
  return Object.entries(fault.query ?? {}).every(([name, value]) => query.get(name) === value);
}

function toPattern(path: string): RegExp {
  const escaped = path.split('/').map((segment) => segment === '**' ? '.*' : segment === '*' ? '[^/]*' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('/')}$`);
}

const number: Shape<number> = (value, loc, mistakes) => {
  if (typeof value !== 'number' || value < 0) mistakes.push({ loc, msg: 'value is not a number from 0', type: 'type_error.number' });
  return value as number;
};
const any: Shape<unknown> = (value) => value;
const strings: Shape<Readonly<Record<string, string>>> = (value, at, mistakes) => Object.fromEntries(dictionary(text)(value, at, mistakes));

const EFFECTS: { readonly [K in Effect['kind']]: Readonly<Record<string, Shape<unknown>>> } = {
  latency: { ms: number },
  hang: {},
  reset: { at: optional(oneOf(['start', 'body'])) },
  status: { status: number, body: optional(oneOf(['json', 'html', 'null', 'empty'])), code: optional(text), retryAfter: optional(text) },
  truncated: {},
  empty: {},
  emptied: {},
  reorder: {},
  duplicate: { rows: optional(number) },
  then: { afterPage: optional(number), requests: list(object({ method: text, url: text, body: any, skewMs: optional(any) })) },
  version: { as: oneOf(['old', 'new']) },
};
const KINDS = Object.keys(EFFECTS) as Effect['kind'][];
const MATCH = { method: optional(text), path: optional(text), query: optional(strings), skip: optional(number), times: optional(number), chance: optional(number) };

/** A fault as the control interface takes it. @throws {Refusal} 422, for unknown members too: a fault that is misspelt would never come. */
export function parseFault(body: unknown): Fault {
  const { kind } = readBody(body, object({ kind: oneOf(KINDS) }));
  const members = { kind: text, ...MATCH, ...EFFECTS[kind] };
  const unknown = Object.keys(body as object).filter((name) => !Object.hasOwn(members, name));
  if (unknown.length > 0) throw malformed(unknown.map((name) => ({ loc: ['body', name], msg: 'extra fields not permitted', type: 'value_error.extra' })));
  return readBody(body, object(members)) as unknown as Fault;
}
