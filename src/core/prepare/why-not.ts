import type { ReasonCode } from '../answer.ts';
import type { Catalogue, KnownGrant } from '../catalogue/catalogue.ts';
import { coversProfile, writtenOf } from '../catalogue/grant-index.ts';
import type { Profile } from '../catalogue/profiles.ts';
import { nearness } from '../catalogue/selectors.ts';
import { nameOf } from '../catalogue/terms.ts';
import { createThresholds, hasEnded, type Moment } from '../clock.ts';
import type { WhyNot } from '../decide/judge.ts';
import { hostCause, unmetCause, type Cause } from '../decide/reasons.ts';
import type { Rulings } from '../decide/rulings.ts';
import { misses, type Miss, type Situation } from './grants.ts';
import type { View } from './prepared.ts';
import { wantedOf } from './wanted.ts';

/** A view, with what only the explanation of a missing permit needs. */
export interface ExplainedView {
  readonly view: View;
  readonly situation: Situation;
  readonly profiles: readonly Profile[];
}

export interface Explanation {
  readonly whyNot: WhyNot;
  /** When, by time alone, something else may have to be told than was: a grant that came near starts or ends. */
  changesAtMs(): number | undefined;
}

/** A grant that fits in all but at most one attribute, its categories and conditions apart. */
interface Near {
  readonly grant: KnownGrant;
  readonly miss: Miss | undefined;
}

/** The one attribute in which a grant does not fit, and the grant to name. */
interface NearMiss {
  readonly code: ReasonCode;
  readonly rule: string;
  /** Of the field's category, how many segments the grant names. */
  readonly nearness: number;
  /** The grant whose condition is not met. */
  readonly unmet?: KnownGrant;
}

/** Why each profile of each view has no permit (J7). Compared lazily and once a view: most questions never need it. */
export function explainMissing(
  catalogue: Catalogue,
  preparation: { readonly views: readonly ExplainedView[]; readonly moment: Moment },
  rulings: readonly Rulings[],
): Explanation {
  const { moment } = preparation;
  const thresholds = createThresholds(moment);
  const near = (grant: KnownGrant, situation: Situation): readonly Near[] => {
    const missed = misses(grant, situation);
    if (missed.length > 1) return [];
    // With an attribute that doesn't fit beside its dates it says nothing now, but will when it has started.
    if (!thresholds.holds(grant)) missed.push(hasEnded(grant, moment) ? { code: 'grant_expired' } : {});
    return missed.length > 1 ? [] : [{ grant, miss: missed[0] }];
  };
  const owned = preparation.views.map(({ situation }) =>
    once(() =>
      [
        ...situation.roles.flatMap((role) => catalogue.grantsOf(role, situation.vendor)),
        ...situation.exclusives.grants,
      ].flatMap((grant) => near(grant, situation)),
    ),
  );
  const whyNot: WhyNot = (at, index) => {
    const { view, situation, profiles } = preparation.views[at]!;
    const profile = profiles[index]!;
    if (!situation.explainable || !profile.input.known) return [];
    if (situation.roles.length === 0) return [hostCause('identity_not_allowed', 'no-role')];
    const { failed } = rulings[at]!;
    const own = bestOf(owned[at]!().flatMap((candidate) => nearMiss(candidate, profile, { situation, failed })));
    if (own.length > 0) return own.map((miss) => causeOf(miss, view));
    // Of grants that others hold only one thing can be told: that the role is all that is missing.
    const held = catalogue
      .grantsFor(situation.vendor, profile)
      .find(
        (grant) =>
          !situation.roles.includes(grant.role) &&
          isHeldThere(grant, situation, catalogue) &&
          misses(grant, situation).length === 1 &&
          thresholds.holds(grant),
      );
    return [
      held === undefined ? hostCause('no_permit', 'default-deny') : hostCause('identity_not_allowed', nameOf(held)),
    ];
  };
  return { whyNot, changesAtMs: thresholds.next };
}

/** Of a role that is held on single vendors: whether somebody might hold it on this one. */
const isHeldThere = ({ role }: KnownGrant, { vendor }: Situation, { facts }: Catalogue) =>
  facts.roles.get(role)?.heldOn?.has(vendor.id) !== false;

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/**
 * The one attribute in which the grant does not fit this profile, if it is only one and has a code. Conditions count
 * where the grant covers the profile: of another Rego may not have been asked, so that they count as met.
 */
function nearMiss(
  { grant, miss }: Near,
  profile: Profile,
  { situation, failed }: { readonly situation: Situation; readonly failed: Rulings['failed'] },
): readonly NearMiss[] {
  const covers = coversProfile(grant, profile);
  const unmet = covers
    ? [...new Set(failed.filter((failure) => failure.grant === grant.id).map(({ code }) => code))]
    : [];
  const [only, second] = [
    ...(miss === undefined ? [] : [miss]),
    ...(covers ? [] : [{ code: 'category_not_granted' as const }]),
    ...unmet.map((code) => ({ code })),
  ] as readonly Miss[];
  if (only?.code === undefined || second !== undefined) return [];
  const { category } = profile.input;
  if (only.closed === true)
    return situation.exclusives.closing.map(({ id, covers: by }) => ({
      code: only.code!,
      rule: id,
      nearness: nearness(by, category),
    }));
  return [
    {
      code: only.code,
      rule: nameOf(grant),
      nearness: nearness(writtenOf(grant), category),
      ...(unmet.length > 0 && { unmet: grant }),
    },
  ];
}

/** One for each code: of the grant that is nearest by its categories, then the name that sorts first. */
function bestOf(found: readonly NearMiss[]): readonly NearMiss[] {
  const best = new Map<ReasonCode, NearMiss>();
  for (const miss of found) {
    const before = best.get(miss.code);
    if (
      before === undefined ||
      miss.nearness > before.nearness ||
      (miss.nearness === before.nearness && miss.rule < before.rule)
    )
      best.set(miss.code, miss);
  }
  return [...best.values()];
}

function causeOf({ code, rule, unmet }: NearMiss, { input }: View): Cause {
  const wanted = unmet === undefined ? undefined : wantedOf(unmet, code, input);
  return wanted === undefined ? hostCause(code, rule) : unmetCause(code, rule, wanted);
}
