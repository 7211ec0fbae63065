import { isReasonCode, type ReasonCode } from '../reason-codes.ts';
import type { Obligation } from '../facts.ts';

/** What a rule says of itself, from its METADATA. */
export interface Rule {
  readonly id: string;
  readonly title: string;
  readonly effect: 'forbid' | 'require';
  readonly code: ReasonCode;
  readonly message: string;
  readonly fix: string;
  /** `result`: only what leaves counts; `both`: the raw category and what leaves (J5). */
  readonly judges: 'both' | 'result';
  /** With `require`: duties on the field. */
  readonly obligations: readonly Obligation[];
  /** With `require`: the role that may approve. */
  readonly review?: string;
  /** `file:row` */
  readonly location: string;
}

/** The rulings of one evaluation, checked: what each rule and each grant says of the profiles (J21). */
export interface Rulings {
  /** Rule id and the indexes of the profiles it hits; `*` for all. Sorted by id. */
  readonly rules: readonly { readonly rule: Rule; readonly profiles: readonly number[] | '*' }[];
  /** Grant id → indexes of the profiles that it permits. Sorted by id. */
  readonly permits: ReadonlyMap<string, readonly number[]>;
  /** Grants with a condition that was not met, and its code. */
  readonly failed: readonly { readonly grant: string; readonly code: ReasonCode }[];
}

/** Why an evaluation gave no rulings: every field is denied `evaluation_failed`. Names no value. */
export class EvaluationFailed extends Error {
  override readonly name = 'EvaluationFailed';
}

/** What was handed to Rego, as far as its answer must agree with it. */
export interface Bounds {
  readonly profiles: number;
  readonly grants: ReadonlySet<string>;
}

/**
 * Checks the raw result of `egress/decision`.
 * @throws {EvaluationFailed} for an unknown rule, grant, profile or code, or any other shape.
 */
export function parseRulings(result: unknown, rules: ReadonlyMap<string, Rule>, bounds: Bounds): Rulings {
  const { rulings, permits, failed } = object(result, 'the decision');
  return {
    rules: Object.entries(object(rulings, 'rulings')).flatMap(([id, indexes]) => parseHits(id, indexes, rules, bounds)).sort(byRule),
    permits: new Map(Object.entries(object(permits, 'permits'))
      .map(([grant, indexes]) => [knownGrant(grant, bounds), profileIndexes(indexes, bounds, `grant ${grant}`)] as const)
      .filter(([, indexes]) => indexes.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))),
    failed: list(failed, 'failed').map((entry) => parseFailed(object(entry, 'failed'), bounds)),
  };
}

function parseHits(id: string, indexes: unknown, rules: ReadonlyMap<string, Rule>, bounds: Bounds): Rulings['rules'] {
  const rule = rules.get(id);
  if (rule === undefined) throw new EvaluationFailed(`a ruling names the rule ${id}, which has no METADATA`);
  const hits = list(indexes, `rule ${id}`);
  const profiles = profileIndexes(hits.filter((hit) => hit !== '*'), bounds, `rule ${id}`);
  if (profiles.length < hits.length) return [{ rule, profiles: '*' }];
  return profiles.length > 0 ? [{ rule, profiles }] : [];
}

function parseFailed(entry: Record<string, unknown>, bounds: Bounds) {
  const code = entry['code'];
  if (!isReasonCode(code)) throw new EvaluationFailed('a failed condition gives an unknown code');
  return { grant: knownGrant(entry['grant'], bounds), code };
}

function knownGrant(id: unknown, bounds: Bounds): string {
  if (typeof id === 'string' && bounds.grants.has(id)) return id;
  throw new EvaluationFailed('a ruling names a grant that was not asked about');
}

// OPA's WASM gives sets in hash order: sorted here, so that nothing downstream depends on it.
function profileIndexes(value: unknown, bounds: Bounds, what: string): readonly number[] {
  const indexes = list(value, what);
  for (const index of indexes) {
    if (!Number.isInteger(index) || (index as number) < 0 || (index as number) >= bounds.profiles) {
      throw new EvaluationFailed(`${what}: it must contain indexes of profiles, or "*"`);
    }
  }
  return (indexes as number[]).sort((a, b) => a - b);
}

const byRule = (a: { rule: Rule }, b: { rule: Rule }) => (a.rule.id < b.rule.id ? -1 : 1);

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new EvaluationFailed(`${what} is undefined or no object`);
}

function list(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new EvaluationFailed(`${what} is undefined or no list`);
}
