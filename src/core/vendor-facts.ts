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
  readonly categories: readonly VendorCategory[];
  readonly hosts: readonly string[];
  readonly packages: readonly string[];
  readonly regions: readonly string[];
  readonly state: VendorState;
  /** When its last known breach was detected; claims issued before it do not count towards `active` (R83). */
  readonly breachedMs?: number;
  readonly claims: readonly Claim[];
}
