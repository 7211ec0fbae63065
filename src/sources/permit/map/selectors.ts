import type { Alternatives } from '../../../core/catalogue/conditions.ts';
import { VENDOR_CATEGORIES, type Atom, type Condition, type VendorSelector } from '../../../core/facts.ts';

/** The vendors of a resource set, as a grant states them: by selectors where they say it all, else by a condition. */
export interface Chosen {
  readonly vendors: readonly VendorSelector[];
  readonly conditions: readonly Condition[];
}

export function toChosen(alternatives: Alternatives): Chosen {
  const selectors = alternatives.map((atoms) => atoms.reduce<readonly VendorSelector[] | undefined>((before, atom) => combine(before, atom), [{}]));
  if (selectors.every((list) => list !== undefined)) return { vendors: selectors.flat(), conditions: [] };
  return { vendors: [{}], conditions: [{ code: 'no_permit', any: alternatives }] };
}

/** What is left of each selector with the atom; undefined: no selector says that. */
function combine(before: readonly VendorSelector[] | undefined, atom: Atom): readonly VendorSelector[] | undefined {
  const more = before === undefined ? undefined : selectorsOf(atom);
  return more && before!.flatMap((left) => more.flatMap((right) => meet(left, right) ?? []));
}

function selectorsOf({ path, op, value, ref, negate }: Atom): readonly VendorSelector[] | undefined {
  if (negate === true || ref !== undefined) return undefined;
  switch (`${path.join('.')} ${op}`) {
    case 'vendor.id equals':
      return typeof value === 'string' ? [{ vendor: value }] : [];
    case 'vendor.id in':
      return (value as readonly unknown[]).filter((one) => typeof one === 'string').map((vendor) => ({ vendor }));
    case 'vendor.party equals':
      return value === 'first' || value === 'third' ? [{ party: value }] : [];
    case 'vendor.confirmed array_contains':
      return VENDOR_CATEGORIES.filter((category) => category === value).map((category) => ({ categories: [category] }));
    default:
      return undefined;
  }
}

function meet(left: VendorSelector, right: VendorSelector): VendorSelector | undefined {
  if ((left.vendor ?? right.vendor) !== (right.vendor ?? left.vendor) || (left.party ?? right.party) !== (right.party ?? left.party)) return undefined;
  const categories = [...new Set([...(left.categories ?? []), ...(right.categories ?? [])])];
  return { ...left, ...right, ...(categories.length > 0 && { categories }) };
}
