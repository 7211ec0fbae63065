import type { ReasonCode } from '../answer.ts';
import type { Catalogue, KnownGrant } from '../catalogue/catalogue.ts';
import { coversProfile, namesVendor, type NamedVendor } from '../catalogue/grant-index.ts';
import { meet } from '../catalogue/narrow.ts';
import { nameOf, type Exclusives } from '../catalogue/terms.ts';
import { hasEnded, isCurrent, type Moment, type Thresholds } from '../clock.ts';
import type { WhyNot } from '../decide/judge.ts';
import type { Profile } from '../catalogue/profiles.ts';
import { hostCause, type Cause } from '../decide/reasons.ts';
import type { Rulings } from '../decide/rulings.ts';

/** What a grant is compared with, beside the categories. */
export interface Situation {
  readonly roles: readonly string[];
  readonly vendor: NamedVendor;
  readonly environment: string;
  /** The purpose and all above it; empty without one. */
  readonly purposes: ReadonlySet<string>;
  /** Of the event; without an event that of every permission. */
  readonly defaultPurpose?: string;
  readonly channel: string;
  readonly kind: string;
  readonly eventName?: string;
  readonly exclusives: Exclusives;
  /** All of what a caller must be told is known (J7). */
  readonly explainable: boolean;
}

/** An attribute of a grant that does not fit. Vendor, event and kind count, but have no code. */
interface Miss {
  readonly code?: ReasonCode;
  /** The grant to name, where it is not this one. */
  readonly rule?: string;
}

/** Which attributes of the grant do not fit; its categories, conditions and dates are not looked at. */
function misses(grant: KnownGrant, s: Situation): Miss[] {
  const found: Miss[] = [];
  if (!s.roles.includes(grant.role)) found.push({ code: 'identity_not_allowed' });
  if (!grant.exclusive && s.exclusives.ids.length > 0) found.push({ code: 'identity_not_allowed', rule: s.exclusives.ids[0]! });
  if (!namesVendor(grant, s.vendor)) found.push({});
  if (grant.environments?.includes(s.environment) === false) found.push({ code: 'environment_not_allowed' });
  if (!purposesOf(grant, s).some((purpose) => s.purposes.has(purpose))) found.push({ code: 'purpose_not_allowed' });
  if (grant.channels?.some((channel) => channel === s.channel) === false) found.push({ code: 'channel_not_allowed' });
  if (grant.kinds?.some((kind) => kind === s.kind) === false) found.push({});
  if (grant.events !== undefined && !grant.events.includes(s.eventName ?? '')) found.push({});
  return found;
}

/** The purposes that the grant covers here, with those below them. */
export function purposesOf({ purposes, defaultPurposeOnly }: KnownGrant, { defaultPurpose }: Situation): readonly string[] {
  if (defaultPurposeOnly === undefined) return purposes;
  return defaultPurpose === undefined ? [] : meet([defaultPurpose], purposes);
}

/** The grants that can permit here: what they state fits, and they hold now; dates of those that fit are remembered. */
export function candidates(catalogue: Pick<Catalogue, 'grantsOf'>, s: Situation, thresholds: Thresholds): readonly KnownGrant[] {
  return s.roles.flatMap((role) => catalogue.grantsOf(role, s.vendor)).filter((grant) => misses(grant, s).length === 0 && thresholds.holds(grant));
}

/** A grant that fits in all but at most one attribute, its categories and conditions apart. */
interface Near {
  readonly grant: KnownGrant;
  readonly miss: Miss | undefined;
}

/** Why each profile of each view has no permit (J7). Compared lazily, since most questions never need it, and once a view. */
export function explainMissing(
  catalogue: Catalogue,
  preparation: { readonly views: readonly { readonly situation: Situation; readonly profiles: readonly Profile[] }[]; readonly moment: Moment },
  rulings: readonly Rulings[],
): WhyNot {
  const { moment } = preparation;
  const owned = preparation.views.map(({ situation }) => once(() => (
    [...situation.roles.flatMap((role) => catalogue.grantsOf(role, situation.vendor)), ...situation.exclusives.grants].flatMap((grant) => near(grant, situation, moment))
  )));
  return (at, index) => {
    const { situation, profiles } = preparation.views[at]!;
    const profile = profiles[index]!;
    if (!situation.explainable || !profile.input.known) return [];
    if (situation.roles.length === 0) return [hostCause('identity_not_allowed', 'no-role')];
    const { failed } = rulings[at]!;
    const own = bestOf(owned[at]!().flatMap((candidate) => nearMiss(candidate, profile, failed)));
    if (own.length > 0) return own;
    // Of grants that others hold only one thing can be told: that the role is all that is missing.
    const held = catalogue.grantsFor(situation.vendor, profile).find((grant) => (
      !situation.roles.includes(grant.role) && isHeldThere(grant, situation, catalogue) && isCurrent(grant, moment) && misses(grant, situation).length === 1
    ));
    return [held === undefined ? hostCause('no_permit', 'default-deny') : hostCause('identity_not_allowed', nameOf(held))];
  };
}

/** Of a role that is held on single vendors: whether somebody might hold it on this one. */
const isHeldThere = ({ role }: KnownGrant, { vendor }: Situation, { facts }: Catalogue) => facts.roles.get(role)?.heldOn?.has(vendor.id) !== false;

function near(grant: KnownGrant, situation: Situation, moment: Moment): readonly Near[] {
  const missed = misses(grant, situation);
  if (!isCurrent(grant, moment)) missed.push(hasEnded(grant, moment) ? { code: 'grant_expired' } : {});
  return missed.length > 1 ? [] : [{ grant, miss: missed[0] }];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** The one attribute in which the grant does not fit this profile, if it is only one and has a code. */
function nearMiss({ grant, miss }: Near, profile: Profile, failed: Rulings['failed']): readonly { readonly code: ReasonCode; readonly rule: string }[] {
  const missed: Miss[] = [
    ...(miss === undefined ? [] : [miss]),
    ...(coversProfile(grant, profile) ? [] : [{ code: 'category_not_granted' as const }]),
    ...new Set(failed.filter((failure) => failure.grant === grant.id).map(({ code }) => code)),
  ].map((one) => (typeof one === 'string' ? { code: one } : one));
  const [only, second] = missed;
  return only?.code === undefined || second !== undefined ? [] : [{ code: only.code, rule: only.rule ?? nameOf(grant) }];
}

/** One reason a code, with the grant whose name sorts first. */
function bestOf(found: readonly { readonly code: ReasonCode; readonly rule: string }[]): readonly Cause[] {
  const best = new Map<ReasonCode, string>();
  for (const { code, rule } of found) if (rule < (best.get(code) ?? '\u{10FFFF}')) best.set(code, rule);
  return [...best].map(([code, rule]) => hostCause(code, rule));
}
