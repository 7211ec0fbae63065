import path from 'node:path';
import { createCatalogue, type Catalogue } from '../../src/core/catalogue/catalogue.ts';
import type { FieldObligation } from '../../src/core/answer.ts';
import { acrossVendors } from '../../src/reports/across.ts';
import type { Basis } from '../../src/reports/basis.ts';
import { createCollector, type Collected } from '../../src/reports/collect.ts';
import { exposureOf } from '../../src/reports/exposure.ts';
import { subProcessorsOf } from '../../src/reports/held/sub-processors.ts';
import type { Incident } from '../../src/reports/incident.ts';
import { regulationsOf } from '../../src/reports/regulations.ts';
import { runReport } from '../../src/reports/run.ts';
import { parseCsv } from '../../src/reports/text/csv.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { endServers } from '../support/server.ts';
import { NOON, removeWorlds, ROOT } from '../support/world.ts';
import { record } from './support.ts';

let catalogue: Catalogue;
beforeAll(async () => { catalogue = createCatalogue(await loadYaml(path.join(ROOT, 'policies'))); });
afterAll(() => Promise.all([endServers(), removeWorlds()]));

const BASIS: Basis = { origin: null, first: null, last: null, pruned: 0, earlier: [], isCopy: false, inPermit: [] };
const HMAC: readonly FieldObligation[] = [{ field: 'x', op: 'hmac', resultCategory: 'user.unique_id.pseudonymous' }];

/** What each vendor was answered, one field a question. */
function collected(...answers: readonly (readonly [vendor: string, category: string, effect: 'allow' | 'deny', obligations?: readonly FieldObligation[]])[]): Collected {
  const collector = createCollector();
  for (const [vendor, category, effect, obligations = []] of answers) {
    const decision = effect === 'allow' && obligations.length > 0 ? 'transform' : effect;
    collector.add({ identity: 'service:x', vendor, environment: 'production', caller: 'c' }, { decision, obligations, reasons: [], fields: [{ paths: ['x'], effect: decision, category }] }, {
      counted: { count: 1, withRows: 0, rows: 0, firstMs: NOON, lastMs: NOON }, shape: () => undefined,
    });
  }
  return collector.result();
}

test('R26, R57: a keyed hash joins with nothing elsewhere, not even with the same category as it is', () => {
  const all = collected(['mixpanel', 'user.contact.email', 'allow', HMAC], ['amplitude', 'user.unique_id.pseudonymous', 'allow'], ['intercom', 'user.unique_id.pseudonymous', 'allow'], ['internal-obs', 'user.unique_id.pseudonymous', 'allow']);
  expect(exposureOf(all, { vendor: 'mixpanel', catalogue }).joinKeys).toEqual([{ category: 'user.unique_id.pseudonymous', form: 'hmac', alsoHeldBy: [] }]);
  expect(exposureOf(all, { vendor: 'amplitude', catalogue }).joinKeys).toEqual([{ category: 'user.unique_id.pseudonymous', form: 'raw', alsoHeldBy: ['intercom', 'internal-obs'] }]);
  expect(acrossVendors(all, { catalogue, basis: BASIS }).joins).toEqual([{ category: 'user.unique_id.pseudonymous', vendors: ['amplitude', 'intercom'] }]);
});

test('R63: what was asked for and left another time is not withheld, also where it left as something else; credentials are to be rotated', () => {
  const report = exposureOf(collected(
    ['mixpanel', 'user.contact.email', 'deny'], ['mixpanel', 'user.contact.email', 'allow', HMAC], ['mixpanel', 'user.name', 'deny'], ['mixpanel', 'user.authorization.password', 'allow', HMAC],
  ), { vendor: 'mixpanel', catalogue });
  expect(report.refused.withheld).toEqual(['user.name']);
  expect(report.keysToRotate.map(({ key }) => key)).toContain('what is in x');
  expect(exposureOf(collected(['mixpanel', 'user.name', 'allow']), { vendor: 'mixpanel', catalogue }).keysToRotate.map(({ key }) => key)).not.toContain('what is in x');
});

test('R49: a sub-processor that only the facts of then knew is told, and that no way to it is known now', () => {
  const list = subProcessorsOf('mixpanel', ['openai', 'gone-since', 'mixpanel'], catalogue);
  expect(list.find(({ vendor }) => vendor === 'gone-since')).toEqual({ vendor: 'gone-since', name: 'gone-since', path: null, llm: 'unknown', recorded: true, sources: [] });
  expect(list.find(({ vendor }) => vendor === 'openai')).toMatchObject({ path: ['mixpanel', 'openai'], recorded: true, llm: true });
  expect(list.find(({ vendor }) => vendor === 'anthropic')).toMatchObject({ recorded: false });
  expect(list.some(({ vendor }) => vendor === 'mixpanel')).toBe(false);
});

test('R77: health data brings in Art. 9', () => {
  expect(regulationsOf(['user.health_and_medical.condition'], catalogue, false)).toContain('GDPR Art. 9');
  expect(regulationsOf(['user.location.imprecise.region', 'user.contact.email'], catalogue, false)).toEqual(['GDPR', 'CCPA', 'US state privacy laws']);
  expect(regulationsOf(['system.operations.plan'], catalogue, false)).toEqual([]);
});

test("R60: an apostrophe that a person wrote stays; the guard's own is taken away", () => {
  expect(parseCsv("'tis,'=1,''=1,''\r\n")).toEqual([["'tis", '=1', "'=1", "'"]]);
});

test('R54, R82: the worst of what the files and the switch say is the state', async () => {
  const recorder = await record();
  await recorder.setVendor('amplitude', 'terminated');
  await recorder.setVendor('vendor-x', 'under_review');
  await recorder.close();
  const vendors = new Map([...catalogue.facts.vendors].map(([id, vendor]) => [id, id === 'vendor-x' || id === 'amplitude' ? { ...vendor, state: 'breached' as const } : vendor]));
  const takenFor = async (vendor: string, of: Catalogue) => ((await runReport('incident', new Map([['vendor', vendor]]), { dir: recorder.dir, catalogue: of, nowMs: NOON })).value as Incident).measures.taken;
  const breached = createCatalogue({ ...catalogue.facts, vendors });
  expect([await takenFor('vendor-x', breached), await takenFor('amplitude', breached), await takenFor('vendor-x', catalogue), await takenFor('amplitude', catalogue)]).toEqual([
    [expect.stringContaining('breached')], [expect.stringContaining('terminated')], [], [expect.stringContaining('terminated')],
  ]);
}, 60_000);
