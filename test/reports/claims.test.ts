import { createCatalogue, type Catalogue } from '../../src/core/catalogue/catalogue.ts';
import type { Incident } from '../../src/reports/incident.ts';
import type { Processing, ProcessingRecords } from '../../src/reports/processing.ts';
import { runReport, type Report } from '../../src/reports/run.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, NOON, removeWorlds } from '../support/world.ts';
import { record, TELEMETRY, type Recorder } from './support.ts';

// What a recipient is to us by what it has signed, as long as that holds, and where it and its sub-processors are.

const DAY_MS = 86_400_000;
const claim = (value: unknown, more: object = {}) => ({ value, evidence: 'test', issued: '2026-01-01', ...more });
const CLAIMS = { dpa: claim(true), transfer_basis: claim({ type: 'SCC', covers_subprocessors: true }), retention_days: claim(30), trains_on_data: claim(false) };
const acme = (regions: readonly string[], edges: readonly object[], more: object = {}) => ({ name: 'Acme', party: 'third', categories: ['analytics'], regions, claims: { ...CLAIMS, ...more }, edges });
const to = (vendor: string, more: object = {}) => ({ to: vendor, type: 'sub_processor', source: 'test', ...more });

let recorder: Recorder;
let catalogue: Catalogue;
beforeAll(async () => {
  const ends = { expires: '2026-11-22' };
  const policies = await copyPolicies({
    'vendors/test.yaml': { vendors: {
      ending: acme(['DE'], [], { dpa: claim(true, ends), transfer_basis: claim({ type: 'SCC', covers_subprocessors: true }, ends), retention_days: claim(30, ends) }),
      near: acme(['DE', 'NO'], []), far: acme(['DE', 'US'], []), nowhere: acme([], []),
      'far-behind': acme(['DE'], [to('far')]), 'far-by-edge': acme(['DE'], [to('near', { regions: ['IN'] })]), 'near-behind': acme(['DE'], [to('far', { regions: ['FR'] })]), 'unsure-behind': acme(['DE'], [to('nowhere')]),
      'far-but-off': acme(['DE'], [to('far', { on: false })]),
    } },
    'grants/test.yaml': { grants: { hashed: { title: 'test', role: 'dashboard_telemetry', vendors: ['internal-obs'], environments: ['production'], purposes: ['analytics'], categories: ['user.contact.email', 'user.contact.phone_number'], effect: 'transform', obligations: [{ op: 'hmac' }] } } },
  });
  catalogue = createCatalogue(await loadYaml(policies));
  recorder = await record({ policies });
  for (const vendor of ['ending', 'near', 'far', 'nowhere', 'far-behind', 'far-by-edge', 'near-behind', 'unsure-behind', 'far-but-off']) await recorder.ask({ ...TELEMETRY, vendor, fields: ['feature_flag'] });
  await recorder.ask({ ...TELEMETRY, vendor: 'internal-obs', event: undefined, purpose: 'analytics.reporting', fields: ['email', 'phone'] });
  await recorder.close();
}, 60_000);
afterAll(() => Promise.all([endServers(), removeWorlds()]));

const make = (kind: string, parameters: Record<string, string>, nowMs: number): Promise<Report> => runReport(kind, new Map(Object.entries(parameters)), { dir: recorder.dir, catalogue, nowMs });
async function processingAt(nowMs: number): Promise<Readonly<Record<string, Processing>>> {
  const { processing } = (await make('processing', {}, nowMs)).value as ProcessingRecords;
  return Object.fromEntries(processing.map((one) => [one.recipient, one]));
}

test('R77, J14: what is past its date makes nobody a processor, and is no basis; on its last day it is', async () => {
  expect((await processingAt(NOON))['ending']).toMatchObject({ role: 'processor', transferBasis: 'SCC', retentionDays: '30' });
  expect((await processingAt(NOON + DAY_MS / 2))['ending']).toMatchObject({ role: 'third party without a DPA', transferBasis: 'expired', retentionDays: 'expired' });
  const roleAt = async (nowMs: number, more: Record<string, string> = {}) => ((await make('incident', { vendor: 'ending', ...more }, nowMs)).value as Incident).vendor.role;
  expect([await roleAt(NOON), await roleAt(NOON + DAY_MS), await roleAt(NOON + DAY_MS, { detected: '2026-11-21' })]).toEqual(['processor', 'third party without a DPA', 'processor']);
});

test('R77, Art. 44: a third country is one at a sub-processor too; where that is unknown nobody says no', async () => {
  const found = await processingAt(NOON);
  expect(Object.fromEntries(Object.entries(found).map(([recipient, { thirdCountry }]) => [recipient, thirdCountry]))).toMatchObject({
    near: 'no', far: 'yes', nowhere: 'unknown', 'far-behind': 'yes', 'far-by-edge': 'yes', 'near-behind': 'no', 'unsure-behind': 'unknown', 'far-but-off': 'no',
  });
});

test('R82: what was made of different things stands apart, and says of what', async () => {
  const report = await make('incident', { vendor: 'internal-obs' }, NOON);
  const made = (madeOf: string) => ({ category: 'user.unique_id.pseudonymous', madeOf, form: 'hmac', sensitivity: 'internal' });
  expect((report.value as Incident).nature.records.categories).toEqual([made('user.contact.email'), made('user.contact.phone_number')]);
  expect(report.markdown()).toContain('- `user.unique_id.pseudonymous`, hmac of `user.contact.email`, internal');
});
