import fc from 'fast-check';
import { EFFECTS, type Decision } from '../../src/core/answer.ts';
import { SluiceError } from '../../src/core/errors.ts';
import type { Json } from '../../src/core/facts.ts';
import { splitPath, unescapeKey } from '../../src/core/parse/paths.ts';
import { remember } from '../../src/judge.ts';
import { differences } from '../../src/replay/compare.ts';
import { redecide } from '../../src/replay/redecide.ts';
import { toAsked, type LogLine, type RecordedShape } from '../../src/replay/recorded.ts';
import { applyFix } from '../../src/sdk/client.ts';
import { createRandom, SEED } from '../support/random.ts';
import { openWorld, removeWorlds, type Extra, type World } from '../support/world.ts';

// Events of random shape in the example world, of categories that leave, change, are held or stay.
const random = createRandom(SEED);
const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
const KEYS = ['a', 'b', 'c', '*', '$event\\x', 'constructor'];
const CATEGORIES = [
  'system.operations.feature_flag', 'user.unique_id.pseudonymous', 'user.location.imprecise.region', 'user.location.imprecise.city', 'system.operations.plan', 'user.device.os',
  'user.contact.email', 'system.tenant.org_id', 'system.ai.tool_id', null,
];
const EVENTS = Array.from({ length: 24 }, (_, at) => (at % 4 === 0 ? `use_tool__${at}` : `random.${at}`));
const MODES = [{}, {}, {}, { unknown: 'strip' }, { unmatched: 'review' }, { mode: 'shadow' }, { mode: 'shadow', unknown: 'observe' }];

function randomPath(): string {
  const depth = 1 + Math.floor(random() * 3);
  return Array.from({ length: depth }, () => `${pick(KEYS)}${pick(['', '', '', '[]', '[][]'])}`).join('.');
}

const randomField = () => {
  const category = pick(CATEGORIES);
  return random() < 0.6 ? category : { category, ...pick([{}, { type: 'string' }, { type: ['object', 'integer'] }, { enum: ['x', 1] }, { type: 'number', nullable: false }, { nullable: false }]) };
};

const EXTRA: Extra = {
  ...Object.fromEntries(EVENTS.map((event, at) => [`events/random-${at}.yaml`, {
    event, kind: at % 8 === 7 ? 'aggregate' : 'raw_event', purposes: ['analytics'], defaultPurpose: 'analytics.reporting', ...(at % 8 === 3 && { about: { type: 'account', field: 'id' } }),
    fields: Object.fromEntries([...Array.from({ length: 2 + Math.floor(random() * 9) }, () => [randomPath(), randomField()] as const), ...(at % 8 === 3 ? [['id', 'system.operations.feature_flag'] as const] : []), ...(at % 5 === 0 ? [['$event', pick(CATEGORIES.slice(0, 6))] as const] : [])]),
  }])),
  'modes.yaml': { modes: { vendors: {}, events: Object.fromEntries(EVENTS.map((event, at) => [event, MODES[at % MODES.length]!])) } },
  'combinations/random.yaml': { combinations: {
    'flag-and-plan': { members: ['system.operations.feature_flag', 'system.operations.plan'], message: 'm', fix: 'f' },
    'three-of-four': { members: ['user.unique_id.pseudonymous', 'user.location.imprecise.region', 'user.device.os', 'system.operations.feature_flag'], min: 3, effect: 'review', message: 'm', fix: 'f' },
  } },
  'grants/random.yaml': { grants: {
    'random-more': { role: 'dashboard_telemetry', vendors: ['mixpanel', 'internal-obs', 'segment'], purposes: ['analytics'], categories: ['system.operations.plan', 'user.device.os', 'system.ai.tool_id'] },
    'random-held': { role: 'product_events', vendors: ['mixpanel', 'segment'], purposes: ['analytics'], categories: ['system.operations.*'], effect: 'review' },
  } },
};

let world: World;
beforeAll(async () => {
  process.stderr.write(`random shapes of seed ${SEED}\n`);
  world = await openWorld(EXTRA);
});
afterAll(removeWorlds);

const key = fc.constantFrom('a', 'b', 'c', 'id', '$event', '$event\\x', 'constructor', '__proto__', 'x.y', '*');
const leaf = fc.constantFrom<Json>('x', 1, null, 0.5, true, 'some more words', '', `sk-${'proj'}-aB3dE5fG7hJ9kL1mN2pQ4rS6`);
const { payload } = fc.letrec<{ value: Json; payload: Record<string, Json> }>((tie) => ({
  value: fc.oneof({ depthSize: 'medium', maxDepth: 5 }, leaf, fc.constantFrom<Json>({}, []), tie('payload'), fc.array(tie('value'), { maxLength: 3 })),
  payload: fc.uniqueArray(fc.tuple(key, tie('value')), { selector: ([name]) => name, maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
}));
/** A payload with what the event declares: some of its fields, some of their containers, empty; and something else beside it. */
const fitting = fc.record({ event: fc.constantFrom(...EVENTS), other: payload, steps: fc.infiniteStream(fc.nat(5)), leaves: fc.infiniteStream(leaf) })
  .map(({ event, other, steps, leaves }) => {
    const sent: Record<string, Json> = steps.next().value === 0 ? structuredClone(other) : {};
    const next = () => steps.next().value as number;
    for (const declared of pathsOf(event)) if (next() > 1) put(sent, splitPath(declared), { next, leaf: () => leaves.next().value as Json });
    return { event, sent };
  });

const pathsOf = (event: string) => Object.keys((EXTRA[`events/random-${EVENTS.indexOf(event)}.yaml`] as { fields: object }).fields).filter((declared) => declared !== '$event');

interface Choices { readonly next: () => number; readonly leaf: () => Json }

/** Grows `into` by what stands at the path: a list gets one element or two. What stands there already stays. */
function put(into: Record<string, Json>, [segment = '', ...rest]: readonly string[], choices: Choices): void {
  const lists = /(\[\])*$/.exec(segment)![0].length / 2;
  const name = segment.slice(0, segment.length - 2 * lists);
  const own = name === '*' ? 'k' : unescapeKey(name);
  const before = Object.hasOwn(into, own) ? into[own] : undefined;
  if (before !== undefined && (lists > 0 || rest.length === 0 || typeof before !== 'object' || before === null || Array.isArray(before))) return;
  const make = (left: number): Json => {
    if (choices.next() === 0) return choices.next() > 2 ? {} : choices.next() > 2 ? [] : null;
    if (left > 0) return Array.from({ length: 1 + (choices.next() % 2) }, () => make(left - 1));
    if (rest.length === 0) return choices.leaf();
    const inner = (lists === 0 ? before : undefined) ?? {};
    put(inner as Record<string, Json>, rest, choices);
    return inner;
  };
  into[own] = make(lists);
}

const path = fc.oneof(fc.constantFrom('$event', 'a', 'b', 'c', 'a.b', 'a[]', 'b.c', '*', 'constructor'), fc.string({ maxLength: 4, minLength: 1 }));
const forms = fc.oneof(
  fc.record({ payload }),
  fc.record({ fields: fc.uniqueArray(path, { minLength: 1, maxLength: 6 }) }),
  fc.record({ categories: fc.uniqueArray(fc.constantFrom(...CATEGORIES.filter((one) => one !== null), '$event', 'no.such'), { minLength: 1, maxLength: 6 }) }),
);
const flow = fc.record({
  identity: fc.constantFrom('service:telemetry', 'service:telemetry', 'service:checkout', 'agent:copilot', 'user:nobody'),
  vendor: fc.constantFrom('mixpanel', 'mixpanel', 'mixpanel', 'segment', 'internal-obs', 'nobody'),
  environment: fc.constantFrom('production', 'production', 'nowhere'),
  event: fc.constantFrom(...EVENTS, 'use_tool__unregistered', 'no.such'),
  supports: fc.constantFrom(['drop', 'coarsen_geo', 'hmac', 'scope_destinations'], []),
}, { requiredKeys: ['identity', 'vendor', 'environment'] });
const extras = fc.record({ purpose: fc.constant('analytics.reporting'), onBehalfOf: fc.constant('user:sam'), about: fc.constantFrom('account:x', 'account:1'), aggregate: fc.constantFrom({ minCell: 20 }, { groupBy: ['a'], minCell: 20 }, {}) }, { requiredKeys: [] });
const anyQuestion = fc.tuple(flow, extras, forms).map(([first, second, form]) => ({ ...first, ...second, ...form }));

/** Little of what is known, asked by somebody who may send some of it: else nearly all is denied. */
const fit = { vendor: fc.constantFrom('mixpanel', 'mixpanel', 'segment'), identity: fc.constantFrom('service:telemetry', 'service:telemetry', 'service:checkout') };
const fitQuestion = fc.tuple(fc.record(fit), fc.oneof(
  fitting.filter(({ sent }) => Object.keys(sent).length > 0).map(({ event, sent }) => ({ event, payload: sent })),
  fc.tuple(fc.constantFrom(...EVENTS), fc.infiniteStream(fc.nat(100))).map(([event, choices]) => {
    const paths = pathsOf(event);
    return { event, fields: [...new Set([paths[choices.next().value % paths.length]!, paths[choices.next().value % paths.length]!])] };
  }),
  fc.record({ purpose: fc.constant('analytics.reporting'), categories: fc.uniqueArray(fc.constantFrom(...CATEGORIES.slice(0, 6) as string[]), { minLength: 1, maxLength: 2 }) }),
)).map(([who, asked]) => ({ ...who, environment: 'production', supports: ['drop', 'coarsen_geo', 'scope_destinations'], ...asked }));
const question: fc.Arbitrary<object> = fc.oneof(anyQuestion, fitQuestion);
/** Transforms are rare among the random ones: some seeds have none. */
const SENT_COARSENED = {
  identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed',
  fields: ['city'], supports: ['coarsen_geo'],
};

/** The decision, or the code of the error. */
function ask(asked: object): Decision | string {
  try {
    return world.ask(asked);
  } catch (error) {
    if (error instanceof SluiceError) return error.code;
    throw error;
  }
}

const worst = (decision: Decision) => EFFECTS[Math.max(...Object.values(decision.fields).map(({ effect }) => EFFECTS.indexOf(effect)))];

test('F4: whatever the answer, the decision is the worst of fields and combinations, each path stands once, and the record replays', () => {
  const seen = new Map<string, number>();
  fc.assert(fc.property(question, (asked) => {
    const decision = ask(asked);
    if (typeof decision === 'string') {
      expect(decision).toBe('request_invalid');
      return;
    }
    seen.set(decision.decision, (seen.get(decision.decision) ?? 0) + 1);
    // What is taken out of the destinations is done to the whole, so no field shows it (J16).
    const scoped = decision.obligations.some(({ field }) => field === '*');
    // In shadow obligations of the real answer stay (J13): they make it transform, and no field shows that either.
    const shown = worst(decision) === 'allow' && (scoped || (decision.mode === 'shadow' && decision.obligations.length > 0)) ? 'transform' : worst(decision);
    expect(decision.decision).toBe(shown);

    const judged = world.judge(asked);
    const { record } = remember(judged, world.snapshot, { hash: (name) => name, program: 'test' });
    const line = toAsked(JSON.parse(`{"kind":"decision",${record.members}}`) as LogLine);
    const paths = line.fields.flatMap((group) => group.paths);
    expect(paths.toSorted()).toEqual(Object.keys(decision.fields).toSorted());
    const shape = (JSON.parse(`{${record.input.members}}`) as { shape: RecordedShape }).shape;
    expect(differences(line, redecide(line, shape, world.snapshot.engine).decision)).toEqual([]);
  }), { numRuns: 1200, examples: [[SENT_COARSENED]] });
  expect([...seen.keys()].toSorted()).toEqual([...EFFECTS].toSorted());
});

test('F9: the payload after fix.drop is allow or transform, whatever its containers', () => {
  let fixes = 0;
  fc.assert(fc.property(fitting, extras, ({ event, sent }, more) => {
    if (Object.keys(sent).length === 0) return;
    const asked = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event, ...more, onBehalfOf: undefined };
    const decision = ask({ ...asked, payload: sent });
    if (typeof decision === 'string' || decision.fix === null) return;
    fixes += 1;
    const again = ask({ ...asked, payload: applyFix(sent, decision.fix) });
    expect(typeof again === 'string' ? again : again.decision).toMatch(/^(allow|transform)$/);
  }), { numRuns: 4000 });
  expect(fixes).toBeGreaterThan(500);
});
