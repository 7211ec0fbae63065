import type { Catalogue, KnownGrant } from '../catalogue/catalogue.ts';
import { createThresholds, type Moment, type Thresholds } from '../clock.ts';
import type { Completed } from './complete.ts';
import { SluiceError } from '../errors.ts';
import type { VendorState } from '../facts.ts';
import { coversProfile } from '../catalogue/grant-index.ts';
import { candidates, purposesOf, type Situation } from './grants.ts';
import { modeOf } from '../catalogue/modes.ts';
import type { AskedField, Prepared, PreparedCombination, ResultEdge } from './prepared.ts';
import type { Profile } from '../catalogue/profiles.ts';
import { covers, narrow } from '../catalogue/selectors.ts';
import { approvalFor, scopeOf } from './approvals.ts';
import { prepareSubject, type Subject } from './subject.ts';
import { prepareVendor, type Receiver } from './receiver.ts';
import type { ExplainedView } from './why-not.ts';

export const MAX_PROFILES = 1024;
export const MAX_DESTINATIONS = 64;
/** Of a permission without terms, in a question without an event. */
const DEFAULT_PURPOSE = 'analytics.reporting';

export interface Preparation {
  readonly prepared: Prepared;
  readonly views: readonly ExplainedView[];
  readonly moment: Moment;
}

export interface World {
  readonly catalogue: Catalogue;
  /** States set by the kill switch; the worse of these and the catalogue's wins (J17). */
  readonly vendorStates: ReadonlyMap<string, VendorState>;
  /** Identity attributes and context names that some rule or condition reads: only these enter the input (J30). */
  readonly reads: { readonly attributes: (name: string) => boolean; readonly context: (name: string) => boolean };
}

/**
 * Gathers every fact that the decision depends on; judges nothing.
 *
 * @throws {SluiceError} `too_large` over 1,024 profiles (J32).
 */
export function prepare(asked: Completed, world: World, moment: Moment): Preparation {
  const { catalogue } = world;
  const thresholds = createThresholds(moment);
  const raw = [...new Set(asked.fields.map(({ profile }) => profile))];
  const { profiles, results } = withResults(raw, catalogue);
  if (profiles.length > MAX_PROFILES) throw new SluiceError('too_large', `the question has ${profiles.length} distinct profiles; ${MAX_PROFILES} are allowed: ask in parts`);

  const receivers = receiversOf(asked, world, thresholds);
  const subjects = prepareSubject(asked, world);
  const views = subjects.flatMap((subject) => receivers.map((receiver) => prepareView({ asked, subject, receiver, profiles, catalogue, thresholds })));
  const at = new Map(profiles.map((profile, index) => [profile, index]));
  const expiresAtMs = thresholds.next();
  return {
    views,
    moment,
    prepared: {
      shape: {
        views: views.map(({ view }) => view),
        results,
        combinations: catalogue.combinations.flatMap((combination) => prepareCombination(combination, profiles)),
        ...modeOf(catalogue.facts.modes, { vendors: receivers.map(({ input }) => input.id), event: asked.event?.fact.name, closed: views.some(({ situation }) => situation.exclusives.ids.length > 0) }),
        supports: [...asked.supports].sort(),
      },
      fields: asked.fields.map(({ path, profile, findings }): AskedField => ({
        path, profile: at.get(profile)!, ...(profile.input.known && { category: profile.input.category }), findings,
      })),
      findings: asked.findings,
      scope: scopeOf(asked),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
    },
  };
}

/** The profiles asked about, then every profile that a transform could make of them (J5). */
function withResults(raw: readonly Profile[], catalogue: Catalogue): { readonly profiles: readonly Profile[]; readonly results: readonly ResultEdge[] } {
  const profiles = [...raw];
  const results: ResultEdge[] = [];
  for (let from = 0; from < profiles.length && profiles.length <= MAX_PROFILES; from += 1) {
    const profile = profiles[from]!;
    if (!profile.input.known) continue;
    for (const line of catalogue.transforms) {
      if (!covers(line.selectors, profile.input.category, profile.ancestors)) continue;
      const result = catalogue.profiles.withCategory(profile, line.result);
      if (!profiles.includes(result)) profiles.push(result);
      results.push({ from, op: line.op, ...(line.params !== undefined && { params: line.params }), to: profiles.indexOf(result) });
    }
  }
  return { profiles, results: results.sort((a, b) => Object.keys(b.params ?? {}).length - Object.keys(a.params ?? {}).length) };
}

/** The vendor, and for a CDP each destination that is not known to be off (J16). */
function receiversOf(asked: Completed, world: World, thresholds: Thresholds): readonly Receiver[] {
  const own = prepareVendor(asked.vendor, [asked.vendor], world, thresholds);
  const destinations = world.catalogue.vendorGraph.destinations(asked.vendor);
  if (destinations.overrun) throw new SluiceError('too_large', `the vendor forwards to more than ${MAX_DESTINATIONS} destinations: switch some off in the catalogue`);
  return [own, ...destinations.reached.map(({ vendor, path, from }) => ({ ...prepareVendor(vendor, path, world, thresholds), from }))];
}

interface ViewParts {
  readonly asked: Completed;
  readonly subject: Subject;
  readonly receiver: Receiver;
  readonly profiles: readonly Profile[];
  readonly catalogue: Catalogue;
  readonly thresholds: Thresholds;
}

function prepareView(parts: ViewParts): ExplainedView {
  const { asked, subject, receiver, profiles, catalogue, thresholds } = parts;
  const situation = situate(parts);
  const fitting = candidates(catalogue, situation, thresholds);
  // A grant may list hundreds of categories: Rego gets those that this question can meet.
  const names = new Set(profiles.flatMap(({ ancestors }) => [...ancestors]));
  const matching = fitting.filter((grant) => profiles.some((profile) => coversProfile(grant, profile)));
  for (const exclusive of situation.exclusives.grants) thresholds.holds(exclusive);
  const approval = approvalFor(asked, subject, receiver.input.id, { catalogue, thresholds });
  return {
    situation,
    profiles,
    view: {
      input: {
        identity: { ...subject.input, roles: situation.roles },
        vendor: receiver.input,
        ...environmentAndPurpose(asked, catalogue, situation),
        channel: asked.channel,
        ...(asked.secure !== undefined && { destination: { secure: asked.secure } }),
        ...subject.relations,
        profiles: profiles.map(({ input }) => input),
        grants: matching.map((grant) => toInput(grant, names, situation)),
        matches: profiles.map((profile) => matching.flatMap((grant, index) => (coversProfile(grant, profile) ? [index] : []))),
        exclusives: situation.exclusives.ids,
      },
      terms: Object.fromEntries(matching.map(({ id, name, effect, obligations, approverRole }) => [id, { effect, obligations, ...(approverRole !== undefined && { approverRole }), ...(name !== undefined && { name }) }])),
      path: receiver.path,
      ...(receiver.from !== undefined && { destination: receiver.input.id, from: receiver.from }),
      ...(approval !== undefined && { approval }),
      chains: receiver.chains,
    },
  };
}

function situate({ asked, subject, receiver, catalogue }: ViewParts): Situation {
  const { facts } = catalogue;
  const { known, id } = receiver.input;
  const defaultPurpose = asked.eventName === undefined ? DEFAULT_PURPOSE : asked.event?.fact.defaultPurpose;
  const purposeKnown = asked.purpose !== undefined && facts.purposes.has(asked.purpose);
  return {
    roles: catalogue.rolesOf(subject.identity, known ? id : undefined),
    vendor: receiver.named,
    environment: asked.environment,
    purposes: new Set(asked.purpose === undefined || !purposeKnown ? [] : [...prefixes(asked.purpose)]),
    channel: asked.channel,
    kind: asked.kind,
    ...(asked.event !== undefined && asked.eventName !== undefined && { eventName: asked.event.fact.name }),
    ...(defaultPurpose !== undefined && { defaultPurpose }),
    exclusives: catalogue.exclusivesOf(receiver.named),
    explainable: subject.input.known && known && asked.event !== undefined && purposeKnown && facts.environments.has(asked.environment),
  };
}

/** A purpose and all above it, as dotted prefixes. */
function prefixes(purpose: string): readonly string[] {
  const parts = purpose.split('.');
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
}

function environmentAndPurpose(asked: Completed, { facts }: Catalogue, { purposes }: Situation) {
  const environment = facts.environments.get(asked.environment);
  const fact = asked.event?.fact;
  const allowed = asked.eventName === undefined || (fact?.purposes ?? []).some((purpose) => purposes.has(purpose));
  const known = purposes.size > 0;
  return {
    environment: { id: environment?.id ?? '?', known: environment !== undefined, tier: environment?.tier ?? '?' },
    purpose: {
      id: known ? asked.purpose! : '?',
      stated: asked.purpose !== undefined,
      known,
      allowed,
      ancestors: Object.fromEntries([...purposes].map((purpose) => [purpose, true as const])),
    },
    event: {
      id: fact?.name ?? '?',
      kind: asked.kind,
      known: fact !== undefined,
      minCell: fact?.minCell ?? 10,
      ...(fact?.about !== undefined && { about: fact.about.type }),
    },
  };
}

const toInput = (grant: KnownGrant, names: ReadonlySet<string>, situation: Situation) => ({
  id: grant.id,
  role: grant.role,
  vendors: grant.vendors,
  environments: grant.environments ?? ['*'],
  purposes: purposesOf(grant, situation),
  channels: grant.channels ?? ['*'],
  kinds: grant.kinds ?? ['*'],
  categories: narrow(grant.covers, names),
  except: narrow(grant.spares, names),
  exclusive: grant.exclusive,
  ...(grant.relation !== undefined && { relation: grant.relation }),
  conditions: grant.conditions,
});

/** The combination as far as these profiles can hit it. */
function prepareCombination(combination: Catalogue['combinations'][number], profiles: readonly Profile[]): readonly PreparedCombination[] {
  const members = combination.selectors
    .map((member) => profiles.flatMap(({ input, ancestors }, index) => (input.known && covers(member, input.category, ancestors) ? [index] : [])))
    .filter((member) => member.length > 0);
  if (members.length < combination.min) return [];
  const { id, min, effect, message, fix, approverRole } = combination;
  return [{ id, members, min, effect, message, fix, ...(approverRole !== undefined && { approverRole }) }];
}
