import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createCatalogue } from '../../src/core/catalogue/catalogue.ts';
import type { UnusedGrants } from '../../src/reports/grants.ts';
import { runReport } from '../../src/reports/run.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, NOON, removeWorlds } from '../support/world.ts';
import { record, TELEMETRY } from './support.ts';

afterAll(() => Promise.all([endServers(), removeWorlds()]));

const DAY_MS = 86_400_000;
const grant = (more: object) => ({ title: 'test', role: 'dashboard_telemetry', vendors: ['internal-obs'], environments: ['production'], purposes: ['analytics'], categories: ['user.contact.email'], ...more });

test('R37: a grant that was not in force all the time is not said to be unused; one that has ended, and one that a review used, are told as they are', async () => {
  const policies = await copyPolicies({
    'grants/test.yaml': { grants: {
      whole: grant({ starts: '2026-08-25' }), young: grant({ starts: '2026-08-26' }), 'not-yet': grant({ starts: '2027-06-01' }), ended: grant({ starts: '2026-10-01', expires: '2026-10-31' }),
      'young-and-used': grant({ starts: '2026-11-01', vendors: ['posthog-selfhosted'], categories: ['user.location.imprecise.country'] }),
      asked: grant({ effect: 'review', approverRole: 'privacy_officer', vendors: ['posthog-selfhosted'], categories: ['user.contact.email'] }),
      approved: grant({ effect: 'review', approverRole: 'privacy_officer', vendors: ['posthog-selfhosted'], categories: ['user.device.browser'] }),
    } },
    'approvals/test.yaml': { approvals: { yes: {
      identity: 'service:telemetry', vendor: 'posthog-selfhosted', environment: 'production', purpose: 'analytics.reporting', channel: 'telemetry', event: 'genai_dashboard.viewed', eventVersion: '1', fields: ['browser'], approver: 'user:dana', requester: 'user:sam', starts: '2026-11-01', expires: '2026-12-31',
    } } },
  });
  const catalogue = createCatalogue(await loadYaml(policies));
  const recorder = await record({ policies });
  await recorder.ask({ ...TELEMETRY, vendor: 'posthog-selfhosted', fields: ['country'] });
  await recorder.ask({ ...TELEMETRY, vendor: 'posthog-selfhosted', fields: ['email'] });
  await recorder.ask({ ...TELEMETRY, vendor: 'posthog-selfhosted', fields: ['browser'] });
  await recorder.close();
  const make = () => runReport('unused-grants', new Map(), { dir: recorder.dir, catalogue, nowMs: Date.UTC(2026, 10, 22) + DAY_MS });
  const report = await make();
  const { unused, used, tooYoung, notes } = report.value as UnusedGrants;
  expect(tooYoung).toEqual([{ grant: 'not-yet', starts: '2027-06-01T00:00:00.000Z' }, { grant: 'young', starts: '2026-08-26T00:00:00.000Z' }]);
  expect(unused.map((one) => one.grant)).toEqual(expect.arrayContaining(['asked', 'ended', 'whole']));
  expect(used.map((one) => one.grant)).toEqual(expect.arrayContaining(['young-and-used', 'approved']));
  expect(report.markdown()).toContain('`not-yet` starts 2027-06-01T00:00:00.000Z, and has not been used so far');
  expect(notes).toEqual([expect.stringMatching(/^Made from records 0 to 9 of the log /)]);

  // The last activation alone counts.
  const [segment] = await readdir(path.join(recorder.dir, 'segments'));
  const file = path.join(recorder.dir, 'segments', segment!);
  await writeFile(file, (await readFile(file, 'utf8')).replace('"vendorStates":{}', '"vendorStates":{},"permit":{"production":{"number":1,"digest":"sha256:0"}}'));
  expect((await make()).value).toMatchObject({ basis: { inPermit: ['production'] }, notes: [expect.stringMatching(/^Made from/), expect.stringContaining('Permit administers production: its grants, identities and claims are not at hand here')] });
  for (const [kind, parameters] of Object.entries({ exposure: { vendor: 'mixpanel' }, vendors: {}, processing: {}, 'data-flow': {}, incident: { vendor: 'mixpanel' } })) {
    expect((await runReport(kind, new Map(Object.entries(parameters)), { dir: recorder.dir, catalogue, nowMs: NOON })).markdown()).toContain('Permit administers production');
  }
}, 60_000);
