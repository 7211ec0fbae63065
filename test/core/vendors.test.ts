import { existsSync, readFileSync } from 'node:fs';
import type { Claim, Edge, EdgeType, Vendor, VendorCategory } from '../../src/core/facts.ts';
import { createVendorGraph } from '../../src/core/catalogue/vendors.ts';

const vendor = (id: string, more: Partial<Vendor> = {}): Vendor => ({
  id, name: id, party: 'third', categories: [], hosts: [], packages: [], regions: [], state: 'active', claims: [], ...more,
});

const edge = (text: string, more: Partial<Edge> = {}): Edge => {
  const [from = '', type = '', to = ''] = text.split(' ');
  return { from, to, type: type as EdgeType, ...more };
};

const graphOf = (vendors: Vendor[], edges: Edge[]) => createVendorGraph(new Map(vendors.map((v) => [v.id, v])), edges);

const llm = { categories: ['llm'] } satisfies Partial<Vendor>;
const ids = (list: readonly { readonly vendor: string }[]) => list.map((r) => r.vendor);

describe('edges that count (J16)', () => {
  test.each<[string, Edge, string[]]>([
    ['a sub-processor', edge('a sub_processor b'), ['b']],
    ['a conditional one, unknown whether on', edge('a sub_processor b', { condition: { feature: 'ai' } }), ['b']],
    ['a conditional one that is off', edge('a sub_processor b', { condition: { feature: 'ai' }, on: false }), []],
    ['a forward that is on', edge('a forwards_to b', { on: true }), ['b']],
    ['a forward, unknown whether on', edge('a forwards_to b'), ['b']],
    ['a forward that is off', edge('a forwards_to b', { on: false }), []],
    ['a connector, unknown whether on', edge('a user_connector b'), ['b']],
    ['a connector that is off', edge('a user_connector b', { on: false }), []],
    ['an owner', edge('a owned_by b', { on: true }), []],
    ['an export to a first-party warehouse (R76)', edge('a exports_to b', { on: true }), []],
    ['an edge of another vendor', edge('b sub_processor a'), []],
  ])('%s', (_name, given, want) => {
    expect(ids(graphOf([vendor('a'), vendor('b')], [given]).reached('a'))).toEqual(want);
  });
});

describe('closure', () => {
  test('gives the shortest path, nearest first; of two the one that the source lists first', () => {
    const edges = ['a sub_processor c', 'a sub_processor b', 'b sub_processor d', 'c sub_processor d', 'd sub_processor e', 'b sub_processor e'].map((t) => edge(t));
    const paths = (given: Edge[]) => graphOf([], given).reached('a').map((r) => r.path.join(' → '));
    expect(paths(edges)).toEqual(['a → c', 'a → b', 'a → c → d', 'a → b → e']);
    expect(paths(edges.toReversed())).toEqual(['a → b', 'a → c', 'a → b → e', 'a → b → d']);
  });

  test('ends on a cycle and leaves the vendor itself out (R50)', () => {
    const graph = graphOf([vendor('openai', llm), vendor('intercom')], [edge('openai sub_processor intercom'), edge('intercom sub_processor openai')]);
    expect(ids(graph.reached('openai'))).toEqual(['intercom']);
    expect(ids(graph.reached('intercom'))).toEqual(['openai']);
  });

  test('a sub-processor is one over sub-processor edges alone, whichever way is shorter', () => {
    const graph = graphOf([], [
      edge('a user_connector c'), edge('a sub_processor b'), edge('b sub_processor c'), edge('c user_connector d'), edge('a forwards_to e'), edge('e sub_processor f'),
    ]);
    expect(Object.fromEntries(graph.reached('a').map((r) => [r.vendor, r.subProcessor])))
      .toEqual({ b: true, c: true, d: false, e: false, f: false });
    expect(graph.reached('a').find((r) => r.vendor === 'c')?.path).toEqual(['a', 'c']);
  });
});

describe('in the EU (J15)', () => {
  const eu = { regions: ['DE'] };
  test.each<[string, Edge[], Vendor, boolean]>([
    ['by the edge', [edge('a sub_processor b', { regions: ['DE', 'IE'] })], vendor('b'), true],
    ['not by an edge with one region elsewhere', [edge('a sub_processor b', { regions: ['DE', 'US'] })], vendor('b', eu), false],
    ['by the vendor, when the edge says nothing', [edge('a sub_processor b')], vendor('b', eu), true],
    ['by the vendor, when the edge lists nothing', [edge('a sub_processor b', { regions: [] })], vendor('b', eu), true],
    ['the edge outranks the vendor', [edge('a sub_processor b', eu)], vendor('b', { regions: ['US'] }), true],
    ['unknown is not', [edge('a sub_processor b')], vendor('b'), false],
    ['not by one of two edges', [edge('a sub_processor b', eu), edge('a sub_processor b', { regions: ['US'] })], vendor('b'), false],
    ['an edge that is off says nothing', [edge('a sub_processor b', eu), edge('a sub_processor b', { regions: ['US'], on: false })], vendor('b'), true],
    ['nor does a connector, for a sub-processor', [edge('a sub_processor b', eu), edge('a user_connector b', { regions: ['US'] })], vendor('b'), true],
    ['also by a way round', [edge('a sub_processor b', eu), edge('a sub_processor c', eu), edge('c sub_processor b', { regions: ['US'] })], vendor('b'), false],
    ['a connector alone', [edge('a user_connector b', { regions: ['US'] })], vendor('b', eu), false],
  ])('%s', (_name, edges, b, want) => {
    expect(graphOf([vendor('a'), b, vendor('c')], edges).reached('a').find((r) => r.vendor === 'b')?.inEu).toBe(want);
  });
});

describe('reaching a language model (R48, R49, J33)', () => {
  const claim = (value: Claim['value']): Partial<Vendor> => ({ claims: [{ name: 'uses_llm', value }] });
  test.each<[string, Vendor[], Edge[], string[] | undefined]>([
    ['one that is a model', [vendor('a', llm)], [], ['a']],
    ['one that says it uses one', [vendor('a', claim(true))], [], ['a']],
    ['one whose claim is over', [vendor('a', { claims: [{ name: 'uses_llm', value: true, untilMs: 1 }] })], [], ['a']],
    ['one that says it uses none', [vendor('a', claim(false))], [], undefined],
    ['one that says nothing', [vendor('a', claim(null))], [], undefined],
    ['another claim that is true', [vendor('a', { claims: [{ name: 'dpa', value: true }] })], [], undefined],
    ['over another one', [vendor('a'), vendor('b'), vendor('c', llm)], [edge('a sub_processor b'), edge('b user_connector c')], ['a', 'b', 'c']],
    ['the shortest way', [vendor('a'), vendor('b'), vendor('c', llm), vendor('d', claim(true))], [edge('a sub_processor b'), edge('b sub_processor c'), edge('a sub_processor d')], ['a', 'd']],
    ['one that is unknown', [], [], ['a']],
    ['over one that is unknown', [vendor('a')], [edge('a sub_processor b')], ['a', 'b']],
    ['not over an owner', [vendor('a'), vendor('b', llm)], [edge('a owned_by b')], undefined],
    ['not over a switched-off feature', [vendor('a'), vendor('b', llm)], [edge('a sub_processor b', { on: false })], undefined],
  ])('%s', (_name, vendors, edges, want) => {
    const graph = graphOf(vendors, edges);
    const answers = [graph.reachesLlm('a'), graph.reachesLlm('a')]; // the second one from memory
    expect(answers).toEqual(Array.from({ length: 2 }, () => want && { path: want }));
  });
});

describe('destinations of a customer data platform (R51, J16)', () => {
  const cdp = { categories: ['cdp'] } satisfies Partial<Vendor>;

  test('are what it forwards to, on or unknown, also over others; no sub-processor', () => {
    const graph = graphOf([vendor('s', cdp), vendor('m')], [
      edge('s forwards_to m'), edge('s forwards_to x', { on: true }), edge('s forwards_to off', { on: false }), edge('s sub_processor p'),
      edge('m forwards_to n'), edge('m sub_processor q'), edge('n forwards_to s'),
    ]);
    expect(graph.destinations('s')).toEqual({
      reached: [{ vendor: 'm', path: ['s', 'm'], from: ['s'] }, { vendor: 'x', path: ['s', 'x'], from: ['s'] }, { vendor: 'n', path: ['s', 'm', 'n'], from: ['m'] }], overrun: false,
    });
  });

  test('of a vendor that is none, or is unknown: nothing', () => {
    const graph = graphOf([vendor('m')], [edge('m forwards_to n'), edge('u forwards_to n')]);
    expect([graph.destinations('m'), graph.destinations('u')]).toEqual(Array.from({ length: 2 }, () => ({ reached: [], overrun: false })));
  });

  test.each([[64, 64, false], [65, 64, true]])('%i of them: %i, overrun %s', (given, want, overrun) => {
    const graph = graphOf([vendor('s', cdp)], Array.from({ length: given }, (_, i) => edge(`s forwards_to d${i}`)));
    expect({ count: graph.destinations('s').reached.length, overrun: graph.destinations('s').overrun }).toEqual({ count: want, overrun });
  });
});

describe('by host (R52)', () => {
  const graph = graphOf([
    vendor('mixpanel', { hosts: ['api.mixpanel.com', 'API-EU.mixpanel.com.', 'api.mixpanel.com'] }), vendor('one', { hosts: ['both.example'] }), vendor('two', { hosts: ['BOTH.example'] }),
  ], []);
  test.each([
    ['api.mixpanel.com', 'mixpanel'], ['API.Mixpanel.COM', 'mixpanel'], ['api.mixpanel.com.', 'mixpanel'], ['api-eu.mixpanel.com', 'mixpanel'],
    ['evil.api.mixpanel.com', undefined], ['mixpanel.com', undefined], ['api.mixpanel.com..', undefined], ['api.mixpanel.com.evil.com', undefined],
    ['', undefined], ['.', undefined], ['__proto__', undefined], ['both.example', undefined],
  ])('%s: %s', (host, want) => {
    expect(graph.byHost(host)).toBe(want);
  });
});

const DATA = new URL('../../../shared/data/vendors/subprocessors.json', import.meta.url);
if (!existsSync(DATA)) test.skip('real sub-processors (skipped: no data folder)', () => undefined);
else describe('real sub-processors', () => {
  interface RealEdge { readonly from: string; readonly to: string; readonly type: EdgeType; readonly locations?: string[] }
  const real = JSON.parse(readFileSync(DATA, 'utf8')) as { vendors: { id: string; categories: VendorCategory[]; hosts?: string[] }[]; edges: RealEdge[] };
  const graph = graphOf(
    real.vendors.map(({ id, categories, hosts = [] }) => vendor(id, { categories, hosts })),
    real.edges.map(({ from, to, type, locations }) => ({ from, to, type, ...(locations && { regions: locations }) })),
  );

  test('has 34 vendors and 58 edges', () => {
    expect([real.vendors.length, real.edges.length]).toEqual([34, 58]);
  });

  test('closure ends despite openai → intercom → openai (R50), for every vendor', () => {
    for (const { id } of real.vendors) expect(new Set(ids(graph.reached(id))).size).toBe(graph.reached(id).length);
    expect(ids(graph.reached('openai'))).toContain('intercom');
    expect(ids(graph.reached('intercom'))).toContain('openai');
  });

  test.each([
    ['mixpanel', ['mixpanel', 'openai']],
    ['amplitude', ['amplitude', 'openai']],
    ['intercom', ['intercom', 'openai']],
    ['openai', ['openai']],
    ['segment', ['segment', 'google']],
    ['snowflake', ['snowflake', 'google']],
    ['cloudflare', undefined],
    ['sendgrid', undefined],
  ])('%s reaches a language model by %j (R48)', (id, path) => {
    expect(graph.reachesLlm(id)).toEqual(path && { path });
  });

  test.each(['mixpanel', 'amplitude', 'intercom'])('%s reaches openai in one step', (id) => {
    expect(graph.reached(id).find((r) => r.vendor === 'openai')).toMatchObject({ path: [id, 'openai'], llm: true, subProcessor: true, inEu: false });
  });

  test('segment fans out to all its destinations, not to its owner (R51)', () => {
    const { reached, overrun } = graph.destinations('segment');
    const direct = real.edges.filter((e) => e.from === 'segment' && e.type === 'forwards_to').map((e) => e.to).sort();
    expect({ ids: ids(reached).toSorted(), overrun }).toEqual({ ids: direct, overrun: false });
    expect(ids(graph.reached('sendgrid'))).toEqual([]);
  });
});
