import { compileCondition, ConditionError, type Alternatives, type Objection } from '../../core/catalogue/conditions.ts';
import { CLAIM_NAMES, type Condition, type Grant, type Json, type Term, type VendorSelector } from '../../core/facts.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { Entry, EntryOf } from './collect.ts';
import { periodOf } from './dates.ts';
import { definedOf } from './defined.ts';
import type { Names } from './names.ts';
import type { At, Problem } from './problems.ts';
import type { ConditionSource } from './schemas.ts';

export interface GrantSource<K extends 'grants' | 'terms' = 'grants'> {
  readonly entry: Entry<EntryOf<K>>;
  readonly names: Names;
  readonly problems: Problem[];
}

/** The grant, without conditions that can't be compiled: each of their mistakes goes to `problems`. */
export function toGrant(source: GrantSource): Grant {
  const { role, purposes, temporary } = source.entry.value;
  return { ...toLimits(source), role, purposes, ...definedOf({ ticket: temporary?.ticket }) };
}

/** As `toGrant`. */
export function toTerm(source: GrantSource<'terms'>): Term {
  const { roles, purposes } = source.entry.value;
  return { ...toLimits(source), ...definedOf({ roles, purposes }) };
}

function toLimits({ entry, names, problems }: GrantSource | GrantSource<'terms'>): Omit<Grant, 'role' | 'purposes'> & Omit<Term, 'roles' | 'purposes'> {
  const { vendors, starts, expires, conditions, obligations, title, environments, channels, kinds, events, approverRole, relation, categories, except, effect, exclusive } = entry.value;
  return {
    id: entry.id,
    categories,
    except,
    effect,
    exclusive,
    ...definedOf({ title, environments, channels, kinds, events, approverRole, relation }),
    ...periodOf(starts, expires),
    obligations: obligations.map(({ op, params }) => ({ op, ...definedOf({ params }) })),
    vendors: vendors.map((selector): VendorSelector => (typeof selector === 'string' ? { vendor: selector } : definedOf(selector))),
    conditions: conditions.flatMap((condition, index) => {
      try {
        return toConditions(condition, objectionOf(names));
      } catch (error) {
        if (!(error instanceof ConditionError)) throw error;
        const root: At = ['conditions', index, ...(condition.claim === undefined ? ['if'] : [])];
        problems.push(...error.mistakes.map(({ at, message, key }) => entry.problem([...root, ...at], message, key)));
        return [];
      }
    }),
  };
}

/** Conditions read only claims that there are, and context names that the catalogue lists. */
function objectionOf(names: Names): Objection {
  return ([root, name = '', claim = '']) => {
    if (root === 'context') return names.objection('contextName', name);
    if (root !== 'vendor' || name !== 'claims' || CLAIM_NAMES.some((known) => known === claim)) return undefined;
    return `there is no claim ${claim}${didYouMean(claim, CLAIM_NAMES)}`;
  };
}

/** Of a claim's conditions exactly one fails, whatever is wrong with the claim, so that the reason is the right one (J7). */
function toConditions({ claim, test, code = 'no_permit', if: asked }: ConditionSource, objection: Objection): readonly Condition[] {
  if (claim === undefined) return [{ code, any: compileCondition(asked ?? {}, objection) }];
  const state = (...states: readonly string[]) => ({ path: ['vendor', 'claims', claim, 'state'], op: 'in', value: states });
  return [
    { code: 'claim_missing', any: [[state('valid', 'expired')]] },
    { code: 'claim_expired', any: [[state('valid', 'missing')]] },
    ...(test === undefined ? [] : [{ code: 'claim_insufficient', any: [[state('missing', 'expired')], ...toTest(claim, test, objection)] }]),
  ];
}

/** `{ less-than: 3 }` is short for `{ vendor.claims.X.value: { less-than: 3 } }`; mistakes lead from `test`. */
function toTest(claim: string, test: Readonly<Record<string, Json>>, objection: Objection): Alternatives {
  try {
    return compileCondition({ [`vendor.claims.${claim}.value`]: test }, objection);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    throw new ConditionError(error.mistakes.map(({ at, ...mistake }) => ({ at: ['test', ...at.slice(1)], ...mistake })));
  }
}
