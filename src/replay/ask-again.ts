import type { Catalogue } from '../core/catalogue/catalogue.ts';
import type { Channel } from '../core/facts.ts';
import { complete, type Completed, type CompletedField } from '../core/prepare/complete.ts';
import type { Question } from '../core/question.ts';
import type { HashName } from '../core/record.ts';
import { isHashed, type AskedRecord, type RecordedShape } from './recorded.ts';

/** Gives the name behind a hash, where the catalogue has come to know it; else the hash. */
export type Resolve = (name: string) => string;

export const unresolved: Resolve = (name) => name;

/** @param hashes by the key of the data directory that the log is of, and by those that it had before. */
export function createResolve({ facts, dictionary }: Catalogue, hashes: readonly HashName[]): Resolve {
  const names = new Map<string, string>();
  const paths = [...facts.events.values()].flatMap(({ fields }) => fields.map(({ path }) => path));
  for (const list of [facts.identities.keys(), facts.vendors.keys(), facts.environments.keys(), facts.purposes, facts.events.keys(), paths, dictionary.fields.map(({ declared }) => declared)]) {
    for (const name of list) for (const hash of hashes) names.set(hash(name), name);
  }
  return (name) => names.get(name) ?? name;
}

export interface AskedAgain {
  readonly asked: Completed;
  /** Some name is still a hash: to this catalogue too it is a name that nobody knows. */
  readonly hashed: boolean;
}

export interface AskAgainOptions {
  readonly catalogue: Catalogue;
  readonly resolve: Resolve;
  /** Fields that are not asked for this time. */
  readonly without: ReadonlySet<string>;
}

/**
 * The recorded question, as this catalogue understands it: what was found in its payload stays found, since the payload
 * is gone; what the catalogue said of its fields is looked up anew.
 *
 * @throws {SluiceError} when the question can't be asked any more: a category that now has others below it, a context
 * name that is no longer declared.
 */
export function askAgain(record: AskedRecord, shape: RecordedShape, { catalogue, resolve, without }: AskAgainOptions): AskedAgain {
  const groups = record.fields.flatMap(({ paths, ...group }) => paths.map((path) => ({ ...group, path: resolve(path) }))).filter(({ path }) => !without.has(path));
  const event = record.event === undefined ? undefined : eventOf(resolve(record.event), record.eventVersion, catalogue);
  // The event's own name is added by itself where the catalogue gives it a category; asked for as a field it needs one.
  const isOwnName = (group: (typeof groups)[number]) => group.path === '$event' && group.category !== undefined && groups.length > 1 && !isHashed(event);
  const paths = groups.filter((group) => !isOwnName(group)).map(({ path }) => path);
  const question: Question = {
    identity: resolve(record.identity),
    ...(record.onBehalfOf !== undefined && { onBehalfOf: resolve(record.onBehalfOf) }),
    vendor: resolve(record.vendor),
    environment: resolve(record.environment),
    ...(record.purpose !== undefined && { purpose: resolve(record.purpose) }),
    channel: record.channel as Channel,
    ...(event !== undefined && { event }),
    ...(record.byCategory === true ? { categories: paths } : { fields: paths }),
    ...(record.aggregate !== undefined && { aggregate: record.aggregate }),
    ...(record.about !== undefined && { about: record.about }),
    dataSubject: { ...(record.region !== undefined && { region: record.region }) },
    context: shape.views[0]?.input.context ?? {},
    supports: shape.supports,
  };
  const completed = complete(question, catalogue, NOBODY);
  const found = new Map(groups.map((group) => [group.path, group]));
  const fields = completed.fields.map((field): CompletedField => {
    const before = found.get(field.path);
    const container = before?.empty === true && !field.profile.input.known ? completed.event?.container(field.path) : undefined;
    return { ...field, ...(container && { known: container, profile: container.profile, empty: true }), findings: before?.findings ?? [], ...(field.path === '$event' && isHashed(event) && ownName(before?.category, catalogue)) };
  });
  return {
    asked: { ...completed, fields, findings: record.findings ?? [], ...(record.secure !== undefined && { secure: record.secure }) },
    hashed: [question.identity, question.onBehalfOf, question.vendor, question.environment, question.purpose, event, ...groups.map(({ path }) => path)].some(isHashed),
  };
}

// The question names all that a caller could add.
const NOBODY = { id: 'replay', tokenSha256: '', demo: false, identities: [], environments: [], powers: [], supports: [] };

/** By its version, where that is not the newest one. */
function eventOf(name: string, version: string | undefined, catalogue: Catalogue): string {
  if (version === undefined || catalogue.event(name)?.fact.version === version) return name;
  return catalogue.event(`${name}@${version}`) === undefined ? name : `${name}@${version}`;
}

/** What a pattern knew of a name that is hashed now. */
function ownName(category: string | undefined, catalogue: Catalogue) {
  return category === undefined ? {} : { profile: catalogue.profiles.of({ category, role: 'dimension', labels: {} }) };
}
