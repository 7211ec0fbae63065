import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Decision } from '../../src/core/answer.ts';
import { complete } from '../../src/core/prepare/complete.ts';
import type { VendorState } from '../../src/core/facts.ts';
import type { FieldsRecord } from '../../src/core/record.ts';
import { parseQuestion } from '../../src/core/parse/parse.ts';
import { judge, remember, type Judged } from '../../src/judge.ts';
import { loadBundle, type Bundle } from '../../src/opa/build.ts';
import { createEngine, type Engine } from '../../src/opa/engine.ts';
import { ageSince, createSnapshot, type Snapshot } from '../../src/snapshot.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';

/** The moment that the example world's dates are written for. */
export const NOON = Date.parse('2026-11-22T12:00:00Z');
export const ROOT = path.resolve(__dirname, '../..');

/** Files to add to the example world, by their name below policies/: each is YAML as an object. */
export type Extra = Readonly<Record<string, object>>;

export interface World {
  readonly snapshot: Snapshot;
  readonly policies: string;
  ask(question: object, options?: AskOptions): Decision;
  judge(question: object, options?: AskOptions): Judged;
  /** The decision record, as it would be logged. */
  record(question: object, options?: AskOptions): Record<string, unknown>;
}

export interface AskOptions {
  readonly atMs?: number;
  readonly latestMs?: number;
  readonly caller?: string;
}

let engine: Promise<{ bundle: Bundle; engine: Engine }> | undefined;

/** The example world's folders of rules. */
export const RULES = { rego: path.join(ROOT, 'rego'), own: path.join(ROOT, 'policies', 'rules') } as const;

/** The example world's rules, built once a run. */
export const shippedEngine = () => {
  engine ??= (async () => {
    const bundle = await loadBundle({ ...RULES, cache: path.join(ROOT, '.tools', 'bundles'), opa: findBuiltOpa });
    return { bundle, engine: await createEngine(bundle.wasm, bundle.rules) };
  })();
  return engine;
};

/** Set-up has put it there, or somebody named another one. */
export const findBuiltOpa = async () => process.env['SLUICE_OPA'] ?? path.join(ROOT, '.tools', 'bin', 'opa');

const folders: string[] = [];

/** The example world with more files, through the real loader and the real WASM. */
export async function openWorld(extra: Extra = {}, vendorStates: ReadonlyMap<string, VendorState> = new Map()): Promise<World> {
  const policies = await copyPolicies(extra);
  const { bundle, engine: built } = await shippedEngine();
  const snapshot = createSnapshot({ facts: await loadYaml(policies), bundle, engine: built, vendorStates, ageMs: ageSince(NOON), revisionOf: () => 1 });
  const judgeQuestion = (question: object, { atMs = NOON, latestMs = atMs, caller = 'demo-gateway' }: AskOptions = {}) => {
    const known = snapshot.world.catalogue.facts.callers.get(caller);
    if (known === undefined) throw new Error(`no caller ${caller}`);
    return judge(complete(parseQuestion(question), snapshot.world.catalogue, known), snapshot, { nowMs: atMs, latestMs }, (error) => { throw error; });
  };
  return {
    snapshot,
    policies,
    judge: judgeQuestion,
    ask: (question, options) => judgeQuestion(question, options).decision,
    record: (question, options) => JSON.parse(`{${remember(judgeQuestion(question, options), snapshot, { hash: (name) => `?${name.length}`, program: 'test' }).record.members}}`) as Record<string, unknown>,
  };
}

export async function copyPolicies(extra: Extra): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-world-'));
  folders.push(folder);
  await cp(path.join(ROOT, 'policies'), folder, { recursive: true });
  for (const [name, value] of Object.entries(extra)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), stringify(value));
  }
  return folder;
}

export const removeWorlds = () => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));

export const codes = (decision: Pick<Decision, 'reasons'>) => decision.reasons.map(({ code }) => code);
export const because = (decision: Pick<Decision, 'reasons'>) => decision.reasons.map(({ code, rule }) => `${code}@${rule}`);
export const effects = (decision: Pick<Decision, 'fields'>) => Object.fromEntries(Object.entries(decision.fields).map(([path_, { effect }]) => [path_, effect]));

/** The paths that a decision record names. */
export const pathsOf = (record: Readonly<Record<string, unknown>>): readonly string[] => (record['fields'] as readonly FieldsRecord[]).flatMap(({ paths }) => paths);
