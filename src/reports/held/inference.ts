import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import { ancestorsOf, covers, isBelow } from '../../core/catalogue/selectors.ts';
import type { Form } from '../../replay/leaving.ts';
import type { Collected } from '../collect.ts';
import type { Held, Holding } from './holding.ts';

/** A value that stays the same for a person, a device or a customer: what records of theirs are put together by. */
export interface JoinKey {
  readonly category: string;
  readonly form: Form;
  /** Vendors that hold it as it is, too: together they know more. */
  readonly alsoHeldBy: readonly string[];
}

// No direct identifiers, and yet the same in all records of one person, device or customer.
const LASTING = ['user.unique_id', 'user.contact.email_hash', 'user.device.cookie_id', 'user.device.ip_address', 'user.account.username', 'system.tenant', 'system.ai.agent_session'];

export const isAnyOf = (category: string, roots: readonly string[]): boolean => roots.some((root) => isBelow(category, root));

/** A keyed hash is keyed per vendor: only the raw value is the same elsewhere (R26). */
export function joinKeysOf({ vendor, held }: Holding, { holdings, natures }: Collected): readonly JoinKey[] {
  const isKey = ({ category, form }: Held) => JOINING.includes(form) && (isAnyOf(category, LASTING) || natures.get(category)?.identifiability === 'direct');
  const distinct = new Map([...held.values()].filter(isKey).map(({ category, form }) => [`${category} ${form}`, { category, form }]));
  return [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { category, form }]) => ({
    category, form,
    alsoHeldBy: form !== 'raw' ? [] : [...holdings.values()]
      .filter((other) => other.vendor !== vendor && [...other.held.values()].some((one) => one.category === category && one.form === 'raw'))
      .map((other) => other.vendor).sort(),
  }));
}

const JOINING: readonly Form[] = ['raw', 'hmac', 'tokenized'];

/** A combination that the categories make up together: in one message, or over all of them. */
export interface HeldCombination {
  readonly id: string;
  readonly title: string;
  readonly categories: readonly string[];
  readonly inOneMessage: boolean;
}

export function combinationsOf(holding: Holding, { combinations }: Catalogue): readonly HeldCombination[] {
  const all = [...new Set([...holding.held.values()].map(({ category }) => category))].sort();
  const sets = holding.sets.list().map(({ name }) => name.split(' '));
  return combinations.flatMap(({ id, title, selectors, min }) => {
    const membersIn = (categories: readonly string[]) => selectors.map((member) => categories.filter((category) => covers(member, category, new Set(ancestorsOf(category))))).filter((found) => found.length > 0);
    const found = membersIn(all);
    if (found.length < min) return [];
    return [{ id, title: title ?? id, categories: [...new Set(found.flat())].sort(), inOneMessage: sets.some((set) => membersIn(set).length >= min) }];
  });
}
