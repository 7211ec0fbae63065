import { compileMatches, containersOf } from '../parse/paths.ts';
import { IDENTIFIABILITIES, SENSITIVITIES } from '../vocabulary.ts';
import type { KnownField } from './catalogue.ts';

/**
 * What an empty object or list at a path is judged as: the most sensitive of the fields that are declared below it (by
 * sensitivity, identifiability, path). One that nobody has classified counts as the worst. Undefined where nothing is
 * declared below. Of the fact only category, role and labels are the member's: its types and its enum say nothing here.
 */
export function createContainers(fields: readonly KnownField[]): (path: string) => KnownField | undefined {
  const members = new Map<string, KnownField>();
  for (const field of fields) {
    for (const path of containersOf(field.declared)) members.set(path, worse(field, members.get(path)));
  }
  const match = compileMatches(members.keys());
  return (path) => {
    // A dynamic key may stand beside a literal one: what either leads to is below the path.
    const declared = match(path);
    const [first] = declared;
    if (first === undefined) return undefined;
    const { fact: { category, role, labels }, profile } = declared.map((one) => members.get(one)!).reduce(worse);
    return { declared: first, fact: { path: first, category, role, labels }, profile };
  };
}

function worse(a: KnownField, b: KnownField | undefined): KnownField {
  return b === undefined || compare(a, b) < 0 ? a : b;
}

/** Negative when `a` is the more sensitive. */
function compare(a: KnownField, b: KnownField): number {
  const [left, right] = [a.profile.input, b.profile.input];
  return Number(left.known) - Number(right.known)
    || SENSITIVITIES.indexOf(right.sensitivity) - SENSITIVITIES.indexOf(left.sensitivity)
    || IDENTIFIABILITIES.indexOf(right.identifiability) - IDENTIFIABILITIES.indexOf(left.identifiability)
    || (a.declared < b.declared ? -1 : 1);
}
