import { spawnSync } from 'node:child_process';
import { appendFile, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createCatalogue, type Catalogue } from '../../src/core/catalogue/catalogue.ts';
import { openBundles, policiesOf } from '../../src/replay/bundles.ts';
import { reproduce } from '../../src/replay/reproduce.ts';
import { scan } from '../../src/replay/scan.ts';
import type { ExposureReport } from '../../src/reports/exposure.ts';
import type { Negative } from '../../src/reports/negative.ts';
import { REPORTS, runReport } from '../../src/reports/run.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { copyRego, endServers } from '../support/server.ts';
import { NOON, removeWorlds, ROOT } from '../support/world.ts';
import { record, remove, scratch, TELEMETRY, type Recorder } from './support.ts';

// What a report can't tell, since the log that it is made from doesn't have it.

let catalogue: Catalogue;
const folders: string[] = [];
beforeAll(async () => { catalogue = createCatalogue(await loadYaml(path.join(ROOT, 'policies'))); });
afterAll(() => Promise.all([endServers(), removeWorlds(), ...folders.map(remove)]));

const HOUR = 3_600_000;
const QUESTION = { ...TELEMETRY, fields: ['anon_user_id', 'region'], rows: 1 };
const make = async (dir: string, kind: string, parameters: Record<string, string>) => (await runReport(kind, new Map(Object.entries(parameters)), { dir, catalogue, nowMs: NOON + 24 * HOUR }));
const exposure = async (dir: string, parameters: Record<string, string> = {}) => (await make(dir, 'exposure', { vendor: 'mixpanel', ...parameters })).value as ExposureReport;
const negative = async (dir: string, parameters: Record<string, string> = {}) => (await make(dir, 'negative', { vendor: 'mixpanel', category: 'user.content', ...parameters })).value as Negative;

/** Two hours of questions: under the rules, and under rules that were changed in between. */
async function twoHours(): Promise<Recorder> {
  const rego = await copyRego();
  const recorder = await record({ rego });
  for (let n = 0; n < 300; n += 1) await recorder.ask(QUESTION);
  const file = path.join(rego, (await readdir(rego, { recursive: true })).find((name) => name.endsWith('genai.rego'))!);
  await writeFile(file, (await readFile(file, 'utf8')).replace('"system.ai.knowledge_base_id"]', '"system.ai.knowledge_base_id", "system.ai.agent_session"]'));
  recorder.later(2 * HOUR);
  await recorder.reload();
  for (let n = 0; n < 300; n += 1) await recorder.ask(QUESTION);
  await recorder.close();
  return recorder;
}

/** In the order in which they came to serve. */
async function policiesIn(recorder: Recorder): Promise<readonly string[]> {
  return [...await policiesOf(recorder.dir)];
}

const areKept = (recorder: Recorder, digests: readonly string[]) => (
  Promise.all(digests.map(async (digest) => await openBundles(path.join(recorder.dataDir, 'bundles')).engineOf(digest) !== undefined))
);

const sluice = (recorder: Recorder, ...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('sh', ['scripts/node.sh', 'src/cli/main.ts', ...args], { cwd: ROOT, encoding: 'utf8', env: { PATH: process.env['PATH'], SLUICE_DATA_DIR: recorder.dataDir } });
  return { status, out: stdout, err: stderr };
};

describe('a log that was pruned, and then taken the place of', () => {
  let recorder: Recorder;
  let kept: readonly string[];
  let policies: readonly string[];
  beforeAll(async () => {
    recorder = await twoHours();
    kept = await readdir(path.join(recorder.dataDir, 'bundles'));
    policies = await policiesIn(recorder);
    expect(policies).toHaveLength(2);
    const whole = await exposure(recorder.dir);
    expect(whole).toMatchObject({ permittedToLeave: { decisions: 600, rows: 600 }, basis: { pruned: 0, earlier: [], first: { index: 0 } }, gaps: [], notes: [expect.stringMatching(/^Made from records 0 to 609 of the log sluice\/\w+, of .* "sluice log verify"/)] });
    expect(sluice(recorder, 'log', 'prune', '--before', new Date(NOON + 3 * HOUR).toISOString())).toMatchObject({ status: 0, out: expect.stringContaining('were removed') });
  }, 60_000);

  test('every report counts what is left, and says where the log begins', async () => {
    const left = await exposure(recorder.dir);
    expect(left.permittedToLeave.decisions).toBeLessThan(600);
    expect(left.permittedToLeave.decisions).toBeGreaterThanOrEqual(300);
    expect(left.basis!.pruned).toBeGreaterThan(256);
    expect(left.gaps).toEqual([expect.stringMatching(/^The log begins at 2026-11-22T1.*those before have been pruned\. Of the time before nothing is known here\.$/)]);
    for (const [kind, parameters] of Object.entries({ exposure: { vendor: 'mixpanel' }, incident: { vendor: 'mixpanel' }, vendors: {}, negative: { category: 'user.content' }, 'data-flow': {}, processing: {} })) {
      expect((await make(recorder.dir, kind, parameters as Record<string, string>)).markdown()).toContain('those before have been pruned');
    }
    expect((await make(recorder.dir, 'exposure', { vendor: 'mixpanel' })).markdown()).toContain('This is no upper bound, since the log does not hold the whole time.');
    expect((await make(recorder.dir, 'incident', { vendor: 'mixpanel' })).markdown()).toContain('Records permitted to leave, of what this log holds:');
    expect((await make(recorder.dir, 'unused-grants', {})).value).toMatchObject({ conclusive: false, basis: { pruned: left.basis!.pruned } });
    expect(Object.keys(REPORTS)).toHaveLength(8);
  });

  test('R65: a nought over a time that the log does not hold proves nothing; over one that it holds it does', async () => {
    expect(await negative(recorder.dir)).toMatchObject({ answer: 'inconclusive', why: [expect.stringContaining('have been pruned')] });
    const { basis } = await exposure(recorder.dir);
    const from = new Date(Date.parse(basis!.first!.time) + 1).toISOString();
    expect(await negative(recorder.dir, { from })).toMatchObject({ answer: 'none permitted', why: [], searched: { decisions: expect.any(Number) as number } });
    expect(await negative(recorder.dir, { from, to: '2027-01-01' })).toMatchObject({ answer: 'inconclusive', why: ['The time is not over.'] });
  });

  test('R66: the policy that only pruned records were decided by is gone with them; what is left comes out again', async () => {
    expect(await areKept(recorder, policies)).toEqual([false, true]);
    // Those that no record ever named may be about to serve.
    expect(await readdir(path.join(recorder.dataDir, 'bundles'))).toHaveLength(kept.length - 1);
    const report = await reproduce(scan({ dir: recorder.dir, permitted: true }), openBundles(path.join(recorder.dataDir, 'bundles')));
    expect(report).toMatchObject({ different: 0, missingBundles: {} });
    expect(report.reproduced).toBe(report.records);
  });

  test('after a new origin the earlier log is named, and can be reported of by itself', async () => {
    expect(sluice(recorder, 'log', 'new-origin', '--because', 'a test')).toMatchObject({ status: 0 });
    const begun = await exposure(recorder.dir);
    const [folder] = begun.basis!.earlier;
    expect(begun).toMatchObject({ permittedToLeave: { decisions: 0 }, gaps: [expect.stringContaining('The log begins at'), expect.stringContaining(`old/${folder}`)] });
    expect((await make(recorder.dir, 'incident', { vendor: 'mixpanel' })).value).toMatchObject({ likelyConsequences: [expect.stringMatching(/^Unknown: /)], evidence: { isWhole: false } });
    expect(await negative(recorder.dir)).toMatchObject({ answer: 'inconclusive' });
    const { status, out } = sluice(recorder, 'exposure', 'mixpanel', '--json', '--log', path.join(recorder.dir, 'old', folder!));
    expect(status).toBe(0);
    expect((JSON.parse(out) as ExposureReport).permittedToLeave.decisions).toBeGreaterThanOrEqual(300);
    expect(await areKept(recorder, policies)).toEqual([false, true]);
  });
});

test('an archive keeps what its records need: their policy stays', async () => {
  const recorder = await twoHours();
  const archive = await scratch();
  folders.push(archive);
  expect(sluice(recorder, 'log', 'prune', '--before', new Date(NOON + 3 * HOUR).toISOString(), '--archive', archive)).toMatchObject({ status: 0 });
  expect(await areKept(recorder, [...await policiesIn(recorder), ...await policiesOf(archive)])).not.toContain(false);
  const archived = await reproduce(scan({ dir: archive }), openBundles(path.join(recorder.dataDir, 'bundles')));
  expect(archived).toMatchObject({ different: 0, missingBundles: {} });
  expect(archived.reproduced).toBeGreaterThan(250);
}, 60_000);

describe('a damaged log', () => {
  let recorder: Recorder;
  let lines: readonly string[];
  beforeAll(async () => {
    recorder = await record();
    for (let n = 0; n < 5; n += 1) await recorder.ask({ ...QUESTION, fields: n % 2 === 0 ? ['anon_user_id'] : ['region'] });
    await recorder.close();
    const [segment] = await readdir(path.join(recorder.dir, 'segments'));
    lines = (await readFile(path.join(recorder.dir, 'segments', segment!), 'utf8')).trimEnd().split('\n');
  });

  async function damaged(change: (line: string, at: number) => string, tail = ''): Promise<{ readonly dir: string; readonly file: string }> {
    const dir = await scratch();
    folders.push(dir);
    await cp(recorder.dir, dir, { recursive: true });
    const [segment] = await readdir(path.join(dir, 'segments'));
    const file = path.join(dir, 'segments', segment!);
    await writeFile(file, `${lines.map(change).join('\n')}\n${tail}`);
    return { dir, file };
  }

  const isDecision = (line: string) => line.includes('"kind":"decision"');
  test.each([
    ['a brace is missing', (line: string) => line.replace('"fields":[{', '"fields":[')],
    ['a quote is missing', (line: string) => line.replace('"vendor":"', '"vendor":')],
    ['the kind is another word', (line: string) => line.replace('"kind":"decision"', '"kind":"decisiom"')],
    ['the time is none', (line: string) => line.replace(/"time":"[^"]+"/, '"time":"yesterday, towards tea"')],
    ['the index is another one', (line: string) => line.replace(/"index":\d+/, '"index":999')],
    ['it is empty', () => ''],
    ['it is no JSON at all', () => 'what is this'],
  ])('a line is told by its file and its place: %s', async (_, change) => {
    const at = lines.findIndex(isDecision);
    const { dir, file } = await damaged((line, index) => (index === at ? change(line) : line));
    await expect(exposure(dir)).rejects.toThrow(`${file}:${at + 1}: `);
  });

  test('an input that was changed is as good as none: nothing is decided by it', async () => {
    const { dir } = await damaged((line) => (line.includes('"kind":"input"') ? line.replace('"state":"active"', '"state":"passive"') : line));
    const report = await reproduce(scan({ dir }), openBundles(path.join(recorder.dataDir, 'bundles')));
    expect(report).toMatchObject({ reproduced: 0, withoutInput: 5 });
  });

  test('a torn last line is what a server is just writing: it does not count, and nothing fails', async () => {
    const { dir, file } = await damaged((line) => line, lines.find(isDecision)!.slice(0, 200));
    expect(await exposure(dir)).toMatchObject({ permittedToLeave: { decisions: 5 } });
    await appendFile(file, 'x');
    expect(await exposure(dir)).toMatchObject({ permittedToLeave: { decisions: 5 } });
  });

  test('an empty log is told', async () => {
    const { dir } = await damaged((line) => line);
    const [segment] = await readdir(path.join(dir, 'segments'));
    await rm(path.join(dir, 'segments', segment!));
    expect(await exposure(dir)).toMatchObject({ gaps: ['The log is empty.'], permittedToLeave: { decisions: 0 } });
    expect(await negative(dir)).toMatchObject({ answer: 'inconclusive', why: ['The log is empty.'] });
  });
});

test('reports are made while the decision point writes: each of a whole number of records, and never fewer than before', async () => {
  const recorder = await record();
  await recorder.ask(QUESTION);
  const counts: number[] = [];
  const writing = (async () => { for (let n = 0; n < 400; n += 1) await recorder.ask({ ...QUESTION, rows: 1 + n }); })();
  let isWriting = true;
  void writing.finally(() => { isWriting = false; });
  while (isWriting) counts.push((await exposure(recorder.dir)).permittedToLeave.decisions);
  await writing;
  await recorder.close();
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(await exposure(recorder.dir)).toMatchObject({ permittedToLeave: { decisions: 401, rows: 1 + 400 * 401 / 2 } });
}, 60_000);
