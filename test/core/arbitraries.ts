import fc from 'fast-check';
import type { ObligationOp } from '../../src/core/facts.ts';
import type { Prepared, PreparedCombination, RegoInput, Shape } from '../../src/core/prepare/prepared.ts';
import type { ProfileInput } from '../../src/core/catalogue/profiles.ts';
import type { Rule, Rulings } from '../../src/core/decide/rulings.ts';

/** Questions of up to five fields over six profiles, with rulings as an engine could give them: nothing here is a real policy. */

export const PROFILES = 6;
const FIELDS = ['a', 'b', 'c', 'd', 'e'] as const;
const GRANTS = ['g1', 'g2', 'g3'] as const;
const RULES = ['r1', 'r2', 'r3', 'r4'] as const;

export interface Case {
  readonly prepared: Prepared;
  readonly rulings: Rulings;
}

const sensitivity = fc.constantFrom('public', 'internal', 'confidential', 'restricted');

export const profile = (index: number, level: ProfileInput['sensitivity'] = 'internal'): ProfileInput => ({
  category: `c.${index}`, ancestors: {}, sensitivity: level, identifiability: 'quasi', personal: false, known: true, measure: false, labels: {},
});

const op = fc.constantFrom<ObligationOp>('hmac', 'coarsen_geo', 'mask', 'truncate');
const obligation = op.map((name) => ({ op: name }));
const indexes = fc.uniqueArray(fc.nat(PROFILES - 1), { maxLength: PROFILES }).map((list) => list.sort());
const hit = fc.oneof({ weight: 8, arbitrary: indexes }, { weight: 1, arbitrary: fc.constant('*' as const) });

export const rule = (id: string) => fc.record({
  kind: fc.constantFrom('forbid', 'require', 'review'), judges: fc.constantFrom('both', 'result'), obligations: fc.array(obligation, { minLength: 1, maxLength: 2 }),
}).map(({ kind, judges, obligations }): Rule => ({
  id, title: id, code: 'forbidden_category', message: id, fix: id, location: 'x.rego:1', judges,
  effect: kind === 'forbid' ? 'forbid' : 'require', obligations: kind === 'require' ? obligations : [], ...(kind === 'review' && { review: 'officer' }),
}));

const terms = fc.oneof(
  fc.constant({ effect: 'permit' as const, obligations: [] }),
  fc.constant({ effect: 'review' as const, obligations: [], approverRole: 'officer' }),
  fc.array(obligation, { minLength: 1, maxLength: 2 }).map((obligations) => ({ effect: 'transform' as const, obligations })),
);

export const combination = (id: string): fc.Arbitrary<PreparedCombination> => fc.record({
  members: fc.array(fc.uniqueArray(fc.nat(PROFILES - 1), { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 4 }),
  min: fc.integer({ min: 2, max: 3 }),
  effect: fc.constantFrom('deny', 'review'),
}).map(({ members, min, effect }) => ({ id, members, min: Math.min(min, members.length), effect, message: id, fix: id }));

const input = (levels: readonly ProfileInput['sensitivity'][]): RegoInput => ({
  identity: { id: 'service:x', type: 'service', known: true, roles: [], attributes: {} },
  vendor: { id: 'v', known: true, party: 'third', categories: [], claims: {}, state: 'active', regions: [], inEu: true, reaches: { llm: false, inEu: true, vendors: [] } },
  environment: { id: 'production', known: true, tier: 'production' },
  purpose: { id: 'p', stated: true, known: true, allowed: true, ancestors: {} },
  channel: 'telemetry', event: { id: 'e', kind: 'raw_event', known: true, minCell: 10 }, dataSubject: { region: 'EU', elsewhere: false }, context: {},
  profiles: levels.map((level, index) => profile(index, level)), grants: [], matches: [], exclusives: [],
});

export const anyCase: fc.Arbitrary<Case> = fc.record({
  levels: fc.array(sensitivity, { minLength: PROFILES, maxLength: PROFILES }),
  fields: fc.uniqueArray(fc.record({ path: fc.constantFrom(...FIELDS), profile: fc.nat(PROFILES - 1) }), { minLength: 1, maxLength: FIELDS.length, selector: ({ path }) => path }),
  terms: fc.tuple(...GRANTS.map(() => terms)),
  permits: fc.tuple(...GRANTS.map(() => indexes)),
  rules: fc.tuple(...RULES.map(rule)),
  hits: fc.tuple(...RULES.map(() => fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: hit }))),
  combinations: fc.array(combination('x'), { maxLength: 3 }),
  results: fc.array(fc.record({ from: fc.nat(PROFILES - 1), op, to: fc.nat(PROFILES - 1) }), { maxLength: 5 }),
  supports: fc.constantFrom<readonly ObligationOp[]>(['drop', 'hmac', 'coarsen_geo', 'mask', 'truncate'], ['hmac', 'mask'], []),
}).map(({ levels, fields, combinations, results, supports, ...rest }): Case => ({
  prepared: {
    shape: {
      views: [{ input: input(levels), terms: Object.fromEntries(GRANTS.map((id, index) => [id, rest.terms[index]!])), path: ['v'], chains: {} }],
      results,
      combinations: combinations.map((one, index) => ({ ...one, id: `x${index}` })),
      mode: 'enforce', unknown: 'deny', unmatched: 'deny', supports,
    },
    fields: fields.map(({ path, profile: at }) => ({ path, profile: at, category: `c.${at}`, findings: [] })),
    findings: [],
    scope: {},
  },
  rulings: {
    permits: new Map(GRANTS.flatMap((id, index) => (rest.permits[index]!.length > 0 ? [[id, rest.permits[index]!] as const] : []))),
    rules: RULES.flatMap((_, index) => (rest.hits[index]!.length > 0 ? [{ rule: rest.rules[index]!, profiles: rest.hits[index]! }] : [])),
    failed: [],
  },
}));

export const withShape = ({ prepared, rulings }: Case, change: Partial<Shape>): Case => ({ rulings, prepared: { ...prepared, shape: { ...prepared.shape, ...change } } });

export const withRule = ({ prepared, rulings }: Case, extra: Rule, profiles: readonly number[] | '*'): Case => (
  { prepared, rulings: { ...rulings, rules: [...rulings.rules, { rule: { ...extra, id: 'z' }, profiles }] } }
);

export const only = ({ prepared, rulings }: Case, keep: (path: string) => boolean): Case => ({ rulings, prepared: { ...prepared, fields: prepared.fields.filter(({ path }) => keep(path)) } });
