import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createCatalogue, type Catalogue } from '../../src/core/catalogue/catalogue.ts';
import type { ExposureReport } from '../../src/reports/exposure.ts';
import type { Negative } from '../../src/reports/negative.ts';
import { runReport } from '../../src/reports/run.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, NOON, removeWorlds } from '../support/world.ts';
import { record, remove, scratch, TELEMETRY, type Recorder } from './support.ts';

// R65: a proof that something never left must not rest on what the log can't tell.

const DAY_MS = 86_400_000;
let catalogue: Catalogue;
let recorder: Recorder;
const folders: string[] = [];
beforeAll(async () => {
  const grant = (more: object) => ({ title: 'test', role: 'dashboard_telemetry', environments: ['production'], purposes: ['analytics'], ...more });
  const policies = await copyPolicies({
    'vendors/hub.yaml': { vendors: {
      hub: { name: 'Hub', party: 'first', categories: ['cdp'], regions: ['DE'], edges: [{ to: 'lake', type: 'forwards_to', on: true, source: 'test' }] },
      lake: { name: 'Lake', party: 'first', categories: ['cloud'], regions: ['DE'] },
    } },
    'grants/test.yaml': { grants: { private: grant({ vendors: ['internal-obs'], categories: ['user.content.private', 'user.contact.email'] }), flags: grant({ vendors: ['hub', 'lake'], categories: ['system.operations.feature_flag'] }) } },
  });
  catalogue = createCatalogue(await loadYaml(policies));
  recorder = await record({ policies });
  await recorder.ask({ ...TELEMETRY, vendor: 'internal-obs', event: 'settings.changed', fields: ['config.secret_thing'] });
  await recorder.ask({ ...TELEMETRY, vendor: 'posthog-selfhosted', event: undefined, purpose: 'analytics.reporting', categories: ['user.location.imprecise.region'] });
  await recorder.ask({ ...TELEMETRY, vendor: 'hub', fields: ['feature_flag'] });
  await recorder.close();
}, 60_000);
afterAll(() => Promise.all([endServers(), removeWorlds(), ...folders.map(remove)]));

async function make<Value>(kind: string, parameters: Record<string, string>, more: { readonly dir?: string; readonly isCopy?: boolean } = {}): Promise<Value> {
  return (await runReport(kind, new Map(Object.entries(parameters)), { dir: recorder.dir, catalogue, nowMs: NOON + 9 * DAY_MS, ...more })).value as Value;
}
const negative = (vendor: string, field: string, more = {}) => make<Negative>('negative', { vendor, field }, more);

test('a dynamic key is found as it is declared; its own name is a hash, which may be any', async () => {
  expect(await negative('internal-obs', 'config.*')).toMatchObject({ answer: 'permitted', examples: [{ field: expect.stringMatching(/^config\.\?[0-9a-f]{16}$/) as string }] });
  expect(await negative('internal-obs', 'config.secret_thing')).toMatchObject({ answer: 'inconclusive', unnamed: 1, why: [expect.stringContaining('stands in the log as a hash')] });
  // Of another length, or under another name, it can't be.
  for (const field of ['theme', 'anon_user_id', '$event']) expect(await negative('internal-obs', field)).toMatchObject({ unnamed: 0 });
  expect(await make<Negative>('negative', { vendor: 'internal-obs', field: 'config.other', category: 'user.contact' })).toMatchObject({ answer: 'none permitted', unnamed: 0 });
});

test('what was asked for by its category names no field: it may be any', async () => {
  expect(await negative('posthog-selfhosted', 'region')).toMatchObject({ answer: 'inconclusive', unnamed: 1, why: [expect.stringContaining('asked for by its category')] });
  expect(await make<Negative>('negative', { vendor: 'posthog-selfhosted', field: 'email', category: 'user.contact' })).toMatchObject({ answer: 'none permitted', unnamed: 0 });
  expect(await make<Negative>('negative', { vendor: 'posthog-selfhosted', category: 'user.contact' })).toMatchObject({ answer: 'none permitted' });
});

test('a misspelt field proves nothing, nor does part of a path', async () => {
  expect(await negative('mixpanel', 'emial')).toMatchObject({ answer: 'inconclusive', why: ['Neither the catalogue nor the log of this time names this field (did you mean email?): names that nobody knew stand there as hashes.'] });
  expect(await negative('mixpanel', 'config')).toMatchObject({ answer: 'inconclusive' });
  expect(await negative('mixpanel', 'email')).toMatchObject({ answer: 'none permitted', why: [] });
  expect(await negative('mixpanel', '$event')).toMatchObject({ answer: 'none permitted', why: [] });
  // Known to the log alone, as after it was taken out of the catalogue.
  const events = new Map([...catalogue.facts.events].filter(([, { fields }]) => fields.every((field) => field.path !== 'feature_flag')));
  const later = createCatalogue({ ...catalogue.facts, events, fields: new Map([...catalogue.facts.fields].filter(([field]) => field !== 'feature_flag')) });
  expect((await runReport('negative', new Map([['vendor', 'mixpanel'], ['field', 'feature_flag']]), { dir: recorder.dir, catalogue: later, nowMs: NOON })).value).toMatchObject({ answer: 'none permitted', why: [] });
});

test('without its input a decision does not say to whom it was handed on: every report tells, and no nought is a proof', async () => {
  expect(await negative('lake', 'feature_flag')).toMatchObject({ answer: 'permitted', withoutInput: 0 });
  const dir = await scratch();
  folders.push(dir);
  await cp(recorder.dir, dir, { recursive: true });
  const [segment] = await readdir(path.join(dir, 'segments'));
  const file = path.join(dir, 'segments', segment!);
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll('"state":"active"', '"state":"passive"'));
  expect(await negative('lake', 'feature_flag', { dir })).toMatchObject({ answer: 'inconclusive', withoutInput: 3, why: [expect.stringContaining('to whom it was handed on is not known')] });
  // A decision on the vendor itself needs no input.
  expect(await negative('hub', 'region', { dir })).toMatchObject({ answer: 'inconclusive', withoutInput: 2 });
  expect(await make<Negative>('negative', { field: 'region' }, { dir })).toMatchObject({ withoutInput: 0 });
  const parameters = { exposure: { vendor: 'lake' }, incident: { vendor: 'lake' }, vendors: {}, processing: {}, 'data-flow': {} };
  for (const [kind, asked] of Object.entries(parameters)) {
    for (const [of, says] of [[dir, true], [recorder.dir, false]] as const) {
      const made = await runReport(kind, new Map(Object.entries(asked)), { dir: of, catalogue, nowMs: NOON });
      expect([kind, made.markdown().includes('3 decisions let something out, and their input is not in the log')]).toEqual([kind, says]);
    }
  }
});

test('a copy knows nothing of the time after its end; the log itself does', async () => {
  const asked = { vendor: 'mixpanel', category: 'user.content', to: new Date(NOON + DAY_MS).toISOString() };
  expect(await make<Negative>('negative', asked)).toMatchObject({ answer: 'none permitted', basis: { isCopy: false } });
  expect(await make<Negative>('negative', asked, { isCopy: true })).toMatchObject({ answer: 'inconclusive', why: [expect.stringMatching(/^This copy of the log ends at 2026-11-22T12:00:03/)] });
  expect(await make<Negative>('negative', { ...asked, to: new Date(NOON + 2000).toISOString() }, { isCopy: true })).toMatchObject({ answer: 'none permitted' });
  expect((await make<ExposureReport>('exposure', { vendor: 'mixpanel', to: asked.to }, { isCopy: true })).gaps).toEqual([expect.stringContaining('Of the time after nothing is known')]);
});
