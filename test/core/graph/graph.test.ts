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

describe('unlessDirect, Permit\'s no_direct_roles_on_object', () => {
  const tree = [
    'account:acme parent folder:rnd', 'folder:rnd parent doc:opal', 'doc:opal parent page:1',
    'user:eva editor account:acme', 'user:bob editor account:acme', 'user:bob viewer folder:rnd',
    'group:eu#member editor account:acme', 'user:kim member group:eu', 'user:kim viewer folder:rnd', 'user:lea member group:eu',
    'group:eu#member viewer folder:rnd', 'user:max owner account:acme', 'user:max viewer folder:rnd',
  ];
  const plain = [rule('doc', 'editor', [], [['parent', 'editor']]), rule('page', 'editor', [], [['parent', 'editor']])];
  const ways = (level: readonly string[] | undefined, ofStep: readonly string[] | undefined): RelationRule[] => [...plain, {
    type: 'folder', relation: 'editor', from: ['boss'],
    via: [{ relation: 'parent', is: 'editor', ...(ofStep && { unlessDirect: ofStep }) }, { relation: 'parent', is: 'owner' }],
    ...(level && { unlessDirect: level }),
  }];
  const holds = (rules: RelationRule[], more: string[] = []) => (who: string, object: string) => graphOf([...tree, ...more], rules).holds(`user:${who}`, 'editor', object);
  const roles = ['viewer', 'commenter'];

  test.each([
    ['without it a direct role blocks nothing', ways(undefined, undefined), ['yes', 'yes', 'yes', 'yes', 'yes']],
    ['on the relation it blocks every derivation, for whoever holds such a role by a plain tuple', ways(roles, undefined), ['yes', 'no', 'no', 'yes', 'no']],
    ['on a step it blocks that one only', ways(undefined, roles), ['yes', 'no', 'no', 'yes', 'yes']],
    ['another role does not block', ways(['commenter'], ['commenter']), ['yes', 'yes', 'yes', 'yes', 'yes']],
  ])('%s', (_name, rules, want) => {
    expect(['eva', 'bob', 'kim', 'lea', 'max'].map((who) => holds(rules)(who, 'folder:rnd'))).toEqual(want);
  });

  test('what would follow further down the chain is blocked with it, in both directions of the search', () => {
    const crowd = Array.from({ length: 50 }, (_, i) => [`group:${i}#member editor page:1`, `user:eva editor account:${i}`]).flat();
    for (const more of [[], crowd]) {
      expect(['eva', 'bob', 'kim'].map((who) => ['doc:opal', 'page:1'].map((object) => holds(ways(roles, undefined), more)(who, object))))
        .toEqual([['yes', 'yes'], ['no', 'no'], ['no', 'no']]);
    }
  });

  test('a role on another object, a union and a tuple of the relation itself are not blocked', () => {
    const more = ['user:bob boss folder:rnd', 'user:kim editor folder:rnd', 'user:eva viewer doc:opal'];
    expect(['bob', 'kim', 'eva'].map((who) => holds(ways(roles, roles), more)(who, 'folder:rnd'))).toEqual(['yes', 'yes', 'yes']);
  });

  test('stated by one of two rules of a relation, it is of both', () => {
    const [bound, free] = [ways(roles, undefined).at(-1)!, rule('folder', 'editor', [], [['parent', 'owner']])];
    expect(holds([...plain, bound, free])('max', 'folder:rnd')).toBe('no');
    expect(holds([...plain, free, bound])('max', 'folder:rnd')).toBe('no');
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

  test('the search ends after 10,000 edges, when there are more in either direction', () => {
    const fan = (width: number) => graphOf([
      ...Array.from({ length: width }, (_, i) => `group:${i}#member reader doc:1`),
      ...Array.from({ length: width }, (_, i) => `user:u member group:x${i}`),
    ]);
    expect([10_000, 10_001].map((width) => fan(width).check('user:u', 'reader', 'doc:1')))
      .toEqual([{ held: 'no', edges: 10_000 }, { held: 'overrun', edges: 0 }]);
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

  test('a derivation through 50 objects is found, a cut one is denied, a cycle of 50 ends (bounded)', () => {
    const down = Array.from({ length: 50 }, (_, i) => `folder:${i} parent folder:${i + 1}`);
    const rules = [rule('folder', 'editor', ['owner'], [['parent', 'editor']])];
    const graph = graphOf(['user:u owner folder:0', 'user:x owner doc:1', ...down], rules);
    expect(graph.holds('user:u', 'editor', 'folder:50')).toBe('yes');
    expect(graph.why('user:u', 'editor', 'folder:50')).toEqual(['user:u owner folder:0', ...down]);
    expect(graph.holds('user:x', 'editor', 'folder:50')).toBe('no');
    const cut = createGraph(['user:u owner folder:0', 'user:u owner doc:1', ...down].map(tuple), rules, { edges: 1_000, depth: 49 });
    expect(cut.holds('user:u', 'editor', 'folder:50')).toBe('overrun');
    const round = graphOf(['user:u owner folder:x', 'folder:x parent folder:y', ...down, 'folder:50 parent folder:0'], rules);
    expect(round.holds('user:u', 'editor', 'folder:50')).toBe('no');
  });

  test('a node with 100,000 neighbours is not gone through while there is a way around it (largest node)', () => {
    const crowd = Array.from({ length: 100_000 }, (_, i) => [`user:${i} member group:x`, `user:${i} viewer doc:big`, `folder:${i} parent doc:far`, `group:x#member viewer doc:${i}`]).flat();
    const graph = graphOf([...crowd, 'group:x#member viewer doc:one', 'user:no viewer doc:two', 'group:in#member member group:x', 'user:no2 member group:in'], [
      rule('doc', 'viewer', ['editor'], [['parent', 'viewer']]), rule('folder', 'viewer'),
    ]);
    const asked = [
      ['user:99999', 'doc:big', 'yes'], ['user:no', 'doc:big', 'no'], ['user:5', 'doc:one', 'yes'], ['user:no', 'doc:one', 'no'], ['user:no2', 'doc:one', 'yes'],
      ['user:7', 'doc:far', 'no'], ['user:no', 'doc:far', 'no'], ['user:8', 'doc:99', 'yes'],
    ] as const;
    expect(asked.map(([who, object]) => graph.check(who, 'viewer', object).held)).toEqual(asked.map(([, , held]) => held));
    for (const [who, object] of asked) expect(graph.check(who, 'viewer', object).edges).toBeLessThan(20);
  });

  test('a rule with 20,000 relations from one another ends', () => {
    const rules = Array.from({ length: 20_000 }, (_, i) => rule('doc', `r${i}`, [`r${i + 1}`]));
    const graph = graphOf(['user:u r20000 doc:1', 'user:x member group:x'], rules);
    expect(graph.holds('user:u', 'r0', 'doc:1')).toBe('yes');
    expect(graph.holds('user:x', 'r0', 'doc:1')).toBe('no');
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
  const unlessDirect = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, fc.record({ unlessDirect: fc.array(relationName, { minLength: 1, maxLength: 2 }) }));
  const step = fc.tuple(fc.record({ relation: relationName, is: relationName }), unlessDirect).map(([one, unless]) => ({ ...one, ...unless }));
  const anyRule = fc.tuple(fc.record({
    type: fc.constantFrom('a', 'b'),
    relation: relationName,
    from: fc.array(relationName, { maxLength: 2 }),
    via: fc.array(step, { maxLength: 2 }),
  }), unlessDirect).map(([rule, unless]): RelationRule => ({ ...rule, ...unless }));
  const world = fc.record({ tuples: fc.array(anyTuple, { maxLength: 16 }), rules: fc.array(anyRule, { maxLength: 4 }) });
  // More of what exclusions are about: trees, whose roles come down unless another is held.
  const treeTuple = fc.oneof(
    fc.record({ subject: node, relation: fc.constant('s'), object: node }),
    fc.record({ subject: number.map((n) => `user:${n}`), relation: fc.constantFrom('r', 't'), object: node }),
    fc.record({ subject, relation: fc.constantFrom('r', 't'), object: node }),
  );
  const treeRule = fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('r', 't'), unlessDirect, unlessDirect).map(([type, relation, ofRule, ofStep]): RelationRule =>
    ({ type, relation, from: [], via: [{ relation: 's', is: 'r', ...ofStep }], ...ofRule }));
  const treeWorld = fc.record({ tuples: fc.array(treeTuple, { minLength: 6, maxLength: 20 }), rules: fc.array(fc.oneof(treeRule, anyRule), { minLength: 2, maxLength: 5 }) });
  const holders = ['user:0', 'user:1', 'user:2', 'user:3', 'a:0', 'b:1'];
  const objects = ['a:0', 'a:1', 'a:2', 'b:0', 'b:1', 'b:2'];
  const relations = ['r', 's', 't'];

  test('holds, relations and why (a shortest way) agree with it on graphs with cycles, unions, parents, sets and exclusions', () => {
    let [held, excluded] = [0, 0];
    fc.assert(fc.property(fc.oneof(world, treeWorld), ({ tuples, rules }) => {
      const graph = createGraph(tuples, rules);
      const facts = saturate(tuples, rules);
      const asked = holders.flatMap((who) => objects.map((object) => ({ who, object })));
      const got = asked.map(({ who, object }) => ({
        all: graph.relations(who, object),
        each: relations.map((relation) => graph.holds(who, relation, object)),
        paths: relations.map((relation) => lengthOf(graph.why(who, relation, object), tuples, who)),
      }));
      expect(got).toEqual(asked.map(({ who, object }) => {
        const holds = relations.map((relation) => facts.has(`${who} ${relation} ${object}`));
        return {
          all: { relations: relations.filter((_, i) => holds[i]), overrun: false },
          each: holds.map((yes) => (yes ? 'yes' : 'no')),
          paths: relations.map((relation) => facts.get(`${who} ${relation} ${object}`)),
        };
      }));
      held += facts.size;
      excluded += saturate(tuples, rules.map(withoutExclusions)).size - facts.size;
    }), { numRuns: 6_000 });
    expect(held).toBeGreaterThan(20_000); // the graphs are not empty
    expect(excluded).toBeGreaterThan(200);
  });

  test('a cut search never says yes or no wrongly', () => {
    let overruns = 0;
    fc.assert(fc.property(fc.oneof(world, treeWorld), fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 3 }), ({ tuples, rules }, edges, depth) => {
      const graph = createGraph(tuples, rules, { edges, depth });
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
    }), { numRuns: 5_000 });
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

/** All that is held, as `subject relation object`, and how many tuples that takes: apply every rule to everything until nothing changes. */
function saturate(tuples: readonly Tuple[], rules: readonly RelationRule[]): Map<string, number> {
  const held = new Map<string, number>();
  const holdersOf = (relation: string, object: string) =>
    [...held].flatMap(([fact, length]) => (fact.endsWith(` ${relation} ${object}`) ? [{ who: fact.split(' ')[0]!, length }] : []));
  const objects = new Set(tuples.flatMap((t) => [t.object, t.subject.split('#')[0]!]));
  const direct = new Set(tuples.map((t) => `${t.subject} ${t.relation} ${t.object}`));
  const ofRelation = (type: string, relation: string) => rules.filter((r) => r.type === type && r.relation === relation).flatMap((r) => r.unlessDirect ?? []);
  let changed = true;
  const add = (fact: string, length: number) => {
    if ((held.get(fact) ?? Infinity) <= length) return;
    held.set(fact, length);
    changed = true;
  };
  while (changed) {
    changed = false;
    for (const { subject, relation, object } of tuples) {
      const [set = '', member] = subject.split('#');
      const holders = member === undefined ? [{ who: subject, length: 0 }] : holdersOf(member, set);
      for (const { who, length } of holders) add(`${who} ${relation} ${object}`, length + 1);
    }
    for (const { type, relation, from, via } of rules) {
      for (const object of [...objects].filter((id) => id.startsWith(`${type}:`))) {
        for (const { who, length } of from.flatMap((other) => holdersOf(other, object))) add(`${who} ${relation} ${object}`, length);
        for (const step of via) {
          const unless = [...ofRelation(type, relation), ...step.unlessDirect ?? []];
          const parents = tuples.filter((t) => t.relation === step.relation && t.object === object && !t.subject.includes('#'));
          for (const { who, length } of parents.flatMap((t) => holdersOf(step.is, t.subject))) {
            if (!unless.some((other) => direct.has(`${who} ${other} ${object}`))) add(`${who} ${relation} ${object}`, length + 1);
          }
        }
      }
    }
  }
  return held;
}

const withoutExclusions = ({ type, relation, from, via }: RelationRule): RelationRule =>
  ({ type, relation, from, via: via.map((step) => ({ relation: step.relation, is: step.is })) });

// Of a path: every line is a tuple of the source, the first one is of the subject, the lines hang together. Else NaN.
function lengthOf(path: readonly string[] | undefined, tuples: readonly Tuple[], subject: string): number | undefined {
  if (path === undefined) return undefined;
  const known = new Set(tuples.map((t) => `${t.subject} ${t.relation} ${t.object}`));
  const hangs = (line: string, i: number) => i === 0 || line.split(/[ #]/)[0] === path[i - 1]!.split(' ')[2];
  return path[0]!.startsWith(`${subject} `) && path.every((line) => known.has(line)) && path.every(hangs) ? path.length : NaN;
}
