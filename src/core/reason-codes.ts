/** In the order in which reasons are listed; authors' own codes follow. Closed: add with care. */
export const REASON_CODES = [
  'unknown_identity', 'unknown_vendor', 'unknown_event', 'unknown_field', 'unknown_environment', 'unknown_purpose',
  'purpose_missing', 'no_permit', 'category_not_granted', 'environment_not_allowed', 'identity_not_allowed',
  'forbidden_category', 'not_deidentified', 'raw_identifiers', 'combination', 'claim_missing', 'claim_expired',
  'claim_insufficient', 'vendor_suspended', 'reaches_llm', 'transfer_basis_missing', 'residency', 'first_party_only',
  'aggregate_too_small', 'aggregate_identifying', 'privacy_budget_exhausted', 'secret_detected', 'value_not_in_enum',
  'free_text', 'insecure_transport', 'no_relationship', 'delegation_denied', 'grant_expired', 'approval_required',
  'stale_facts', 'obligation_unsupported', 'evaluation_failed', 'audit_unavailable', 'mandatory_forbid',
  'purpose_not_allowed', 'channel_not_allowed',
] as const;
/** A code that policy authors declared in codes.yaml, for rules and conditions of their own. */
export type OwnCode = `x_${string}`;
export type ReasonCode = (typeof REASON_CODES)[number] | OwnCode;

/** Whether a text has the form of an author's own code; whether it is declared is not asked. */
export const isOwnCode = (text: string): text is OwnCode => /^x_[a-z0-9][a-z0-9_]{0,59}$/.test(text);

/** Whether a text may be a reason code: one of the closed list, or one of the authors' own by its form. */
export const isReasonCode = (text: unknown): text is ReasonCode =>
  typeof text === 'string' && (REASON_CODES.some((code) => code === text) || isOwnCode(text));

/** The order in which reasons are listed: that of the closed list, then the authors' own by name. */
export function compareCodes(a: ReasonCode, b: ReasonCode): number {
  const order = placeOf(a) - placeOf(b);
  return order === 0 ? Number(a > b) - Number(a < b) : order;
}

const PLACES: ReadonlyMap<string, number> = new Map(REASON_CODES.map((code, place) => [code, place]));
const placeOf = (code: ReasonCode) => PLACES.get(code) ?? REASON_CODES.length;
