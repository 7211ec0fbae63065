import fc from 'fast-check';
import type { RelationRule, Tuple } from '../../../src/core/facts.ts';
import { createGraph } from '../../../src/core/graph/graph.ts';

const tuple = (text: string): Tuple => {
  const [subject = '', relation = '', object = ''] = text.split(' ');
  return { subject, relation, object };
};

const rule = (type: string, relation: string, from: string[] = [], via: [string, string][] = []): RelationRule =>
  ({ type, relation, from, via: via.map(([through, is]) => ({ relation: through, is })) });

const graphOf = (tuples: string[], rules: RelationRule[] = []) => createGraph(tuples.map(tuple), rules);

describe('holds', () => {
  const tuples = [
    'user:sam assigned account:A1',
    'group:eu#member assigned account:A3',
    'user:eva member group:eu',
    'group:berlin#member member group:eu',
    'user:bob member group:berlin',
    'user:ann owner account:A4',
    'account:A4 parent account:A5',
    'account:A5 parent account:A6',
    'user:kim assigned account:A4',
    'group:eu assigned account:A7',
    'group:eu#member parent account:A8',
    'agent:copilot acts_for user:sam',
    'user:sam assigned account:A1',
  ];
  const rules = [
    rule('account', 'owner'),
    rule('account', 'assigned', ['owner'], [['parent', 'assigned']]),
    rule('account', 'parent'),
    rule('folder', 'assigned', ['owner']),
  ];

  test.each([
    ['a tuple (R7)', 'user:sam assigned account:A1', 'yes'],
    ['nothing else (R7)', 'user:sam assigned account:A2', 'no'],
    ['delegation is a tuple too (J20)', 'agent:copilot acts_for user:sam', 'yes'],
    ['no delegation backwards', 'user:sam acts_for agent:copilot', 'no'],
    ['a member of a set', 'user:eva assigned account:A3', 'yes'],
    ['a member of a set in the set', 'user:bob assigned account:A3', 'yes'],
    ['the group is not its members', 'user:eva assigned account:A7', 'no'],
    ['nor the members the group', 'group:eu assigned account:A3', 'no'],
    ['a set holds nothing itself', 'group:eu#member assigned account:A3', 'no'],
    ['one relation from another', 'user:ann assigned account:A4', 'yes'],
    ['not the other way round', 'user:kim owner account:A4', 'no'],
    ['through a parent', 'user:kim assigned account:A5', 'yes'],
    ['through a parent, from another relation, two levels up', 'user:ann assigned account:A6', 'yes'],
    ['not up from a child', 'user:kim assigned account:A9', 'no'],
    ['a set is no parent', 'user:eva assigned account:A8', 'no'],
    ['a rule is of its own type', 'user:ann assigned folder:A4', 'no'],
    ['names compare exactly', 'user:Sam assigned account:A1', 'no'],
    ['an object is no part of a longer one', 'user:sam assigned account:A', 'no'],
    ['an unknown relation', 'user:sam adores account:A1', 'no'],
    ['names of JavaScript', '__proto__ constructor toString', 'no'],
  ])('%s: %s', (_name, asked, want) => {
    const { subject, relation, object } = tuple(asked);
    expect(graphOf(tuples, rules).holds(subject, relation, object)).toBe(want);
  });

  test('has knows both sides of a tuple, and no set', () => {
    const graph = graphOf(tuples, rules);
    expect(['account:A1', 'account:A4', 'group:eu', 'user:sam', 'account:A2', 'group:eu#member', ''].map((id) => graph.has(id)))
      .toEqual([true, true, true, true, false, false, false]);
  });

  test('relations lists what is declared and what only tuples name, sorted', () => {
    const graph = graphOf([...tuples, 'user:ann watches account:A4'], rules);
    expect(graph.relations('user:ann', 'account:A4')).toEqual({ relations: ['assigned', 'owner', 'watches'], overrun: false });
    expect(graph.relations('user:ann', 'account:A6')).toEqual({ relations: ['assigned'], overrun: false });
    expect(graph.relations('user:sam', 'account:none')).toEqual({ relations: [], overrun: false });
  });

  test('why is a shortest chain of tuples, from the subject to the object', () => {
    const graph = graphOf(tuples, rules);
    expect(graph.why('user:bob', 'assigned', 'account:A3'))
      .toEqual(['user:bob member group:berlin', 'group:berlin#member member group:eu', 'group:eu#member assigned account:A3']);
    expect(graph.why('user:ann', 'assigned', 'account:A6'))
      .toEqual(['user:ann owner account:A4', 'account:A4 parent account:A5', 'account:A5 parent account:A6']);
    expect(graph.why('user:sam', 'assigned', 'account:A2')).toBeUndefined();
  });
});

describe('bounds', () => {
  // user:u is in group 0, group i's members are in group i + 1.
  const chain = (length: number) => [
    'user:u member group:0', ...Array.from({ length }, (_, i) => `group:${i}#member member group:${i + 1}`),
  ];

  test('64 steps are followed, the 65th is not', () => {
    const graph = graphOf(chain(65));
    expect([64, 65].map((n) => graph.holds('user:u', 'member', `group:${n}`))).toEqual(['yes', 'overrun']);
    expect(graph.relations('user:u', 'group:65')).toEqual({ relations: [], overrun: true });
    expect(graph.why('user:u', 'member', 'group:65')).toBeUndefined();
  });

  test('exactly 64 steps without a hit are a plain no', () => {
    expect(graphOf([...chain(64), 'user:x member group:other']).holds('user:x', 'member', 'group:64')).toBe('no');
  });

  test('the search ends after 10,000 pairs', () => {
    const fan = (width: number) => graphOf([
      ...Array.from({ length: width }, (_, i) => `group:${i}#member reader doc:1`),
      ...Array.from({ length: width }, (_, i) => `user:u member team:${i}`), 'team:0#member reader doc:2', 'group:0#member member group:1',
      'team:x#member member team:y', 'team:y#member reader doc:1',
    ]);
    expect([9_999, 10_000].map((width) => fan(width).holds('user:u', 'reader', 'doc:1'))).toEqual(['no', 'overrun']);
    expect(fan(20_000).relations('user:u', 'doc:1')).toEqual({ relations: [], overrun: true });
  });

  test('what relations lead to is looked at once for all of them', () => {
    const graph = graphOf(
      [...Array.from({ length: 6_000 }, (_, i) => `group:${i}#member base doc:1`), 'user:u member group:x'],
      [rule('doc', 'reader', ['base']), rule('doc', 'writer', ['base'])],
    );
    expect(graph.relations('user:u', 'doc:1')).toEqual({ relations: [], overrun: false });
  });

  test('a hit among what was still looked at stands', () => {
    const graph = graphOf([...chain(65), 'user:u member group:65']);
    expect(graph.holds('user:u', 'member', 'group:65')).toBe('yes');
  });

  test('a cycle of sets, rules and parents ends', () => {
    const graph = graphOf(
      ['group:a#member member group:b', 'group:b#member member group:a', 'account:1 parent account:2', 'account:2 parent account:1', 'user:x owner account:3'],
      [rule('account', 'owner', ['assigned']), rule('account', 'assigned', ['owner'], [['parent', 'assigned']])],
    );
    expect(graph.holds('user:x', 'member', 'group:a')).toBe('no');
    expect(graph.holds('user:x', 'assigned', 'account:1')).toBe('no');
  });
});

describe('against a reference', () => {
  const number = fc.integer({ min: 0, max: 3 });
  const relationName = fc.constantFrom('r', 's', 't');
  const node = fc.tuple(fc.constantFrom('a', 'b'), number).map(([type, n]) => `${type}:${n}`);
  const subject = fc.oneof(
    { weight: 3, arbitrary: number.map((n) => `user:${n}`) },
    { weight: 2, arbitrary: fc.tuple(node, relationName).map(([object, relation]) => `${object}#${relation}`) },
    { weight: 2, arbitrary: node },
  );
  const anyTuple = fc.record({ subject, relation: relationName, object: node });
  const anyRule = fc.record({
    type: fc.constantFrom('a', 'b'),
    relation: relationName,
    from: fc.array(relationName, { maxLength: 2 }),
    via: fc.array(fc.record({ relation: relationName, is: relationName }), { maxLength: 2 }),
  });
  const world = fc.record({ tuples: fc.array(anyTuple, { maxLength: 16 }), rules: fc.array(anyRule, { maxLength: 4 }) });
  const holders = ['user:0', 'user:1', 'user:2', 'user:3', 'a:0', 'b:1'];
  const objects = ['a:0', 'a:1', 'a:2', 'b:0', 'b:1', 'b:2'];
  const relations = ['r', 's', 't'];

  test('holds, relations and why agree with it on graphs with cycles, unions, parents and sets', () => {
    let held = 0;
    fc.assert(fc.property(world, ({ tuples, rules }) => {
      const graph = createGraph(tuples, rules);
      const facts = saturate(tuples, rules);
      const asked = holders.flatMap((who) => objects.map((object) => ({ who, object })));
      const got = asked.map(({ who, object }) => ({
        all: graph.relations(who, object),
        each: relations.map((relation) => graph.holds(who, relation, object)),
        paths: relations.map((relation) => isPath(graph.why(who, relation, object), tuples, who)),
      }));
      expect(got).toEqual(asked.map(({ who, object }) => {
        const holds = relations.map((relation) => facts.has(`${who} ${relation} ${object}`));
        return {
          all: { relations: relations.filter((_, i) => holds[i]), overrun: false },
          each: holds.map((yes) => (yes ? 'yes' : 'no')),
          paths: holds,
        };
      }));
      held += facts.size;
    }), { numRuns: 2_500 });
    expect(held).toBeGreaterThan(10_000); // the graphs are not empty
  });

  test('a cut search never says yes or no wrongly', () => {
    let overruns = 0;
    fc.assert(fc.property(world, fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 2 }), ({ tuples, rules }, nodes, depth) => {
      const graph = createGraph(tuples, rules, { edges: nodes, depth });
      const facts = saturate(tuples, rules);
      const wrong = objects.flatMap((object) => {
        const all = graph.relations('user:0', object);
        return relations.filter((relation) => {
          const want = facts.has(`user:0 ${relation} ${object}`) ? 'yes' : 'no';
          const got = graph.holds('user:0', relation, object);
          overruns += Number(got === 'overrun');
          const listed = all.relations.includes(relation) ? 'yes' : 'no';
          return (got !== 'overrun' && got !== want) || (listed !== want && (listed === 'yes' || !all.overrun));
        });
      });
      expect(wrong).toEqual([]);
    }), { numRuns: 2_000 });
    expect(overruns).toBeGreaterThan(100);
  });

  test('the order of tuples and rules does not matter', () => {
    fc.assert(fc.property(world, ({ tuples, rules }) => {
      const [one, other] = [createGraph(tuples, rules), createGraph(tuples.toReversed(), rules.toReversed())];
      const all = (graph: typeof one) => holders.flatMap((who) => objects.map((object) => graph.relations(who, object)));
      expect(all(one)).toEqual(all(other));
    }));
  });
});

/** All that is held, as `subject relation object`: apply every rule to everything until nothing is added. */
function saturate(tuples: readonly Tuple[], rules: readonly RelationRule[]): Set<string> {
  const held = new Set<string>();
  const holdersOf = (relation: string, object: string) =>
    [...held].filter((fact) => fact.endsWith(` ${relation} ${object}`)).map((fact) => fact.split(' ')[0]);
  const objects = new Set(tuples.flatMap((t) => [t.object, t.subject.split('#')[0]!]));
  for (let before = -1; before < held.size;) {
    before = held.size;
    for (const { subject, relation, object } of tuples) {
      const [set = '', member] = subject.split('#');
      const who = member === undefined ? [subject] : holdersOf(member, set);
      for (const one of who) held.add(`${one} ${relation} ${object}`);
    }
    for (const { type, relation, from, via } of rules) {
      for (const object of [...objects].filter((id) => id.startsWith(`${type}:`))) {
        const parents = (through: string) => tuples.filter((t) => t.relation === through && t.object === object && !t.subject.includes('#'));
        const who = [...from.flatMap((other) => holdersOf(other, object)), ...via.flatMap((v) => parents(v.relation).flatMap((t) => holdersOf(v.is, t.subject)))];
        for (const one of who) held.add(`${one} ${relation} ${object}`);
      }
    }
  }
  return held;
}

// Every line is a tuple of the source, the first one is of the subject, the lines hang together.
function isPath(path: readonly string[] | undefined, tuples: readonly Tuple[], subject: string): boolean {
  if (path === undefined) return false;
  const known = new Set(tuples.map((t) => `${t.subject} ${t.relation} ${t.object}`));
  const hangs = (line: string, i: number) => i === 0 || line.startsWith(path[i - 1]!.split(' ')[2]!);
  return path[0]!.startsWith(`${subject} `) && path.every((line) => known.has(line)) && path.every(hangs);
}
