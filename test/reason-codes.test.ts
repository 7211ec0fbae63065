import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { REASON_CODES, compareCodes, isReasonCode, type ReasonCode } from '../src/core/reason-codes.ts';
import { SluiceError } from '../src/core/errors.ts';
import { parseQuery } from '../src/log/index/ask/parse.ts';
import { loadBundle } from '../src/opa/build.ts';
import { createEngine } from '../src/opa/engine.ts';
import { createSnapshot } from '../src/snapshot.ts';
import { loadYaml } from '../src/sources/yaml/load.ts';
import { undeclaredCodes } from '../src/policy/names.ts';
import { complete } from '../src/core/prepare/complete.ts';
import { judge } from '../src/judge.ts';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { NOON, ROOT, RULES, removeWorlds, findBuiltOpa, openWorld } from './support/world.ts';

const CODES = { 'codes.yaml': { codes: { x_export_window: 'Exports run at night only.' } } };
const RULE = (code: string) => `package egress.rules.own.window

import rego.v2

# METADATA
# title: Exports to amplitude run at night
# custom:
#   code: ${code}
#   message: Exports to this vendor run at night only.
#   fix: Send {fields} at night.
rulings["night-only"] contains index if {
	input.vendor.id == "amplitude"
	some index, profile in input.profiles
	profile.ancestors["system.operations.timestamp"]
}
`;

let own = '';
beforeAll(async () => {
  own = await mkdtemp(path.join(tmpdir(), 'sluice-codes-'));
  await cp(RULES.own, own, { recursive: true });
});
afterAll(async () => {
  await removeWorlds();
  await rm(own, { recursive: true, force: true });
});

async function bundleWith(code: string) {
  await writeFile(path.join(own, 'window.rego'), RULE(code));
  return loadBundle({ rego: RULES.rego, own, cache: path.join(ROOT, '.tools', 'bundles'), opa: findBuiltOpa });
}

describe('F15: authors declare codes of their own in codes.yaml', () => {
  test('a rule gives one, and its reasons come after those of the closed list', async () => {
    const { policies } = await openWorld(CODES);
    const [facts, bundle] = [await loadYaml(policies), await bundleWith('x_export_window')];
    expect(undeclaredCodes({ facts, bundle })).toEqual([]);
    const engine = await createEngine(bundle.wasm, bundle.rules);
    const snapshot = createSnapshot({ facts, engine, bundle, vendorStates: new Map(), ageMs: () => 0, revisionOf: () => 1 });
    const asked = complete(parseQuestion({
      identity: 'service:checkout', vendor: 'amplitude', environment: 'production', event: 'usage.event', fields: ['ts', 'email'],
    }), snapshot.world.catalogue, { ...facts.callers.get('demo-gateway')! });
    const { decision } = judge(asked, snapshot, { nowMs: NOON, latestMs: NOON });
    expect(decision.reasons.at(-1)).toEqual({
      code: 'x_export_window', rule: 'night-only', fields: ['ts'],
      message: 'Exports to this vendor run at night only.', fix: 'Send ts at night.',
    });
    expect(decision.reasons.length).toBeGreaterThan(1);
  });

  test('one that is not declared is a mistake, with its place and the nearest one', async () => {
    const { policies } = await openWorld(CODES);
    const problems = undeclaredCodes({ facts: await loadYaml(policies), bundle: await bundleWith('x_export_windw') });
    expect(problems).toEqual([expect.stringMatching(
      /window\.rego:\d+: rule night-only: the code x_export_windw stands in no codes\.yaml \(did you mean x_export_window\?\)/,
    )]);
  });

  test('a word that is neither of the list nor begins with x_ does not build', async () => {
    await expect(bundleWith('export_window')).rejects.toThrow('one of your own begins with x_ and stands in codes.yaml');
  });

  test('a condition of a grant may give a declared one alone', async () => {
    const grant = (code: string) => ({
      ...CODES,
      'grants/own.yaml': { grants: { own: {
        role: 'product_events', vendors: ['amplitude'], environments: ['production'], purposes: ['analytics'],
        categories: ['system.operations.timestamp'],
        conditions: [{ code, if: { 'identity.attributes.team': { equals: 'data' } } }],
      } } },
    });
    await expect(openWorld(grant('x_export_window'))).resolves.toBeDefined();
    await expect(openWorld(grant('x_export_windw'))).rejects.toThrow('there is no reason code x_export_windw (did you mean x_export_window?)');
  });

  test.each(['X_a', 'x_', 'x_A', 'x-a', `x_${'a'.repeat(61)}`])('%s is no name for one', async (code) => {
    expect(isReasonCode(code)).toBe(false);
    await expect(openWorld({ 'codes.yaml': { codes: { [code]: 'x' } } })).rejects.toThrow('a code of your own is x_');
  });

  test('the log is searched by one', () => {
    const ask = (reason: string) => () => parseQuery([['reason', reason]], 'origin').query.filter.reason;
    expect(ask('x_export_window')()).toEqual(['x_export_window']);
    expect(ask('export_window')).toThrow(SluiceError);
  });

  test('the order is that of the closed list, then by name', () => {
    const mixed: ReasonCode[] = ['x_b', 'channel_not_allowed', 'x_a', 'unknown_identity'];
    expect(mixed.toSorted(compareCodes)).toEqual(['unknown_identity', 'channel_not_allowed', 'x_a', 'x_b']);
    expect([...REASON_CODES].reverse().toSorted(compareCodes)).toEqual([...REASON_CODES]);
  });
});
