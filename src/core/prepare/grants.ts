import type { ReasonCode } from '../answer.ts';
import type { Catalogue, KnownGrant } from '../catalogue/catalogue.ts';
import { namesVendor, type NamedVendor } from '../catalogue/grant-index.ts';
import { meet } from '../catalogue/narrow.ts';
import type { Exclusives } from '../catalogue/terms.ts';
import type { Thresholds } from '../clock.ts';

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
export interface Miss {
  readonly code?: ReasonCode;
  /** It is what closes the vendor that is to be named, not this grant. */
  readonly closed?: true;
}

/** Which attributes of the grant do not fit; its categories, conditions and dates are not looked at. */
export function misses(grant: KnownGrant, s: Situation): Miss[] {
  const found: Miss[] = [];
  if (!s.roles.includes(grant.role)) found.push({ code: 'identity_not_allowed' });
  if (!grant.exclusive && s.exclusives.ids.length > 0) found.push({ code: 'identity_not_allowed', closed: true });
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
