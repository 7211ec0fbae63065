import fc from 'fast-check';
import { EFFECTS, REASON_CODES } from '../../src/core/answer.ts';
import { FACETS, type Facet, type LogLine } from '../../src/log/index/ask/facets.ts';
import type { Filter, Query } from '../../src/log/index/ask/query.ts';
import type { Entry } from '../../src/log/types.ts';

const VENDORS = ['mixpanel', 'segment', 'a"b', '?0123456789abcdef'];
const IDENTITIES = ['service:telemetry', 'user:sam', 'agent:"identity":x'];
const ENVIRONMENTS = ['production', 'staging'];
const PATHS = ['city', 'org_id', 'config.?12', 'traits.email', '=cmd', ',"expiresAt":"'];
const CATEGORIES = ['user.location', 'system.tenant.org_id'];
const RULES = ['telemetry-basic', 'tenant-ids-stay-home', 'default-deny'];
const CALLERS = ['demo-gateway', 'gate"way\\', 'ключ'];
const REQUESTS = ['r-1', 'r-2', 'r-3', '01JDAAAAAAAAAAAAAAAAAAAAAA'];

const some = <T>(values: readonly T[]) => fc.constantFrom(...values);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const anyGroup = fc.record({ paths: fc.uniqueArray(some(PATHS), { minLength: 1, maxLength: 3 }), profile: fc.nat(3), effect: some(EFFECTS), category: maybe(some(CATEGORIES)), rules: fc.uniqueArray(some(RULES)) });
const anyReason = fc.record({ code: some(REASON_CODES.slice(0, 4)), rule: some(RULES), fields: fc.array(some(PATHS), { maxLength: 2 }) });

const anyAnswer = fc.record({
  kind: some(['decision', 'permitted'] as const), requestId: maybe(some(REQUESTS)), caller: some(CALLERS), rows: maybe(fc.nat(1000)),
  identity: some(IDENTITIES), inner: maybe(fc.constant({ a: 1, identity: 'x', expiresAt: null })), onBehalfOf: maybe(some(IDENTITIES)), vendor: some(VENDORS), environment: some(ENVIRONMENTS), purpose: maybe(fc.constant('analytics.reporting')),
  event: maybe(fc.constant('viewed')), decision: some(EFFECTS), fields: fc.array(anyGroup, { maxLength: 3 }), reasons: fc.array(anyReason, { maxLength: 2 }),
  number: fc.nat(2), long: fc.boolean(),
});

/** An answer as the record writer puts it; some too long for their line. */
const answerEntry = (index: number, { kind, requestId, caller, rows, number, long, ...rest }: typeof anyAnswer extends fc.Arbitrary<infer T> ? T : never): Entry => ({
  kind,
  members: [
    `"decisionId":"01JD${String(index).padStart(22, '0')}"`,
    ...(requestId === undefined ? [] : [`"requestId":"${requestId}"`]),
    `"caller":${JSON.stringify(caller)}`,
    ...(rows === undefined ? [] : [`"rows":${rows}`]),
    JSON.stringify({ ...rest, ...(long && index % 7 === 0 && { pad: 'x'.repeat(70_000) }), revision: { number, digest: `sha256:${String(number).repeat(64)}` } }).slice(1, -1),
    `"expiresAt":null,"ageMs":${index},"memo":false,"micros":${index}`,
  ].join(','),
});

const anyOther: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ code: some(['not_your_identity', 'forbidden']), caller: some(CALLERS), requestId: maybe(some(REQUESTS)), identity: maybe(some(IDENTITIES)), vendor: maybe(some(VENDORS)) })
    .map((members) => ({ kind: 'refused' as const, members: JSON.stringify(members).slice(1, -1) })),
  fc.record({ vendor: some(VENDORS), state: fc.constant('breached'), caller: some(CALLERS) }).map((members) => ({ kind: 'vendor_state' as const, members: JSON.stringify(members).slice(1, -1) })),
  fc.constant<Entry>({ kind: 'input', members: '"digest":"sha256:0","shape":{"views":[{"input":{"identity":{"id":"user:sam"}}}]}' }),
  fc.constant<Entry>({ kind: 'start', members: '' }),
);

/** Records of all sorts, to be appended in turn. */
export const anyEntries = (options: fc.ArrayConstraints): fc.Arbitrary<readonly Entry[]> => (
  fc.array(fc.oneof({ weight: 4, arbitrary: anyAnswer }, { weight: 1, arbitrary: anyOther }), options)
    .map((drawn) => drawn.map((one, index) => ('members' in one ? one : answerEntry(index, one))))
);

const VALUES: Readonly<Record<Facet, readonly string[]>> = {
  kind: ['decision', 'permitted', 'refused', 'input', 'vendor_state', 'gap'], caller: CALLERS, identity: IDENTITIES, onBehalfOf: IDENTITIES, vendor: [...VENDORS, 'nobody'],
  environment: ENVIRONMENTS, purpose: ['analytics.reporting'], event: ['viewed', 'other'], decision: EFFECTS, revision: ['0', '1', `sha256:${'2'.repeat(64)}`],
  category: CATEGORIES, field: PATHS, reason: [...REASON_CODES.slice(0, 4), 'forbidden'], rule: RULES,
};

const anyFilter: fc.Arbitrary<Filter> = fc.array(some(FACETS).chain((facet) => fc.record({ facet: fc.constant(facet), values: fc.uniqueArray(some(VALUES[facet]), { minLength: 1, maxLength: 2 }) })), { maxLength: 3 })
  .map((chosen) => Object.fromEntries(chosen.map(({ facet, values }) => [facet, values])));

/** @param size of the log; its times are `atMs` + the index. */
export const anyQuery = (size: number, atMs: number): fc.Arbitrary<Query> => fc.record({
  filter: anyFilter, order: some(['newest', 'oldest'] as const), limit: fc.integer({ min: 1, max: 20 }),
}).chain((always) => fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 2, arbitrary: anyBounds(size, atMs) }, { weight: 1, arbitrary: anyId(size) })
  .map((optional) => ({ ...always, ...optional })));

const anyBounds = (size: number, atMs: number) => fc.record({
  fromMs: fc.integer({ min: atMs - 5, max: atMs + size + 5 }), toMs: fc.integer({ min: atMs - 5, max: atMs + size + 5 }), after: fc.nat(size), below: fc.nat(size),
}, { requiredKeys: [] });

const anyId = (size: number) => fc.record({ requestId: some(REQUESTS), decisionId: fc.nat(size).map((index) => `01JD${String(index).padStart(22, '0')}`) }, { requiredKeys: [] });

/** The indexes that the query asks for, found by looking at every record. Says again, apart from the code, what a filter means. */
export function bruteForce(records: readonly LogLine[], { filter, order, limit, after, below = Infinity, ...q }: Query): readonly number[] {
  const list = (record: LogLine, name: string) => (record[name] ?? []) as readonly Record<string, never>[];
  const valuesOf = (record: LogLine, facet: Facet): readonly unknown[] => {
    if (facet === 'field') return list(record, 'fields').flatMap(({ paths }) => paths);
    if (facet === 'category') return list(record, 'fields').map(({ category }) => category);
    if (facet === 'rule') return [...list(record, 'fields').flatMap(({ rules }) => rules), ...list(record, 'reasons').map(({ rule }) => rule)];
    if (facet === 'reason') return [...list(record, 'reasons').map(({ code }) => code), ...(record['kind'] === 'refused' ? [record['code']] : [])];
    const revision = record['revision'] as { number: number; digest: string } | undefined;
    return facet === 'revision' ? (revision === undefined ? [] : [`${revision.number}`, revision.digest]) : [record[facet]];
  };
  const found = records.filter((record) => {
    const [atMs, index] = [Date.parse(record['time'] as string), record['index'] as number];
    return index < below && (q.fromMs === undefined || atMs >= q.fromMs) && (q.toMs === undefined || atMs < q.toMs)
      && (after === undefined || (order === 'newest' ? index < after : index > after))
      && (q.requestId === undefined || record['requestId'] === q.requestId) && (q.decisionId === undefined || record['decisionId'] === q.decisionId)
      && Object.entries(filter).every(([facet, values]) => valuesOf(record, facet as Facet).some((value) => values.includes(value as string)));
  }).map((record) => record['index'] as number);
  return (order === 'newest' ? found.reverse() : found).slice(0, limit);
}
