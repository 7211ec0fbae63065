import { SluiceError } from './errors.ts';
import { CHANNELS, OBLIGATION_OPS, type Channel, type ObligationOp, type Scalar } from './facts.ts';
import { checkPaths, flatten } from './payload.ts';
import type { PermittedQuestion, Question } from './question.ts';
import { nearest } from './suggest.ts';

export const MAX_ITEMS = 1000;
const MAX_NAME = 256;
const MAX_CONTEXT = 64;

const invalid = (message: string) => new SluiceError('request_invalid', message);

type Reader<T> = (value: unknown, key: string) => T;

// By hand and not by a schema library: one question is parsed on every call, and a table of readers takes a fraction of the time.
const READERS: { readonly [key: string]: Reader<unknown> } = {
  v: (value) => { if (value !== 1) throw invalid('v must be 1'); },
  identity: name,
  onBehalfOf: name,
  vendor: name,
  destination: readDestination,
  environment: name,
  purpose: name,
  channel: readChannel,
  event: name,
  fields: readPaths,
  categories: readPaths,
  payload: readPayload,
  aggregate: readAggregate,
  rows: (value, key) => integer(value, key, 1),
  about: name,
  dataSubject: readDataSubject,
  context: readContext,
  supports: readSupports,
  minRevision: (value, key) => integer(value, key, 0),
};

/** @throws {SluiceError} `request_invalid` or `too_large`; the message names keys and limits, never a value. */
export function parseQuestion(body: unknown): Question {
  const question = readMembers(body);
  const asked = ['fields', 'payload', 'categories'].filter((key) => Object.hasOwn(question, key));
  if (asked.length !== 1) throw invalid('exactly one of fields, payload and categories is required');
  return question as unknown as Question;
}

/** @throws {SluiceError} as `parseQuestion`. */
export function parsePermitted(body: unknown): PermittedQuestion {
  const question = readMembers(body);
  const extra = ['fields', 'payload', 'categories'].find((key) => Object.hasOwn(question, key));
  if (extra !== undefined) throw invalid(`${extra} is not allowed here: the answer covers every category, or every field of the event`);
  return question as unknown as PermittedQuestion;
}

/** Items are the defaults overlaid by each item, shallowly; null unsets (J26). Each parses when called: its error is its own. */
export function parseBatch(body: unknown): { readonly items: readonly (() => Question)[] } {
  const batch = asObject(body, 'the body');
  for (const key of Object.keys(batch)) if (key !== 'defaults' && key !== 'items') throw unknownKey(key, ['defaults', 'items']);
  const defaults = batch['defaults'] === undefined ? {} : asObject(batch['defaults'], 'defaults');
  const { items } = batch;
  if (!Array.isArray(items) || items.length === 0) throw invalid('items must be a list of at least one question');
  if (items.length > MAX_ITEMS) throw new SluiceError('too_large', `a batch may have ${MAX_ITEMS} items`);
  for (const key of Object.keys(defaults)) if (!Object.hasOwn(READERS, key)) throw unknownKey(key, Object.keys(READERS));
  return { items: items.map((item: unknown) => () => parseQuestion(overlay(defaults, asObject(item, 'an item')))) };
}

const overlay = (defaults: object, item: object) => Object.fromEntries(Object.entries({ ...defaults, ...item }).filter(([, value]) => value !== null));

function readMembers(body: unknown): Record<string, unknown> {
  const question: Record<string, unknown> = { channel: 'telemetry', dataSubject: {}, context: {} };
  for (const [key, value] of Object.entries(asObject(body, 'the body'))) {
    if (!Object.hasOwn(READERS, key)) throw unknownKey(key, Object.keys(READERS));
    if (value !== undefined) question[key] = READERS[key]!(value, key);
  }
  delete question['v'];
  if (question['identity'] === undefined) throw invalid('identity is required');
  if (question['environment'] === undefined) throw invalid('environment is required');
  if (question['vendor'] === undefined && question['destination'] === undefined) throw invalid('vendor or destination is required');
  return question;
}

function unknownKey(key: string, known: readonly string[]): SluiceError {
  const near = nearest(key, known);
  const shown = /^[\x20-\x7e]{1,64}$/.test(key) ? JSON.stringify(key) : 'a key';
  return invalid(`${shown} is not known here${near === undefined ? '' : `; did you mean ${near}?`}`);
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(`${what} must be an object`);
}

function name(value: unknown, key: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(`${key} must be a string that is not empty`);
  if (value.length > MAX_NAME) throw invalid(`${key} may have ${MAX_NAME} characters`);
  if (!value.isWellFormed()) throw invalid(`${key} holds half a surrogate pair`);
  return value;
}

function integer(value: unknown, key: string, least: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw invalid(`${key} must be an integer of at least ${least}`);
}

/** Only the host is kept, and whether the way there is encrypted: a path or a query may hold values. */
function readDestination(value: unknown, key: string): Question['destination'] {
  const text = typeof value === 'string' && value.length <= 8192 ? value : undefined;
  const url = text === undefined ? null : URL.parse(text);
  if (url === null || url.hostname === '' || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw invalid(`${key} must be an https address`);
  return { host: url.hostname.toLowerCase(), secure: url.protocol === 'https:' };
}

function readChannel(value: unknown, key: string): Channel {
  const channel = CHANNELS.find((known) => known === value);
  if (channel !== undefined) return channel;
  const near = typeof value === 'string' ? nearest(value, CHANNELS) : undefined;
  throw invalid(`${key} must be one of ${CHANNELS.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

function readPaths(value: unknown, key: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(`${key} must be a list of at least one string`);
  const paths = value as readonly unknown[];
  if (!paths.every((path): path is string => typeof path === 'string' && path !== '' && path.isWellFormed())) throw invalid(`${key} must hold strings that are not empty`);
  const distinct = new Set(paths);
  checkPaths(distinct);
  if (distinct.size !== paths.length) throw invalid(`${key} names something twice`);
  return paths;
}

function readPayload(value: unknown, key: string): Question['payload'] {
  const payload = asObject(value, key);
  if (Object.keys(payload).length === 0) throw invalid(`${key} is empty: there is nothing to send`);
  return flatten(payload);
}

function readAggregate(value: unknown, key: string): Question['aggregate'] {
  const { groupBy = [], minCell, ...others } = asObject(value, key);
  const [other] = Object.keys(others);
  if (other !== undefined) throw unknownKey(other, ['groupBy', 'minCell']);
  if (!Array.isArray(groupBy) || groupBy.length > 100) throw invalid(`${key}.groupBy must be a list of at most 100 strings`);
  const names = groupBy.map((path: unknown) => name(path, `${key}.groupBy`));
  return { groupBy: names, ...(minCell !== undefined && { minCell: integer(minCell, `${key}.minCell`, 1) }) };
}

function readDataSubject(value: unknown, key: string): Question['dataSubject'] {
  const { region, ...others } = asObject(value, key);
  const [other] = Object.keys(others);
  if (other !== undefined) throw unknownKey(other, ['region']);
  return region === undefined ? {} : { region: name(region, `${key}.region`) };
}

function readContext(value: unknown, key: string): Question['context'] {
  const members = Object.entries(asObject(value, key));
  if (members.length > MAX_CONTEXT) throw invalid(`${key} may have ${MAX_CONTEXT} names`);
  for (const [member, scalar] of members) {
    name(member, key);
    if (typeof scalar === 'string' ? scalar.length > MAX_NAME : typeof scalar !== 'boolean' && !Number.isFinite(scalar)) {
      throw invalid(`${key} must hold numbers, booleans or declared words`);
    }
  }
  return Object.fromEntries(members) as Readonly<Record<string, Scalar>>;
}

/** Obligations that nobody here knows are ignored: a newer caller may do more (J33). */
function readSupports(value: unknown, key: string): readonly ObligationOp[] {
  if (!Array.isArray(value) || value.length > 100 || !value.every((op) => typeof op === 'string')) throw invalid(`${key} must be a list of strings`);
  return OBLIGATION_OPS.filter((op) => value.includes(op));
}
