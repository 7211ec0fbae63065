import { indexSets, type Clause } from './indexes.ts';
import type { Term } from './references.ts';

/** A clause of a rule, as `opa parse` gives it. */
export interface RuleNode {
  readonly head: {
    readonly ref: readonly Term[];
    readonly key?: Term;
    readonly value?: Term;
    readonly args?: readonly Term[];
    readonly assign?: boolean;
  };
  readonly body?: readonly unknown[];
  readonly default?: boolean;
  readonly else?: RuleNode;
  readonly location?: { readonly row: number };
}

/** What the collector and other rules read of these files besides `rulings`. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  'egress/rules/rbac.rego': ['permits'],
  'egress/rules/conditions.rego': ['failed', 'unmet'],
  'egress/rules/relationships.rego': ['failed', 'unmet'],
};

const WRITE = 'write rulings["id"] contains index if { some index, profile in input.profiles … }, or contains "*"';

/**
 * Whether a file's rules give what the host reads: `rulings`, by id, each the set of the profiles that it hits. Of any
 * other shape a rule would never count, so that its forbid would fail open.
 *
 * @param described ids of the rules that have METADATA.
 * @returns `file:row: what is wrong`
 */
export function checkHeads(
  file: string,
  rules: readonly RuleNode[],
  described: ReadonlySet<string>,
): readonly string[] {
  const sets = indexSets(rules.flatMap((rule) => toClause(rule) ?? []));
  return rules.flatMap((rule) => {
    const problem = problemOf(file, rule, described, sets);
    return problem === undefined ? [] : [`${file}:${rule.location?.row ?? 1}: ${problem}`];
  });
}

/** What a rule may give: indexes of profiles, "*" for all of them, or either. */
export type RulingShape = 'profiles' | 'all' | 'profiles or all';

/** By the rule's id. Call after `checkHeads` found nothing. */
export function shapesOf(module: unknown): Readonly<Record<string, RulingShape>> {
  const shapes: Record<string, RulingShape> = {};
  for (const rule of (module as { readonly rules?: readonly RuleNode[] }).rules ?? []) {
    if (nameOf(rule) !== 'rulings') continue;
    const id = String(rule.head.ref[1]?.value);
    const shape = rule.head.key?.type === 'string' ? 'all' : 'profiles';
    shapes[id] = (shapes[id] ?? shape) === shape ? shape : 'profiles or all';
  }
  return shapes;
}

type Sets = ReturnType<typeof indexSets>;

function problemOf(file: string, rule: RuleNode, described: ReadonlySet<string>, sets: Sets): string | undefined {
  const name = nameOf(rule);
  if (name.startsWith('_') || SHARED[file]?.includes(name) === true) return undefined;
  if (name !== 'rulings')
    return `nobody reads ${name}: a rule says what it hits by rulings["id"], and helpers are private: _${name}`;
  const [, id, ...more] = rule.head.ref;
  if (id?.type !== 'string') return `write the rule's id in its head: ${WRITE}`;
  if (
    more.length > 0 ||
    rule.head.key === undefined ||
    rule.head.value !== undefined ||
    rule.head.args !== undefined ||
    rule.default === true ||
    rule.else !== undefined
  ) {
    return `rulings["${String(id.value)}"] is no set of profiles, and would never count: ${WRITE}`;
  }
  if (!described.has(String(id.value))) return `the rule ${String(id.value)} has no METADATA`;
  return keyProblem(rule.head.key, toClause(rule), sets);
}

/** What a rule gives must be a profile of the question whatever the question: anything else fails its evaluation. */
function keyProblem(key: Term, clause: Clause | undefined, sets: Sets): string | undefined {
  const written = String(key.value);
  if (key.type === 'string' && written === '*') return undefined;
  if (key.type === 'string') return `a rule gives indexes of profiles, or "*", not "${written}": ${WRITE}`;
  if (key.type !== 'var') return `a rule gives indexes of profiles, or "*": ${WRITE}`;
  if (clause !== undefined && sets.provesIndex(clause)) return undefined;
  return (
    `${written} may be something other than the index of a profile: bind it by "some ${written}, profile in ` +
    `input.profiles", by input.profiles[${written}], or by a helper "_helper contains index" that does`
  );
}

export const nameOf = ({ head }: RuleNode): string => String(head.ref[0]?.value);

function toClause({ head, body = [] }: RuleNode): Clause | undefined {
  const [name, ...path] = head.ref;
  const key = head.key;
  if (name === undefined || key?.type !== 'var')
    return key === undefined ? undefined : { set: pathOf(head.ref), key: undefined, body };
  return { set: pathOf([name, ...path]), key: String(key.value), body };
}

const pathOf = (ref: readonly Term[]) => ref.map(({ value }) => String(value)).join('.');
