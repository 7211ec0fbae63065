import type { ClaimName, EdgeType, VendorCategory, VendorState } from './vocabulary.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Scalar = boolean | number | string;

/** Holds while `fromMs <= now < untilMs`, in milliseconds since the Unix epoch. */
export interface Period {
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** What a vendor states of itself, with evidence. `value` null or absent counts as missing (J14). */
export interface Claim extends Period {
  readonly name: ClaimName;
  readonly value: Json;
  readonly evidence?: string;
  readonly issuedMs?: number;
}

/** `from` hands data on to `to`. `on` false: known to be off; undefined counts as on (J16). */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly type: EdgeType;
  readonly on?: boolean;
  /** Where `to` processes: ISO 3166 codes or `EU`; absent: unknown. */
  readonly regions?: readonly string[];
  readonly condition?: Readonly<Record<string, Json>>;
  readonly source?: string;
}

export interface Vendor {
  readonly id: string;
  readonly name: string;
  readonly party: 'first' | 'third';
  /** One source says first, another third: what restricts a first party restricts it too. */
  readonly disputed?: true;
  /** All that it may be, which is what rules, terms and exclusive grants look at. */
  readonly categories: readonly VendorCategory[];
  /** What every source says that it is: what grants look at; absent: all of `categories`. */
  readonly confirmed?: readonly VendorCategory[];
  /** Where roles are assigned by tenant: whose vendor it is. */
  readonly tenant?: string;
  /** What conditions may read besides the claims. */
  readonly attributes?: Readonly<Record<string, Json>>;
  readonly hosts: readonly string[];
  readonly packages: readonly string[];
  readonly regions: readonly string[];
  readonly state: VendorState;
  /** When its last known breach was detected; claims issued before it do not count towards `active` (R83). */
  readonly breachedMs?: number;
  readonly claims: readonly Claim[];
}
