import { hash as digestOf } from 'node:crypto';
import type { Decision, FieldVerdict, Revision } from './answer.ts';
import type { Catalogue } from './catalogue/catalogue.ts';
import type { Told } from './decide/why-not.ts';
import type { Completed, CompletedField } from './prepare/complete.ts';
import { splitPath } from './parse/paths.ts';
import type { Finding, Prepared } from './prepare/prepared.ts';

/** Turns a name that nobody knows into what may stand in a record: `?` and 16 hex of an HMAC (J30). */
export type HashName = (name: string) => string;

/** The parts of a decision record that are the same for every asking of one question under one revision. */
export interface RecordParts {
  /** Members as JSON text, without braces. */
  readonly members: string;
  readonly input: { readonly digest: string; readonly members: string };
}

export interface Provenance {
  readonly bundle: string;
  readonly revision: Omit<Revision, 'ageMs'>;
  readonly program: string;
}

/**
 * All that `prepare` gave to Rego and to `decide`, apart from paths and findings: one record a shape.
 * @param inputs the views' inputs as JSON text, as Rego had them.
 * @param told why nothing permits what nothing permits: it stands in reasons, and comes from grants that Rego never saw.
 */
export function inputRecord({ shape: { views, ...shape } }: Prepared, inputs: readonly string[], told: Told): RecordParts['input'] {
  const written = views.map(({ input: _, ...view }, at) => `{"input":${inputs[at]},${JSON.stringify(view).slice(1)}`);
  const text = `{"views":[${written.join(',')}],${JSON.stringify({ ...shape, ...(told.length > 0 && { whyNot: told }) }).slice(1)}`;
  const digest = `sha256:${digestOf('sha256', text)}`;
  return { digest, members: `"digest":"${digest}","shape":${text}` };
}

/** What R66 lists and nothing that R67 forbids: names that the catalogue knows, and no value. */
export function decisionRecord(
  { asked, prepared, inputs, told, decision }: { readonly asked: Completed; readonly prepared: Prepared; readonly inputs: readonly string[]; readonly told: Told; readonly decision: Decision },
  { bundle, revision, program }: Provenance,
  { catalogue, hash }: { readonly catalogue: Catalogue; readonly hash: HashName },
): RecordParts {
  const input = inputRecord(prepared, inputs, told);
  const names = new Map(asked.fields.map((field) => [field.path, recordPath(field, asked, hash)]));
  const named = (path: string) => names.get(path) ?? path;
  const empty = new Set(asked.fields.flatMap((field) => (field.empty === true ? [field.path] : [])));
  const record = {
    ...questionRecord(asked, catalogue, hash),
    decision: decision.decision,
    mode: decision.mode,
    ...(decision.wouldBe !== undefined && { wouldBe: { decision: decision.wouldBe.decision, reasons: decision.wouldBe.reasons.map(reasonRecord(named)) } }),
    fields: fieldsRecord(prepared, decision, { named, isEmpty: (path) => empty.has(path) }),
    ...(prepared.findings.length > 0 && { findings: prepared.findings }),
    obligations: decision.obligations.map((obligation) => ({ ...obligation, field: named(obligation.field) })),
    reasons: decision.reasons.map(reasonRecord(named)),
    fix: decision.fix === null ? null : { ...decision.fix, drop: decision.fix.drop.map(named) },
    ...(decision.approval !== null && { approvalAsked: decision.approval.id }),
    approvals: [...new Set(prepared.shape.views.flatMap(({ approval }) => approval ?? []))],
    input: input.digest,
    bundle,
    revision,
    program,
  };
  return { members: JSON.stringify(record).slice(1, -1), input };
}

/** Fields of one profile with the same verdict: most of a question's fields have company. */
export interface FieldsRecord extends FieldVerdict {
  readonly paths: string[];
  /** Index into the profiles of the input record. */
  readonly profile: number;
  readonly findings?: readonly Finding[];
  /** These are empty objects or lists of a payload, known by what is declared below them. */
  readonly empty?: true;
}

function fieldsRecord({ fields }: Prepared, decision: Decision, { named, isEmpty }: { readonly named: (path: string) => string; readonly isEmpty: (path: string) => boolean }): readonly FieldsRecord[] {
  const groups = new Map<string, FieldsRecord>();
  for (const { path, profile, findings } of fields) {
    const verdict = decision.fields[path]!;
    const empty = isEmpty(path);
    const key = `${profile} ${verdict.effect} ${verdict.rules.join(' ')} ${findings.length === 0 ? '' : JSON.stringify(findings)} ${empty}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { paths: [named(path)], profile, ...verdict, ...(findings.length > 0 && { findings }), ...(empty && { empty }) });
    else group.paths.push(named(path));
  }
  return [...groups.values()];
}

const reasonRecord = (named: (path: string) => string) => ({ code, rule, fields, detector }: Decision['reasons'][number]) => (
  { code, rule, fields: fields.map(named), ...(detector !== undefined && { detector }) }
);

/** Who asked to send what where, as far as the catalogue knows the names. */
export function questionRecord(asked: Completed, { facts, graph }: Catalogue, hash: HashName) {
  const known = (name: string | undefined, isKnown: (name: string) => boolean) => (name === undefined || isKnown(name) ? name : hash(name));
  const event = asked.event?.fact;
  return omitUndefined({
    identity: known(asked.identity, (id) => facts.identities.has(id)),
    onBehalfOf: known(asked.onBehalfOf, (id) => facts.identities.has(id)),
    vendor: known(asked.vendor, (id) => facts.vendors.has(id)),
    environment: known(asked.environment, (id) => facts.environments.has(id)),
    purpose: known(asked.purpose, (id) => facts.purposes.has(id)),
    channel: asked.channel,
    event: asked.eventName === undefined ? undefined : event?.name ?? hash(asked.eventName),
    eventVersion: asked.eventName === undefined ? undefined : event?.version,
    eventKind: event?.kind ?? asked.kind,
    about: known(asked.about, (id) => graph.has(id)),
    region: asked.region === undefined || /^[A-Z]{2}$/.test(asked.region) ? asked.region : hash(asked.region),
    secure: asked.secure,
    aggregate: asked.aggregate === undefined ? undefined : {
      ...asked.aggregate, groupBy: asked.aggregate.groupBy.map((path) => known(path, (name) => asked.event?.field(name)?.declared === name)),
    },
    byCategory: asked.byCategory ? true : undefined,
    // What the caller itself vouches for, and nobody has checked (J6).
    asserted: ['purpose', 'channel', ...(asked.region === undefined ? [] : ['region']), ...(asked.aggregate === undefined ? [] : ['aggregate'])],
  });
}

/** A path as recorded: a dynamic key, which may be a value, and a path that nothing knows are hashed. */
function recordPath({ path, known, profile }: CompletedField, { byCategory }: Completed, hash: HashName): string {
  if (path === '$event' || (byCategory && profile.input.known)) return path;
  if (known === undefined) return hash(path);
  if (known.declared === path) return path;
  const declared = splitPath(known.declared);
  return splitPath(path).map((segment, index) => (declared[index] === segment ? segment : hash(segment))).join('.');
}

function omitUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Partial<T>;
}
