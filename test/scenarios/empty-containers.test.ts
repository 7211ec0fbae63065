import { createMemo } from '../../src/memo.ts';
import { bytesOf, recall, type Remembered } from '../../src/judge.ts';
import { complete } from '../../src/core/prepare/complete.ts';
import { parseQuestion } from '../../src/core/parse/parse.ts';
import { askAgain, unresolved } from '../../src/replay/ask-again.ts';
import { toAsked, type LogLine, type RecordedShape } from '../../src/replay/recorded.ts';
import { applyFix } from '../../src/sdk/client.ts';
import { codes, effects, NOON, openWorld, removeWorlds, type World } from '../support/world.ts';

const FLAG = 'system.operations.feature_flag';
const EMAIL = 'user.contact.email';
const ORG = 'system.tenant.org_id';
const asked = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'containers.sent' };
let world: World;

beforeAll(async () => {
  world = await openWorld({
    'events/containers.yaml': {
      event: 'containers.sent', kind: 'raw_event', defaultPurpose: 'analytics.reporting',
      fields: {
        flag: FLAG, 'utm.source': FLAG, 'utm.medium': { category: FLAG, type: 'string', enum: ['cpc'] }, 'filters[]': FLAG, 'invites[].email': EMAIL, 'invites[].role': FLAG,
        'own.a': EMAIL, own: { category: FLAG, type: 'string' }, 'open.a': EMAIL, open: null, 'late.a': null, 'late.b': FLAG, 'worst.a': 'user.location.precise', 'worst.b': null, 'matrix[][]': FLAG,
        'config.*.value': FLAG, 'config.mail.address': EMAIL, 'keys.*': FLAG, strict: { category: FLAG, nullable: false }, text: { category: FLAG, type: 'string', enum: ['x'] },
        'tie.b': 'user.contact.organization', 'tie.a': ORG,
      },
    },
    'fields.yaml': { fields: { 'dict.a': FLAG, 'dict.b[].c': EMAIL } },
  });
});
afterAll(removeWorlds);

const ask = (payload: object) => world.ask({ ...asked, payload });
const categories = (payload: object) => Object.fromEntries(Object.entries(ask(payload).fields).map(([path, { category }]) => [path, category]));

describe('F9, J22: an empty object or list with fields declared below it is known', () => {
  test.each<[string, object, Record<string, string | undefined>]>([
    ['as its member', { utm: {} }, { utm: FLAG }],
    ['a list', { filters: [] }, { filters: FLAG }],
    ['as its most sensitive member', { invites: [] }, { invites: EMAIL }],
    ['an element of a list', { invites: [{}] }, { 'invites[]': EMAIL }],
    ['whatever kind of container stands there', { utm: [], filters: {} }, { utm: FLAG, filters: FLAG }],
    ['a list in a list', { matrix: [[]] }, { 'matrix[]': FLAG }],
    ['by its own category, if it has one', { own: {} }, { own: FLAG }],
    ['not if that is still to come', { open: {} }, { open: EMAIL }],
    ['below a dynamic key', { config: { x: {} } }, { 'config.x': FLAG }],
    ['below a literal key and a dynamic one: by the worse', { config: { mail: {} } }, { 'config.mail': EMAIL }],
    ['around dynamic keys', { config: {}, keys: {} }, { config: EMAIL, keys: FLAG }],
    ['of two that are equally sensitive, by the path', { tie: {} }, { tie: ORG }],
    ['null in its place too', { utm: null, invites: [null] }, { utm: FLAG, 'invites[]': EMAIL }],
    ['a member that nobody has classified counts as the worst', { late: {}, worst: {} }, { late: undefined, worst: undefined }],
    ['none is declared below: unknown', { utm: { source: {} }, nothing: {} }, { 'utm.source': FLAG, nothing: undefined }],
  ])('%s', (_name, payload, want) => {
    expect(categories(payload)).toEqual(want);
  });

  test.each<[string, object, Record<string, string>]>([
    ['members\' types and enums don\'t concern it', { utm: {}, flag: 'x' }, { utm: 'allow', flag: 'allow' }],
    ['nor does its own type, since something is declared below', { own: {} }, { own: 'allow' }],
    ['its own type does concern a value', { own: 7 }, { own: 'deny' }],
    ['a value is no container', { utm: 'x' }, { utm: 'deny' }],
    ['nor is a value beside an empty one', { invites: [{}, 'x'] }, { 'invites[]': 'deny' }],
    ['a declared field with nothing below it keeps its type', { text: {} }, { text: 'deny' }],
  ])('%s', (_name, payload, want) => {
    expect(effects(ask(payload))).toEqual(want);
  });

  test('for payloads alone: in `fields` its path is unknown, and the memo knows one from the other', () => {
    expect(codes(world.ask({ ...asked, fields: ['utm'] }))).toEqual(['unknown_field']);
    const memo = createMemo<Remembered>({ maxBytes: 2 ** 20, bytesOf });
    const caller = world.snapshot.world.catalogue.facts.callers.get('demo-gateway')!;
    const decided = (more: object) => recall(
      complete(parseQuestion({ ...asked, ...more }), world.snapshot.world.catalogue, caller), world.snapshot, { nowMs: NOON, latestMs: NOON }, { memo, hash: (name) => name, program: 'test', onFailure: (error) => { throw error; } },
    ).remembered.outcome.decision;
    expect([decided({ payload: { utm: {} } }), decided({ fields: ['utm'] }), decided({ payload: { utm: {} } })]).toEqual(['allow', 'deny', 'allow']);
  });

  test('without an event the dictionary says what stands below', () => {
    expect(effects(world.ask({ ...asked, event: undefined, purpose: 'analytics.reporting', payload: { dict: { b: [{}] } } }))).toEqual({ 'dict.b[]': 'deny' });
    expect(effects(world.ask({ ...asked, event: undefined, purpose: 'analytics.reporting', payload: { dict: { a: 'x', b: [] } } }))).toEqual({ 'dict.a': 'allow', 'dict.b': 'deny' });
  });

  test('it is recorded by name, but for a dynamic key, and asked again as what it is', () => {
    const record = toAsked({ kind: 'decision', ...world.record({ ...asked, payload: { utm: {}, config: { secret: {} }, nothing: {}, flag: 1 } }) } as LogLine);
    const [plain, empty] = [record.fields.filter((group) => group.empty !== true), record.fields.filter((group) => group.empty === true)];
    expect([empty.flatMap(({ paths }) => paths), plain.flatMap(({ paths }) => paths)]).toEqual([['utm', 'config.?6'], ['?7', 'flag']]);
    const again = askAgain(record, { views: [] } as unknown as RecordedShape, { catalogue: world.snapshot.world.catalogue, resolve: unresolved, without: new Set() });
    expect(again.asked.fields.map(({ path, profile }) => [path, profile.input.category])).toEqual(record.fields.flatMap(({ paths, category = 'unknown' }) => paths.map((path) => [path, category])));
    // Asked for by name it stays unknown.
    const named = toAsked({ kind: 'decision', ...world.record({ ...asked, fields: ['utm'] }) } as LogLine);
    expect(askAgain({ ...named, fields: named.fields.map((group) => ({ ...group, paths: ['utm'] })) }, { views: [] } as unknown as RecordedShape, { catalogue: world.snapshot.world.catalogue, resolve: unresolved, without: new Set() }).asked.fields[0]!.profile.input.known).toBe(false);
  });
});

describe('F9, J22: null at a declared path is that field', () => {
  test.each<[string, object, Record<string, string>]>([
    ['whatever its type', { text: null, flag: null }, { text: 'allow', flag: 'allow' }],
    ['unless the event says that it is never null', { strict: null }, { strict: 'deny' }],
    ['at a dynamic key', { keys: { x: null } }, { 'keys.x': 'allow' }],
    ['at a path that nothing knows it is unknown', { nothing: null }, { nothing: 'deny' }],
  ])('%s', (_name, payload, want) => {
    expect(effects(ask(payload))).toEqual(want);
  });

  test('what says so and lists null is a mistake of the file', async () => {
    const event = (field: object) => openWorld({ 'events/bad.yaml': { event: 'bad', kind: 'raw_event', fields: { a: { category: FLAG, nullable: false, ...field } } } });
    await expect(event({ type: ['string', 'null'] })).rejects.toThrow(/bad\.yaml:\d+:\d+: .*nullable: false/);
    await expect(event({ enum: ['x', null] })).rejects.toThrow(/nullable: false/);
    await expect(event({ type: 'string' })).resolves.toBeDefined();
  });
});

describe('F9: to drop a member drops what it empties', () => {
  test('the only member of an object, once dropped, leads into no second denial', () => {
    const payload = { flag: 'x', invites: [{ email: 'a@example.org' }], own: { a: 'a@example.org' } };
    const decision = ask(payload);
    expect(decision).toMatchObject({ decision: 'deny', fix: { drop: ['invites[].email', 'own.a'], exact: true } });
    const rest = applyFix(payload, decision.fix!);
    expect([rest, ask(rest).decision]).toEqual([{ flag: 'x' }, 'allow']);
  });

  test('where nothing but the event\'s own name would be left there is no fix: nobody can ask for that', async () => {
    const named = await openWorld({ 'events/named.yaml': { event: 'named', kind: 'raw_event', defaultPurpose: 'analytics.reporting', fields: { $event: FLAG, mail: EMAIL, flag: FLAG } } });
    expect(named.ask({ ...asked, event: 'named', payload: { mail: 'x' } })).toMatchObject({ decision: 'deny', fields: { $event: { effect: 'allow' } }, fix: null });
    expect(named.ask({ ...asked, event: 'named', payload: { mail: 'x', flag: 1 } }).fix).toEqual({ drop: ['mail'], exact: true });
  });
});

test('F4: $event is no category', () => {
  expect(() => world.ask({ ...asked, event: 'use_tool__x', categories: ['$event', FLAG] })).toThrow('categories: $event is no category');
});
