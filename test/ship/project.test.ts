import fc from 'fast-check';
import { createMask, project, type Leave } from '../../src/ship/project.ts';

const hash = (text: string) => `?${text.length}`;
const take = (record: Readonly<Record<string, unknown>>, leaves: Readonly<Record<string, Leave>>) => project(record, createMask(Object.entries(leaves)), hash);

test('what nobody has declared stays, and so does what may not leave', () => {
  expect(take({ a: 1, b: 2, c: 3 }, { a: 'whole', b: 'stays' })).toEqual({ record: { a: 1 }, withheld: ['b', 'c'], masked: [] });
});

test('a path stands for all below it; a declared one below an undeclared one leaves alone', () => {
  const record = { reasons: [{ code: 'x', fields: ['a'] }], shape: { views: [{ input: { vendor: { id: 'v' }, context: { plan: 'pro' } } }] } };
  expect(take(record, { reasons: 'whole', 'shape.views[].input.vendor': 'whole' })).toEqual({
    record: { reasons: record.reasons, shape: { views: [{ input: { vendor: { id: 'v' } } }] } }, withheld: ['shape.views.input.context'], masked: [],
  });
});

test('an identity is judged by whom it names, also in a list', () => {
  const leaves = { 'identity.user': 'stays', 'identity.program': 'whole', 'identity.unknown': 'whole' } as const;
  expect(take({ identity: 'user:sam' }, leaves)).toEqual({ record: {}, withheld: ['identity'], masked: [] });
  expect(take({ identity: 'service:telemetry' }, leaves).record).toEqual({ identity: 'service:telemetry' });
  expect(take({ identity: '?0011223344556677' }, leaves).record).toEqual({ identity: '?0011223344556677' });
  expect(take({ identity: ['user:sam', 'agent:copilot'] }, leaves)).toEqual({ record: { identity: ['agent:copilot'] }, withheld: ['identity'], masked: [] });
  expect(take({ identity: { id: 'user:sam' } }, leaves).record).toEqual({ identity: {} });
});

test('a keyed hash stands for a text, for each text of a list, and for nothing else', () => {
  expect(take({ about: 'account:A1' }, { about: 'hashed' })).toEqual({ record: { about: '?10' }, withheld: [], masked: ['about'] });
  expect(take({ about: ['ab', 7] }, { about: 'hashed' })).toEqual({ record: { about: ['?2'] }, withheld: ['about'], masked: ['about'] });
  expect(take({ about: { id: 'account:A1' } }, { about: 'hashed' })).toEqual({ record: {}, withheld: ['about'], masked: [] });
});

test('law: a value leaves only by a declared path that lets it, whatever the record looks like', () => {
  const names = fc.constantFrom('identity', 'about', 'shape', 'user', '__proto__', 'fields');
  const record = fc.dictionary(names, fc.letrec((tie) => ({
    value: fc.oneof(fc.constant('secret'), fc.integer(), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(names, tie('value'), { maxKeys: 3 })),
  })).value as fc.Arbitrary<unknown>);
  fc.assert(fc.property(record, fc.uniqueArray(fc.array(names, { minLength: 1, maxLength: 3 }).map((path) => path.join('.'))), (given, paths) => {
    const kept = take(given, Object.fromEntries(paths.map((path) => [path, 'stays'])));
    expect(JSON.stringify(kept.record)).not.toMatch(/secret|\d/);
    const hashed = take(given, Object.fromEntries(paths.map((path) => [path, 'hashed'])));
    expect(JSON.stringify(hashed.record)).not.toContain('secret');
  }));
});
