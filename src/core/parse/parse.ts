import { SluiceError } from '../errors.ts';
import { CHANNELS, OBLIGATION_OPS, type Channel, type ObligationOp, type Scalar } from '../facts.ts';
import { isSafe, Unreadable } from './json.ts';
import { readItem } from './items.ts';
import { MAX_ITEMS } from './limits.ts';
import { invalid, readCategories, readPaths, readStrings } from './lists.ts';
import { settle } from './settle.ts';
import { countPaths, flatten, MAX_PATH_BYTES } from './payload.ts';
import type { PermittedQuestion, Question } from '../question.ts';
import { nearest } from '../suggest.ts';

export { MAX_ITEMS } from './limits.ts';
export { PERMITTED_SCHEMA, QUESTION_SCHEMA } from '../question.ts';

export const MAX_NAME = 256;
const MAX_URL = 8192;
const MAX_CONTEXT = 64;
const MAX_SUPPORTS = 100;

type Reader<T> = (value: unknown, key: string) => T;
type Readers = { readonly [Key in keyof Question]-?: Reader<Question[Key]> };

const readers: Readers = {
  identity: readName,
  onBehalfOf: readName,
  vendor: readName,
  destination: readDestination,
  environment: readName,
  purpose: readName,
  channel: readChannel,
  event: readName,
  fields: readPaths,
  payload: (value, key) => flatten(asObject(value, key)),
  categories: readCategories,
  aggregate: readAggregate,
  rows: (value, key) => readInteger(value, key, 1),
  about: readName,
  dataSubject: readDataSubject,
  context: readContext,
  supports: readSupports,
  minRevision: (value, key) => readInteger(value, key, 0),
};

// By hand, not by a schema library: most members need code anyway (bytes, sums, hosts, leaves), what is too large must be
// found before what is invalid, and no message may hold a value. Zod takes about as long.
type Members = ReadonlyMap<string, Reader<unknown>>;
const MEMBERS: Members = new Map<string, Reader<unknown>>([...Object.entries(readers), ['v', readVersion]]);

const ASKED: ReadonlySet<string> = new Set(['fields', 'payload', 'categories']);
const NOT_ASKED: Members = new Map([...MEMBERS].filter(([key]) => !ASKED.has(key)));

/**
 * Parses the body of `POST /check`, also when it doesn't come from JSON. A member that is undefined counts as absent,
 * null is invalid. Names are not looked up: an unknown one denies later, in the answer.
 *
 * @throws {SluiceError} `request_invalid`, or `too_large` over 1,000 fields, 32 KiB of paths or 10,000 values in the
 * payload (J32). Messages name keys and limits, never a value; of an unknown key at most 64 printable characters.
 */
export function parseQuestion(body: unknown): Question {
  return toQuestion(body, MEMBERS);
}

/**
 * Parses the body of `POST /permitted`: a question without fields, payload and categories.
 *
 * @throws {SluiceError} as `parseQuestion`.
 */
export function parsePermitted(body: unknown): PermittedQuestion {
  const asked = Object.keys(asObject(body, 'the question')).find((key) => ASKED.has(key));
  if (asked !== undefined) throw invalid(`${asked} is not for this call: it answers for every category, or for every field of the event`);
  return readMembers(body, NOT_ASKED) as unknown as PermittedQuestion;
}

/**
 * Parses the body of `POST /check/batch` (J26). An item is the defaults overlaid by it, shallowly; null unsets. Each
 * item parses when its function is called, which throws what `parseQuestion` throws: the item's own error.
 *
 * @throws {SluiceError} `request_invalid` for no object, an unknown key in it or in `defaults`, no list `items` or an
 * empty one; `too_large` over 1,000 items.
 */
export function parseBatch(body: unknown): { readonly items: readonly (() => Question)[] } {
  const { items, defaults: given, ...others } = asObject(body, 'the body');
  if (!Array.isArray(items) || items.length === 0) throw invalid('items must be a list of at least one question');
  if (items.length > MAX_ITEMS) throw new SluiceError('too_large', `items: more than ${MAX_ITEMS}`);
  refuseUnknown(others, ['items', 'defaults']);
  const defaults = given === undefined ? {} : asObject(given, 'defaults');
  refuseUnknown(defaults, MEMBERS.keys());
  const members = new Map(MEMBERS).set('payload', readOnce(defaults['payload'], readers.payload));
  return { items: Array.from(items, (item: unknown) => () => toQuestion(overlay(defaults, asObject(readItem(item), 'the item')), members)) };
}

function overlay(defaults: object, item: object): object {
  refuseUnknown(item, MEMBERS.keys());
  return Object.fromEntries(Object.entries({ ...defaults, ...item }).filter(([, value]) => value !== null));
}

// A thousand items may share the defaults' payload of many megabytes: it is walked, searched for secrets and found bad, once.
function readOnce<T>(shared: unknown, read: Reader<T>): Reader<T> {
  let before: (() => T) | undefined;
  return (value, key) => (value === shared ? (before ??= settle(() => read(value, key)))() : read(value, key));
}

function toQuestion(body: unknown, members: Members): Question {
  const question = readMembers(body, members);
  const { fields, payload, categories } = question;
  if ([fields, payload, categories].filter((asked) => asked !== undefined).length !== 1) throw invalid('exactly one of fields, payload and categories is required');
  return question as Question;
}

/** The members of a question, each by its reader, and those that every question has. */
function readMembers(body: unknown, members: Members): Partial<Question> {
  const given = asObject(body, 'the question');
  const question: { channel: Channel; [key: string]: unknown } = { channel: 'telemetry', dataSubject: {}, context: {} };
  const take = (key: string) => {
    const read = members.get(key);
    if (read === undefined) throw unknownKey(key, members.keys());
    const value = given[key] === undefined ? undefined : read(given[key], key);
    if (value !== undefined) question[key] = value;
  };
  // First what may be too large: that comes before invalid (J33).
  const keys = Object.keys(given);
  for (const key of keys) if (ASKED.has(key)) take(key);
  for (const key of keys) if (!ASKED.has(key)) take(key);
  for (const key of ['identity', 'environment']) if (question[key] === undefined) throw invalid(`${key} is required`);
  if (question['vendor'] === undefined && question['destination'] === undefined) throw invalid('vendor or destination is required');
  checkTogether(question);
  return question;
}

// Group keys are paths too, so they count towards the paths of the question.
function checkTogether({ fields = [], aggregate }: Partial<Question>): void {
  if (aggregate === undefined) return;
  const paths = countPaths();
  for (const path of [...fields, ...aggregate.groupBy]) paths.add(path);
  if (paths.tooLong) throw invalid(`aggregate.groupBy: a path of more than ${MAX_PATH_BYTES} bytes`);
}

function refuseUnknown(members: object, known: Iterable<string>): void {
  const all = new Set(known);
  for (const key of Object.keys(members)) if (!all.has(key)) throw unknownKey(key, all);
}

function unknownKey(key: string, known: Iterable<string>): SluiceError {
  const near = nearest(key, known);
  return invalid(`unknown key ${printable(key)}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

const printable = (key: string) => JSON.stringify(key.slice(0, 64).replace(/[^\x20-\x7e]/g, '?'));

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value instanceof Unreadable) throw value.error;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw invalid(`${what} must be an object`);
}

/** The members of an object inside a question. */
function membersOf(value: unknown, key: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  const members = asObject(value, key);
  for (const member of Object.keys(members)) if (!known.includes(member)) throw unknownKey(member, known);
  return members;
}

function readVersion(value: unknown): undefined {
  if (value !== 1) throw invalid('v must be 1');
}

function readName(value: unknown, key: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(`${key} must be a string that is not empty`);
  if (value.length > MAX_NAME) throw invalid(`${key}: more than ${MAX_NAME} characters`);
  if (!value.isWellFormed()) throw invalid(`${key} holds a lone surrogate`);
  return value;
}

function readInteger(value: unknown, key: string, least: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw invalid(`${key} must be an integer of at least ${least}`);
}

/**
 * Keeps the host, lower-case and without a port, and whether the way there is encrypted; a path or query may hold values.
 * Refuses what other programs than this one may take for another host: white space, backslashes, fewer slashes.
 *
 * @throws {SluiceError} `request_invalid`, whose message begins with `key`.
 */
export function readDestination(value: unknown, key: string): NonNullable<Question['destination']> {
  const plain = typeof value === 'string' && value.length <= MAX_URL && value.isWellFormed() && /^https?:\/\/[^/\\\s\p{Cc}][^\\\s\p{Cc}]*$/iu.test(value);
  const url = plain ? URL.parse(value) : null;
  if (url === null) throw invalid(`${key} must be an address that starts with https:// or http://, of at most ${MAX_URL} characters`);
  return { host: url.hostname, secure: url.protocol === 'https:' };
}

function readChannel(value: unknown, key: string): Channel {
  const channel = CHANNELS.find((known) => known === value);
  if (channel !== undefined) return channel;
  const near = typeof value === 'string' ? nearest(value, CHANNELS) : undefined;
  throw invalid(`${key} must be one of ${CHANNELS.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

function readAggregate(value: unknown, key: string): Question['aggregate'] {
  const { groupBy = [], minCell } = membersOf(value, key, ['groupBy', 'minCell']);
  if (!Array.isArray(groupBy)) throw invalid(`${key}.groupBy must be a list of strings`);
  const paths = readStrings(groupBy, `${key}.groupBy`);
  return { groupBy: paths, ...(minCell !== undefined && { minCell: readInteger(minCell, `${key}.minCell`, 1) }) };
}

function readDataSubject(value: unknown, key: string): Question['dataSubject'] {
  const { region } = membersOf(value, key, ['region']);
  return region === undefined ? {} : { region: readName(region, `${key}.region`) };
}

function readContext(value: unknown, key: string): Question['context'] {
  const members = Object.entries(asObject(value, key));
  if (members.length > MAX_CONTEXT) throw invalid(`${key}: more than ${MAX_CONTEXT} names`);
  return Object.fromEntries(members.map(([name, scalar]) => [readName(name, `a name in ${key}`), readScalar(scalar, `a value in ${key}`)]));
}

function readScalar(value: unknown, what: string): Scalar {
  if (typeof value === 'boolean' || (typeof value === 'number' && isSafe(value))) return value;
  if (typeof value === 'string' && value.length <= MAX_NAME && value.isWellFormed()) return value;
  throw invalid(`${what} must be a number within ±(2^53 - 1), a boolean or a string of at most ${MAX_NAME} characters`);
}

/** Ops that nobody here knows are ignored (J33): a newer caller may be able to do more. */
function readSupports(value: unknown, key: string): readonly ObligationOp[] {
  if (!Array.isArray(value) || value.length > MAX_SUPPORTS) throw invalid(`${key} must be a list of at most ${MAX_SUPPORTS} strings`);
  const ops = new Set(readStrings(value, key));
  return OBLIGATION_OPS.filter((op) => ops.has(op));
}
