import type { Reason } from '../answer.ts';
import { withoutSecrets } from '../parse/secrets.ts';
import { compareCodes, type ReasonCode } from '../reason-codes.ts';

/** A reason before its fields are gathered. */
export interface Cause {
  readonly code: ReasonCode;
  /** Id of a rule, a grant, a combination, or of the host's own check. */
  readonly rule: string;
  readonly message: string;
  readonly fix: string;
  readonly path?: readonly string[];
  readonly detector?: string;
  /** Of a condition that is not met: what it demands. */
  readonly wanted?: string;
}

type Text = readonly [message: string, fix: string];

// What the host finds itself, where no rule's METADATA speaks. `{rule}` is a grant.
const TEXTS: Partial<Record<ReasonCode, Text>> = {
  no_permit: ['No grant permits {fields}.', 'Ask the policy owners for a grant, or drop {fields}.'],
  category_not_granted: ['The grant {rule} does not name the category of {fields}.', 'Drop {fields}, or have the category added to {rule}.'],
  environment_not_allowed: ['The grant {rule} does not hold in this environment.', 'Send from an environment that {rule} names.'],
  identity_not_allowed: ['The grant {rule} is not held by this identity.', 'Have the identity given the role of {rule}, or let a holder send.'],
  purpose_not_allowed: ['The grant {rule} does not hold for this purpose.', 'State a purpose that {rule} names.'],
  channel_not_allowed: ['The grant {rule} does not hold for this channel.', 'Use a channel that {rule} names.'],
  grant_expired: ['The grant {rule} has expired.', 'Have {rule} renewed, or drop {fields}.'],
  no_relationship: ['The identity does not hold the relation that {rule} demands to what the data is about.', 'State about, and have the relation recorded.'],
  approval_required: ['{rule} demands an approval.', 'Ask for the approval that the answer describes.'],
  mandatory_forbid: ['An approval covers the question, but cannot lift what {rule} forbids.', 'Drop {fields}.'],
  obligation_unsupported: ['{rule} demands what the caller cannot do, or what cannot be done together.', 'Drop {fields}, or have the caller learn the obligation.'],
  evaluation_failed: ['The policy could not be evaluated.', 'Look for evaluation errors in the server log, and mend the rule they name.'],
  secret_detected: ['A value at {fields} looks like a secret.', 'Remove the secret, and rotate it.'],
  value_not_in_enum: ['A value at {fields} is not one of those declared.', 'Send a declared value, or have the event extended.'],
  free_text: ['A value at {fields} reads like free text.', 'Send a declared value.'],
  unknown_field: ['A value at {fields} is not of the declared type, which makes it a new field.', 'Send the declared type, or have the event extended.'],
  aggregate_too_small: ['A count in the payload is smaller than the smallest cell may be.', 'Suppress or merge small cells.'],
  claim_missing: ['The grant {rule} demands a claim that the vendor has not made.', 'Record the claim with its evidence.'],
  claim_expired: ['The grant {rule} demands a claim that has expired.', 'Have the vendor renew its evidence.'],
  claim_insufficient: ['The grant {rule} demands more than the vendor claims.', 'Agree on better terms with the vendor.'],
  stale_facts: ['The facts are older than this environment allows.', 'Restore the source of the facts, and reload.'],
  audit_unavailable: ['The decision could not be recorded, so there is none.', 'Restore the decision log; send nothing.'],
};
// Of conditions that are not met: `{wanted}` is their names and the values that they want.
const UNMET: Partial<Record<ReasonCode, Text>> = {
  claim_missing: [
    'The grant {rule} demands {wanted}; the vendor has not stated that claim.',
    'Write the claim with its evidence under the vendor in vendors.yaml, or drop {fields}.',
  ],
  claim_expired: [
    'The grant {rule} demands {wanted}; that claim has expired.',
    'Have the vendor renew its evidence, and write the claim anew in vendors.yaml, or drop {fields}.',
  ],
  claim_insufficient: [
    'The grant {rule} demands {wanted}; the vendor claims something else.',
    'Agree on it with the vendor, and write the claim in vendors.yaml, or drop {fields}.',
  ],
  no_relationship: [
    'The grant {rule} demands {wanted}.',
    'State about, and have the relation recorded, or drop {fields}.',
  ],
};
const UNMET_OTHER: Text = ['The grant {rule} demands {wanted}.', 'Ask where that holds, or drop {fields}.'];
const NO_ROLE: Text = ['The identity has no role, so no grant is meant for it.', 'Give the identity a role that has the grants it needs.'];
const OTHER: Text = ['{rule} does not permit {fields}.', 'Drop {fields}.'];

/** A cause that the host gives itself. */
export function hostCause(code: ReasonCode, rule: string, more: Pick<Cause, 'path' | 'detector'> = {}): Cause {
  const [message, fix] = rule === 'no-role' ? NO_ROLE : TEXTS[code] ?? OTHER;
  return { code, rule, message, fix, ...more };
}

/** A grant's condition that is not met. @param wanted its names and the values that it wants, never those that came. */
export function unmetCause(code: ReasonCode, rule: string, wanted: string): Cause {
  const [message, fix] = UNMET[code] ?? UNMET_OTHER;
  return { code, rule, message, fix, wanted };
}

/** One reason for each (code, rule), with its fields in the order asked; sorted by the order of codes, then rule. */
export function gather(judged: readonly { readonly field: { readonly path: string }; readonly causes: readonly Cause[] }[]): readonly Reason[] {
  const groups = new Map<string, { readonly cause: Cause; readonly fields: Set<string> }>();
  for (const { field, causes } of judged) for (const cause of causes) {
    const key = `${cause.code} ${cause.rule}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { cause, fields: new Set([field.path]) });
    else group.fields.add(field.path);
  }
  return [...groups.values()].map(({ cause, fields }) => toReason(cause, [...fields])).sort((a, b) => (
    compareCodes(a.code, b.code) || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0)
  ));
}

function toReason(cause: Cause, fields: readonly string[]): Reason {
  const first = fields.slice(0, 5).map(withoutSecrets).join(', ');
  const names = fields.length > 5 ? `${first} and ${fields.length - 5} more` : first;
  const fill = (text: string) => text
    .replaceAll('{rule}', () => cause.rule)
    .replaceAll('{path}', () => cause.path?.join(' → ') ?? 'unknown')
    .replaceAll('{fields}', () => names)
    // The last: what is wanted may have braces of its own.
    .replaceAll('{wanted}', () => cause.wanted ?? 'a condition');
  return {
    code: cause.code,
    rule: cause.rule,
    fields,
    message: fill(cause.message),
    fix: fill(cause.fix),
    ...(cause.path !== undefined && { path: cause.path }),
    ...(cause.detector !== undefined && { detector: cause.detector }),
  };
}
