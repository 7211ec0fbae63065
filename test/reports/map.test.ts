import path from 'node:path';
import fc from 'fast-check';
import { createCatalogue, type Catalogue } from '../../src/core/catalogue/catalogue.ts';
import { scan } from '../../src/replay/scan.ts';
import { readBasis } from '../../src/reports/basis.ts';
import { coverageOf } from '../../src/reports/coverage.ts';
import { declaredFlows } from '../../src/reports/map/declared.ts';
import { flowsOf, type Flow, type FlowMap } from '../../src/reports/map/flows.ts';
import { flowsCsv, flowsMermaid, parseFlows } from '../../src/reports/map/formats.ts';
import { flowsText } from '../../src/reports/text/flows.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, NOON, removeWorlds, ROOT } from '../support/world.ts';
import { record, TELEMETRY, type Recorder } from './support.ts';

let recorder: Recorder;
let catalogue: Catalogue;
beforeAll(async () => {
  catalogue = createCatalogue(await loadYaml(path.join(ROOT, 'policies')));
  recorder = await record();
  await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'region'], rows: 3 });
  await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'debug_ctx'] });
  await recorder.ask({ identity: 'agent:copilot', vendor: 'mixpanel', environment: 'production', event: 'genai.tool_run', fields: ['prompt'] });
  await recorder.ask({ ...TELEMETRY, event: undefined, purpose: 'analytics.reporting', fields: ['feature_flag'] });
  await recorder.permitted({ ...TELEMETRY, vendor: 'intercom', channel: 'telemetry', dataSubject: {}, context: {} });
  await recorder.close();
}, 60_000);
afterAll(() => Promise.all([endServers(), removeWorlds()]));

const mapOf = async (of: Recorder, more: { readonly app?: string; readonly declared?: readonly Flow[] } = {}, own = catalogue): Promise<FlowMap> => (
  flowsOf(scan({ dir: of.dir }), { catalogue: own, basis: await readBasis(of.dir), nowMs: NOON, ...more })
);

test('R8: every field of one app, to whom; declared or not, observed or not, first and last seen', async () => {
  const { flows } = await mapOf(recorder, { app: 'genai-dashboard' });
  const of = (field: string, vendor: string, more: Partial<Flow> = {}) => flows.filter((flow) => flow.field === field && flow.vendor === vendor && flow.environment === 'production' && Object.entries(more).every(([name, value]) => flow[name as keyof Flow] === value));
  expect(of('region', 'mixpanel')).toEqual([{
    app: 'genai-dashboard', event: 'genai_dashboard.viewed', field: 'region', category: 'user.location.imprecise.region', source: 'service', identity: 'service:telemetry', vendor: 'mixpanel', via: '', environment: 'production', form: 'raw',
    permitted: 1, refused: 0, rows: 3, first: new Date(NOON + 1000).toISOString(), last: new Date(NOON + 1000).toISOString(), declared: true, observed: true,
  }]);
  // One form of it left, and in a question that was refused it did not.
  expect(of('anon_user_id', 'mixpanel').map(({ form, permitted, refused }) => [form, permitted, refused])).toEqual([['', 0, 1], ['raw', 1, 0]]);
  // Granted, and nobody has asked for it.
  expect(of('region', 'amplitude')).toMatchObject([{ identity: '', source: 'service', declared: true, observed: false, permitted: 0, first: '' }]);
  // Asked for, and granted to nobody.
  expect(of('prompt', 'mixpanel')).toMatchObject([{ source: 'agent', declared: false, observed: true, refused: 1 }]);
  // A path that nobody knew stands as its hash; what /permitted was asked is no flow.
  expect(flows.filter(({ field }) => field.startsWith('?'))).toMatchObject([{ category: 'unclassified', declared: false, refused: 1 }]);
  expect(flows.filter(({ vendor, observed }) => vendor === 'intercom' && observed)).toEqual([]);
  expect(new Set(flows.map(({ app }) => app))).toEqual(new Set(['genai-dashboard']));
});

test('a question without an event is declared as far as a grant permits it', async () => {
  const { flows } = await mapOf(recorder);
  expect(flows.filter(({ event }) => event === '(no event)')).toMatchObject([{ field: 'feature_flag', declared: true, observed: true, permitted: 1 }]);
});

test('J3: an exclusive grant closes its vendor to all others in the map too; a role that nobody has declares nothing', () => {
  const toVendorX = [...declaredFlows(catalogue, { vendor: 'vendor-x' })];
  expect(new Set(toVendorX.map(({ category }) => category))).toEqual(new Set(['system.operations.event_name', 'user.unique_id.pseudonymous', 'system.operations.feature_flag']));
  expect(new Set(toVendorX.map(({ environment }) => environment))).toEqual(new Set(['production']));
  const facts = { ...catalogue.facts, identities: new Map([...catalogue.facts.identities].map(([id, identity]) => [id, { ...identity, roles: [] }] as const)) };
  expect([...declaredFlows(createCatalogue(facts))]).toEqual([]);
});

test('R65: coverage is of what is declared, and unknown while no enforcement point reports', () => {
  const ways = new Set([...declaredFlows(catalogue)].map(({ event, vendor, environment }) => JSON.stringify([event, vendor, environment])));
  expect(ways.size).toBeGreaterThan(10);
  expect(coverageOf(catalogue)).toEqual({ declaredFlows: ways.size, reportedFlows: 0, share: 'unknown' });
  expect(coverageOf(catalogue, { vendor: 'cloudflare' })).toEqual({ declaredFlows: 0, reportedFlows: 0, share: 'unknown' });
  expect(coverageOf(undefined)).toEqual({ declaredFlows: null, reportedFlows: 0, share: 'unknown' });
});

describe('R60: the inventory as a spreadsheet', () => {
  test('goes out and comes back as it was', async () => {
    const map = await mapOf(recorder);
    expect(map.flows.length).toBeGreaterThan(50);
    expect(parseFlows(flowsCsv(map))).toEqual(map.flows);
    expect((await mapOf(recorder, { declared: parseFlows(flowsCsv(map)) })).flows).toEqual(map.flows);
  });

  test('R61: one that is kept by hand takes the place of what the grants speak of; who asks need not be in it', async () => {
    const declared = parseFlows('event,field,vendor,environment,identity,declared\r\ngenai_dashboard.viewed,region,mixpanel,production,,\r\ngenai_dashboard.viewed,anon_user_id,mixpanel,production,service:other,\r\ngenai.tool_run,prompt,mixpanel,production,,false\r\nusage.event,ip,vendor-x,production,,\r\n');
    const { flows } = await mapOf(recorder, { declared });
    expect(flows.filter((flow) => flow.declared).map(({ field, identity, observed }) => [field, identity, observed])).toEqual([['anon_user_id', 'service:other', false], ['ip', '', false], ['region', 'service:telemetry', true]]);
    expect(flows.filter((flow) => flow.observed && !flow.declared).map(({ field }) => field)).toEqual(expect.arrayContaining(['anon_user_id', 'prompt', 'feature_flag']));
  });

  const name = fc.oneof(fc.string({ minLength: 1, unit: 'binary' }), fc.constantFrom('=1+1', '@x', '+', '-', 'a"b', "'q", 'a,b\r\nc', ' pad ', '\t')).filter((text) => !text.startsWith('\uFEFF'));
  const anyFlow: fc.Arbitrary<Flow> = fc.record({
    app: name, event: name, field: name, category: name, source: name, identity: name, vendor: name, via: name, environment: name, form: fc.constantFrom('', 'raw', 'hmac'),
    permitted: fc.nat(), refused: fc.nat(), rows: fc.nat(), first: fc.constantFrom('', '2026-11-22T12:00:00.000Z'), last: fc.constant(''), declared: fc.boolean(), observed: fc.boolean(),
  });

  test('property: the way out and back holds whatever the names are, and no cell is a formula', () => {
    fc.assert(fc.property(fc.array(anyFlow, { maxLength: 5 }), (flows) => {
      expect(parseFlows(flowsCsv({ flows }))).toEqual(flows);
    }));
    expect(flowsCsv({ flows: [{ app: '=HYPERLINK("http://x")', event: '+1', field: '-1', category: '@SUM(A1)', source: '\t=1', identity: '＝1', vendor: "'", via: '', environment: 'e', form: '', permitted: 1, refused: 0, rows: 0, first: '', last: '', declared: true, observed: false }] }).split('\r\n')[1])
      .toBe(`"'=HYPERLINK(""http://x"")",'+1,'-1,'@SUM(A1),"'\t=1",'＝1,'',,e,,1,0,0,,,true,false`);
  });

  test.each([
    ['a column is missing', 'app,event\r\na,b\r\n', 'row 1: the columns field, vendor, environment are missing'], ['a row is short', 'event,field,vendor,environment\r\na\r\n', 'row 2: has 1 cells, and the head has 4'],
    ['a quote is open', 'event,"field\r\n', 'a quote is opened and never closed'], ['a number is none', 'event,field,vendor,environment,rows\r\na,b,c,d,many\r\n', 'row 2: rows is no whole number'],
    ['a name is missing', 'event,field,vendor,environment\r\na,,c,d\r\n', 'row 2: field must be filled in'], ['a truth is none', 'event,field,vendor,environment,declared\r\na,b,c,d,yes\r\n', 'row 2: declared is true or false'], ['it is empty', '', 'row 1: the columns'],
  ])('what is no inventory is told: %s', (_, text, message) => {
    expect(() => parseFlows(text)).toThrow(message);
  });
});

describe('R62, R76: the diagram', () => {
  test('is the same for the same flows, names the parties, and draws a way of what left alone', async () => {
    const map = await mapOf(recorder, { app: 'genai-dashboard' });
    const drawn = flowsMermaid(map);
    expect(flowsMermaid({ ...map, flows: map.flows.toReversed() })).toBe(drawn);
    expect(drawn).toContain('"Mixpanel, DPA recorded"');
    expect(drawn.split('\n').filter((line) => line.includes('-->'))).toEqual([expect.stringContaining('user.location.imprecise.region, user.unique_id.pseudonymous')]);
    expect(flowsText(map)).toContain('```mermaid\nflowchart LR');
  });

  test('a DPA that can be read on the web is linked; what a vendor exports to, and what it hands on, is drawn and judged by nothing', async () => {
    const claim = (evidence: string) => ({ dpa: { value: true, evidence, issued: '2026-01-01', expires: '2036-12-31' } });
    const policies = await copyPolicies({
      'vendors/acme.yaml': { vendors: {
        acme: { name: 'Acme', party: 'first', categories: ['cdp'], hosts: ['acme.example'], regions: ['DE'], claims: claim('https://acme.example/dpa?v=1'), edges: [{ to: 'warehouse', type: 'exports_to', source: 'test' }, { to: 'lake', type: 'forwards_to', on: true, source: 'test' }] },
        lake: { name: 'Lake', party: 'first', categories: ['cloud'], regions: ['DE'], claims: claim('javascript:alert(1)'), edges: [{ to: 'glacier', type: 'sub_processor', source: 'test' }] },
        glacier: { name: 'Glacier', party: 'first', categories: ['cloud'], regions: ['DE'], claims: claim('https://glacier.example/" onclick="x') },
        warehouse: { name: 'Our warehouse', party: 'first', categories: ['analytics'] },
      } },
      'grants/acme.yaml': { grants: { acme: { title: 'Acme', role: 'product_events', vendors: ['acme', 'lake'], environments: ['production'], purposes: ['analytics'], categories: ['system.operations.*'] } } },
    });
    const world = await record({ policies });
    await world.ask({ identity: 'service:checkout', vendor: 'acme', environment: 'production', event: 'usage.event', fields: ['event'] });
    await world.close();
    const own = createCatalogue(await loadYaml(policies));
    const map = await mapOf(world, {}, own);
    expect(map.edges.filter(({ from }) => ['acme', 'lake'].includes(from)).map(({ from, to, type }) => `${from} ${type} ${to}`)).toEqual(['acme forwards_to lake', 'acme exports_to warehouse', 'lake sub_processor glacier']);
    // By way of the platform, as its destination.
    expect(map.flows.filter(({ observed }) => observed).map(({ vendor, via, permitted }) => [vendor, via, permitted])).toEqual([['acme', '', 1], ['lake', 'acme', 1]]);
    const drawn = flowsMermaid(map);
    expect(drawn.split('\n').filter((line) => line.trim().startsWith('click'))).toEqual([expect.stringMatching(/^ {2}click n\d+ href "https:\/\/acme\.example\/dpa\?v=1" "DPA"$/)]);
    expect(drawn.split('\n').filter((line) => line.includes(' -->'))).toHaveLength(2);
    expect(own.vendorGraph.reached('acme').map(({ vendor }) => vendor)).not.toContain('warehouse');
  }, 60_000);

  test('a name from outside is a label and nothing else', async () => {
    const map = await mapOf(recorder, { app: 'genai-dashboard' });
    const [flow] = map.flows.filter(({ permitted }) => permitted > 0);
    const evil = 'x"] --> y["\n click n0 href "javascript:alert(1)" `<script>`';
    const drawn = flowsMermaid({ ...map, flows: [{ ...flow!, identity: evil, category: evil }], vendors: map.vendors.map((vendor) => ({ ...vendor, name: evil })) });
    expect(drawn).not.toMatch(/<script>|`|"javascript|^ *click n0/m);
    expect(drawn.split('\n').every((line) => line === '' || line.startsWith('  ') || line === 'flowchart LR')).toBe(true);
  });
});
