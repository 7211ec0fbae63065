import type { ReasonCode } from '../answer.ts';
import type { Catalogue, KnownEvent, KnownField } from '../catalogue/catalogue.ts';
import { SluiceError } from '../errors.ts';
import type { Caller, Channel, ObligationOp, Scalar } from '../facts.ts';
import { compareExactly, numberText, type PayloadNumber } from '../parse/numbers.ts';
import { inspect } from '../parse/payload.ts';
import { findSecrets } from '../parse/secrets.ts';
import type { Finding } from './prepared.ts';
import type { Profile } from '../catalogue/profiles.ts';
import type { PayloadLeaf, Question } from '../question.ts';
import { nearest } from '../suggest.ts';

export interface CompletedField {
  readonly path: string;
  /** As declared; undefined for a path that nothing knows, a category, and `$event` by pattern. */
  readonly known?: KnownField;
  /** An empty object or list in a payload, or null in its place, known by what is declared below it (J22). */
  readonly empty?: true;
  readonly profile: Profile;
  readonly findings: readonly Finding[];
}

/** A question after all defaults, with everything that was found about its payload; values are gone. */
export interface Completed {
  readonly identity: string;
  readonly onBehalfOf?: string;
  /** The vendor's id, or the name that nobody knows; `host:` before a host that nobody knows. */
  readonly vendor: string;
  /** Of the destination, if one was stated. */
  readonly secure?: boolean;
  readonly environment: string;
  readonly purpose?: string;
  readonly channel: Channel;
  readonly eventName?: string;
  /** Without an event the dictionary; undefined for an event that is not registered. */
  readonly event: KnownEvent | undefined;
  /** A snapshot is judged as a raw event (J18). */
  readonly kind: 'raw_event' | 'aggregate';
  /** Whether `fields` are categories. */
  readonly byCategory: boolean;
  readonly fields: readonly CompletedField[];
  /** Concern every field. */
  readonly findings: readonly Finding[];
  readonly aggregate?: { readonly groupBy: readonly string[]; readonly minCell?: number };
  readonly about?: string;
  readonly region?: string;
  readonly context: Readonly<Record<string, Scalar>>;
  readonly supports: readonly ObligationOp[];
  readonly rows?: number;
  readonly minRevision?: number;
}

/**
 * Resolves names, fills defaults, looks at the payload.
 *
 * @throws {SluiceError} `request_invalid` when vendor and destination disagree (J25, J33), a context value is not as
 * declared (J30), or a category is no leaf (J22).
 */
export function complete(question: Question, catalogue: Catalogue, caller: Caller): Completed {
  const event = question.event === undefined ? catalogue.dictionary : catalogue.event(question.event);
  const kind = question.categories === undefined && event?.fact.kind === 'aggregate' ? 'aggregate' : 'raw_event';
  const purpose = question.purpose ?? event?.fact.defaultPurpose;
  return {
    identity: question.identity,
    ...(question.onBehalfOf !== undefined && { onBehalfOf: question.onBehalfOf }),
    vendor: resolveVendor(question, catalogue),
    ...(question.destination !== undefined && { secure: question.destination.secure }),
    environment: question.environment,
    ...(purpose !== undefined && { purpose }),
    channel: question.channel,
    ...(question.event !== undefined && { eventName: question.event }),
    event,
    kind,
    byCategory: question.categories !== undefined,
    fields: [...askedFields(question, event, catalogue), ...eventNameField(question, event, catalogue)],
    findings: event === undefined ? [] : payloadFindings(question, event),
    ...statedFacts(question, event, kind),
    context: checkContext(question.context, catalogue),
    supports: question.supports ?? caller.supports,
  };
}

/** What was stated and counts here: aggregate on an aggregate, about on an event that is about something (J18, J33). */
function statedFacts({ aggregate, about, dataSubject: { region }, rows, minRevision }: Question, event: KnownEvent | undefined, kind: string) {
  return {
    ...(aggregate !== undefined && kind === 'aggregate' && { aggregate }),
    ...(about !== undefined && event?.fact.about !== undefined && { about }),
    ...(region !== undefined && { region }),
    ...(rows !== undefined && { rows }),
    ...(minRevision !== undefined && { minRevision }),
  };
}

function resolveVendor({ vendor, destination }: Question, { vendorGraph }: Catalogue): string {
  if (destination === undefined) return vendor ?? '';
  const resolved = vendorGraph.byHost(destination.host);
  if (vendor !== undefined && vendor !== resolved) {
    throw new SluiceError('request_invalid', 'vendor and destination name different receivers: leave one out, or add the host to the vendor');
  }
  // No vendor's id has a colon: a host that happens to be called like a vendor is not that vendor.
  return resolved ?? `host:${destination.host}`;
}

function askedFields(question: Question, event: KnownEvent | undefined, catalogue: Catalogue): readonly CompletedField[] {
  const { categories, payload, fields = [] } = question;
  if (categories !== undefined) return categories.map((category) => categoryField(category, catalogue));
  const find = finder(question, event, catalogue);
  return payload === undefined ? fields.map((path) => find(path, event?.field(path)?.declared === path ? [] : secretsOf(path))) : payloadFields(payload, event, find);
}

/** A name that the catalogue does not have word for word may hold what somebody has put in as a key. */
const secretsOf = (name: string): readonly Finding[] => findSecrets(name).map((detector) => ({ code: 'secret_detected', detector }));

type Find = (path: string, findings: readonly Finding[]) => CompletedField;

/** Knows a path by the event's entry, and the event's name also by its pattern (J24). */
function finder({ event: name }: Question, event: KnownEvent | undefined, catalogue: Catalogue): Find {
  return (path, findings) => {
    const known = event?.field(path);
    const isOwnName = event === undefined && path === '$event' && name !== undefined;
    const named = known === undefined && path === '$event' && name !== undefined ? catalogue.eventName(name) : undefined;
    return { path, ...(known !== undefined && { known }), profile: known?.profile ?? named ?? catalogue.profiles.unknown, findings: isOwnName ? [...findings, ...secretsOf(name)] : findings };
  };
}

function categoryField(category: string, catalogue: Catalogue): CompletedField {
  if (catalogue.parents.has(category)) {
    throw new SluiceError('request_invalid', `categories: ${category} has categories below it; ask about its leaves`);
  }
  const profile = catalogue.profiles.of({ category, role: 'dimension', labels: {} });
  return { path: category, profile, findings: profile.input.known ? [] : secretsOf(category) };
}

function payloadFields(leaves: readonly PayloadLeaf[], event: KnownEvent | undefined, find: Find): readonly CompletedField[] {
  const containers = event === undefined ? NO_CONTAINERS : containersOf(leaves, event);
  const declared = (path: string) => {
    const fact = event?.field(path)?.fact;
    return fact && containers.has(path) ? { ...fact, isContainer: true } : fact;
  };
  const found = Map.groupBy(inspect(leaves, declared), ({ path }) => path);
  const filled = new Set(leaves.flatMap(({ path, kind }) => (isEmpty(kind) ? [] : [path])));
  return [...new Set(leaves.map(({ path }) => path))].map((path) => {
    const findings = (found.get(path) ?? []).map(({ code, detector }) => ({ code, ...(detector !== undefined && { detector }) }));
    const field = find(path, findings);
    const container = filled.has(path) || field.profile.input.known ? undefined : containers.get(path);
    return container === undefined ? field : { ...field, known: container, profile: container.profile, empty: true };
  });
}

const NO_CONTAINERS: ReadonlyMap<string, KnownField> = new Map();
const isEmpty = (kind: PayloadLeaf['kind']) => kind === 'object' || kind === 'array' || kind === 'null';

/** By path, where something without a value of its own stands, and something is declared below. */
function containersOf(leaves: readonly PayloadLeaf[], event: KnownEvent): ReadonlyMap<string, KnownField> {
  const found = new Map<string, KnownField>();
  for (const { path, kind } of leaves) {
    const container = isEmpty(kind) && !found.has(path) ? event.container(path) : undefined;
    if (container !== undefined) found.set(path, container);
  }
  return found;
}

/** The event's own name leaves too, where its entry or a pattern says that it gives something away (J24). */
function eventNameField(question: Question, event: KnownEvent | undefined, catalogue: Catalogue): readonly CompletedField[] {
  const { event: name, fields = [], payload = [] } = question;
  if (name === undefined || fields.includes('$event') || payload.some(({ path }) => path === '$event')) return [];
  const field = finder(question, event, catalogue)('$event', []);
  return field.profile === catalogue.profiles.unknown && field.known === undefined ? [] : [field];
}

/** What a payload's values say of the whole: another object than the one stated (J19), or too small a cell (J18). */
function payloadFindings({ payload, about, aggregate }: Question, { fact }: KnownEvent): readonly Finding[] {
  const leavesAt = (path: string | undefined) => (payload ?? []).filter((leaf) => leaf.path === path);
  const id = about?.slice(about.indexOf(':') + 1);
  const floor = Math.max(fact.minCell, aggregate?.minCell ?? 0);
  const codes: ReasonCode[] = [];
  if (about !== undefined && leavesAt(fact.about?.field).some((leaf) => idOf(leaf) !== id)) codes.push('no_relationship');
  if (fact.kind === 'aggregate' && leavesAt(fact.countField).some((leaf) => !reaches(leaf, floor))) codes.push('aggregate_too_small');
  return codes.map((code) => ({ code }));
}

/** An id is a string or a number, which is called as it is written (J19). */
const idOf = ({ value, kind }: PayloadLeaf): string | undefined => (
  kind === 'string' ? String(value) : kind === 'number' ? numberText(value as PayloadNumber) : undefined
);

const reaches = ({ value, kind }: PayloadLeaf, floor: number): boolean => (
  kind === 'number' && compareExactly(value as PayloadNumber, floor) >= 0
);

function checkContext(context: Question['context'], { facts }: Catalogue): Completed['context'] {
  for (const [name, value] of Object.entries(context)) {
    const declared = facts.context.get(name);
    if (declared === undefined) {
      const near = nearest(name, facts.context.keys());
      throw new SluiceError('request_invalid', `context: a name is not declared${near === undefined ? '' : `; did you mean ${near}?`} (declare it in context.yaml)`);
    }
    const fits = declared.type === 'enum' ? declared.enum?.includes(value as string) : typeof value === declared.type;
    if (fits !== true) throw new SluiceError('request_invalid', `context.${name} must be ${declared.type === 'enum' ? `one of ${declared.enum?.join(', ')}` : `a ${declared.type}`}`);
  }
  return context;
}

/** All that a decision depends on besides the revision and time, as text that is compared in full (J29). */
export function memoKey(c: Completed): string {
  // The path of an empty container is another field where it is asked for by name.
  const fields = c.fields.map(({ path, findings, empty = false }) => (
    findings.length === 0 && !empty ? path : [path, empty, ...findings.map(({ code, detector }) => [code, detector])]
  ));
  return JSON.stringify([
    c.identity, c.onBehalfOf, c.vendor, c.secure, c.environment, c.purpose, c.channel, c.eventName, c.byCategory, fields,
    c.findings.map(({ code }) => code), c.aggregate, c.about, c.region, Object.entries(c.context).sort(([a], [b]) => (a < b ? -1 : 1)), c.supports,
  ]);
}
