import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Completed } from './complete.ts';

export interface Staleness {
  /** The question, with a finding on each field that facts of this age may not decide. */
  readonly asked: Completed;
  /** In how many milliseconds the next field is too old; undefined: none ever. */
  readonly nextMs?: number;
}

/**
 * Facts too old for a field deny it (R72). Judged every time and never from the memo, since age is no part of a revision
 * (J29); as a finding of the question it is in the memo's key, like what is found in a payload.
 */
export function markStale(asked: Completed, catalogue: Catalogue, ageMs: number): Staleness {
  const bounds = catalogue.ageBounds(asked.environment);
  if (bounds === undefined) return { asked };
  let nextMs: number | undefined;
  const fields = asked.fields.map((field) => {
    const left = bounds(field.profile) - ageMs;
    if (left > 0 && left < (nextMs ?? Infinity)) nextMs = left;
    return left > 0 ? field : { ...field, findings: [...field.findings, { code: 'stale_facts' as const }] };
  });
  return { asked: { ...asked, fields }, ...(nextMs !== undefined && { nextMs }) };
}
