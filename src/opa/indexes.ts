import type { Term } from './references.ts';

/** A clause `set contains key if body`; `key` absent: it is no variable. */
export interface Clause {
  /** Dotted name of the set. */
  readonly set: string;
  readonly key: string | undefined;
  readonly body: readonly unknown[];
}

/**
 * Which sets of a file hold indexes of profiles alone, whatever the question: those of which every clause takes its key
 * from `input.profiles`, or from another such set.
 */
export function indexSets(clauses: readonly Clause[]): { readonly provesIndex: (clause: Clause) => boolean } {
  const candidates = new Set(clauses.map(({ set }) => set).filter((set) => set.startsWith('_') && !set.includes('.')));
  const proven = (clause: Clause) => clause.key !== undefined && bindsIndex(clause.body, clause.key, candidates);
  // The greatest set of sets that stand up to it: each round drops those that rest on what was dropped.
  for (let before = -1; before !== candidates.size;) {
    before = candidates.size;
    for (const clause of clauses) if (candidates.has(clause.set) && !proven(clause)) candidates.delete(clause.set);
  }
  return { provesIndex: proven };
}

/** Whether one of the conditions that all must hold takes `key` from the profiles. */
function bindsIndex(body: readonly unknown[], key: string, sets: ReadonlySet<string>): boolean {
  return body.some((expression) => {
    const {
      terms,
      negated,
      with: mocked,
    } = expression as { readonly terms: unknown; readonly negated?: boolean; readonly with?: unknown };
    if (negated === true || mocked !== undefined) return false;
    return (
      membersOf(terms).some((term) => isMember(term, key, sets)) ||
      refsOf(terms).some((steps) => isStep(steps, key, sets))
    );
  });
}

/** `some key, _ in input.profiles`, `some key in _set`, `key in _set`. */
function isMember(term: Term, key: string, sets: ReadonlySet<string>): boolean {
  if (term.type !== 'call') return false;
  const [operator, ...args] = term.value as readonly Term[];
  const name = operator === undefined ? '' : pathOf(operator.value);
  if (!isVar(args[0], key)) return false;
  const [, second, third] = args;
  return (
    (name === 'internal.member_3' && isProfiles(third)) ||
    (name === 'internal.member_2' && second?.type === 'var' && sets.has(String(second.value)))
  );
}

/** `input.profiles[key]`, `_set[key]`. */
function isStep(steps: readonly Term[], key: string, sets: ReadonlySet<string>): boolean {
  const [root, first, second] = steps;
  if (root?.value === 'input') return first?.value === 'profiles' && isVar(second, key);
  return root?.type === 'var' && sets.has(String(root.value)) && isVar(first, key);
}

const isVar = (term: Term | undefined, name: string) => term?.type === 'var' && term.value === name;
const isProfiles = (term: Term | undefined) => term?.type === 'ref' && pathOf(term.value) === 'input.profiles';
const pathOf = (ref: unknown) => (ref as readonly Term[]).map(({ value }) => String(value)).join('.');

function membersOf(terms: unknown): readonly Term[] {
  const symbols = (terms as { readonly symbols?: readonly Term[] }).symbols;
  if (symbols !== undefined) return symbols;
  const list = Array.isArray(terms) ? (terms as readonly Term[]) : [terms as Term];
  // `key in _set` alone is a call written as an operator and its operands.
  return list.length > 1 ? [{ type: 'call', value: list }] : list;
}

/** References that must be there for the expression to hold; those in comprehensions, `every` and `not` need not. */
function refsOf(terms: unknown): readonly (readonly Term[])[] {
  if (Array.isArray(terms)) return terms.flatMap(refsOf);
  const { symbols, type, value } = terms as {
    readonly symbols?: readonly Term[];
    readonly type?: string;
    readonly value?: unknown;
  };
  if (symbols !== undefined) return symbols.flatMap(refsOf);
  if (type === 'call') return (value as readonly Term[]).flatMap(refsOf);
  if (type === 'ref') return [value as readonly Term[], ...(value as readonly Term[]).slice(1).flatMap(refsOf)];
  return [];
}
