import { isDate } from '../../../core/dates.ts';
import { CLAIM_NAMES, VENDOR_CATEGORIES, VENDOR_STATES, type Claim, type ClaimName, type Json, type VendorCategory, type VendorState } from '../../../core/facts.ts';
import { isRegion } from '../../yaml/checks/regions.ts';
import { endOf, startOf, twelveMonthsAfter } from '../../yaml/dates.ts';
import type { PermitData, PermitInstance } from '../data.ts';
import { isKey } from './keys.ts';
import { VENDOR } from './relations.ts';
import type { Unmappables } from './unmapped.ts';

/** What a vendor states in Permit. What it leaves out, or what makes no sense, counts as the worst. */
export interface MappedVendor {
  readonly id: string;
  readonly tenant: string;
  readonly name?: string;
  readonly party: 'first' | 'third';
  readonly categories: readonly VendorCategory[];
  readonly regions: readonly string[];
  readonly state: VendorState;
  readonly claims: readonly Claim[];
  readonly attributes: Readonly<Record<string, Json>>;
}

export function mapVendors({ instances }: PermitData, unmapped: Unmappables): ReadonlyMap<string, MappedVendor> {
  const vendors = new Map<string, MappedVendor>();
  for (const instance of instances.filter(({ type }) => type === VENDOR)) {
    if (isKey(instance.key)) vendors.set(instance.key, mapVendor(instance, (reason) => unmapped.add(`vendor ${instance.key}`, reason)));
    else unmapped.add(`vendor ${instance.key}`, 'its key has characters that Permit does not allow');
  }
  return vendors;
}

type Complain = (reason: string) => void;

function mapVendor({ key, tenant, attributes }: PermitInstance, complain: Complain): MappedVendor {
  const { name } = attributes;
  return {
    id: key,
    tenant,
    ...(typeof name === 'string' && name !== '' && { name }),
    party: oneOf(['first', 'third'] as const, attributes, 'party', { complain, absent: 'third', worst: 'third' }),
    categories: listOf(VENDOR_CATEGORIES, attributes, complain),
    regions: regionsOf(attributes, complain),
    // Nothing said of its state leaves it to the catalogue and the switch.
    state: oneOf(VENDOR_STATES, attributes, 'status', { complain, absent: 'active', worst: 'terminated' }),
    claims: CLAIM_NAMES.flatMap((claim) => mapClaim(claim, attributes, complain)),
    attributes,
  };
}

type Attributes = PermitInstance['attributes'];

const own = (attributes: Attributes, name: string): Json => (Object.hasOwn(attributes, name) ? attributes[name]! : null);

function oneOf<T extends string>(values: readonly T[], attributes: Attributes, name: string, { complain, absent, worst }: { readonly complain: Complain; readonly absent: T; readonly worst: T }): T {
  const stated = own(attributes, name);
  if (stated === null) return absent;
  const known = values.find((value) => value === stated);
  if (known === undefined) complain(`${name} is none of ${values.join(', ')}: it counts as ${worst}`);
  return known ?? worst;
}

function listOf(values: readonly VendorCategory[], attributes: Attributes, complain: Complain): readonly VendorCategory[] {
  const stated = own(attributes, 'categories');
  if (stated === null) return [];
  const list: readonly Json[] = Array.isArray(stated) ? stated : [stated];
  if (!list.every((one) => values.some((value) => value === one))) complain(`categories is a list of ${values.join(', ')}: what is none of them does not count`);
  return values.filter((value) => list.includes(value));
}

/** One that is no region would be outside of every region that matters: then nothing is known. */
function regionsOf(attributes: Attributes, complain: Complain): readonly string[] {
  const stated = own(attributes, 'regions');
  if (stated === null) return [];
  if (Array.isArray(stated) && stated.every((one: Json) => typeof one === 'string' && isRegion(one))) {
    return stated as readonly string[];
  }
  complain('regions is a list of ISO 3166 codes or EU: it counts as unknown');
  return [];
}

const isCount = (value: Json) => typeof value === 'number' && value >= 0;
/** What a claim's value may be; the rest may be anything. */
const SHAPES: Readonly<Partial<Record<ClaimName, (value: Json) => boolean>>> = {
  retention_days: isCount, breach_notice_hours: isCount, residency: () => true,
  transfer_basis: (value) => typeof value === 'object' && !Array.isArray(value),
};
const isFlag = (value: Json) => typeof value === 'boolean';

function mapClaim(name: ClaimName, attributes: Attributes, complain: Complain): readonly Claim[] {
  const value = own(attributes, name);
  if (value === null) return [];
  const wrong = (why: string): readonly Claim[] => {
    complain(`${why}: ${name} counts as ${name === 'uses_llm' ? 'true' : 'not stated'}`);
    return name === 'uses_llm' ? [{ name, value: true }] : [];
  };
  if (!(SHAPES[name] ?? isFlag)(value)) return wrong(`${name} is of another type`);
  const dates = (['issued', 'expires', 'period_end'] as const).map((part) => ({ part, date: own(attributes, `${name}_${part}`) }));
  const broken = dates.find(({ date }) => date !== null && !(typeof date === 'string' && isDate(date)));
  if (broken !== undefined) return wrong(`${name}_${broken.part} is no date (2026-11-22, or RFC 3339 with a time zone)`);
  const [issued, expires, periodEnd] = dates.map(({ date }) => date as string | null);
  const ends = [...(expires ? [endOf(expires)] : []), ...(periodEnd && name === 'soc2_type2' ? [twelveMonthsAfter(periodEnd)] : [])];
  const evidence = own(attributes, `${name}_evidence`);
  return [{
    name, value, ...(typeof evidence === 'string' && { evidence }),
    ...(issued && { issuedMs: startOf(issued) }),
    ...(ends.length > 0 && { untilMs: Math.min(...ends) }),
  }];
}
