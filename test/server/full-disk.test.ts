import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { endServers, makeFolder, newDataDir, QUESTION, readRecords, startServer, until } from '../support/server.ts';

const mounted: string[] = [];

afterAll(async () => {
  unmountAll();
  await endServers();
});

function unmountAll(): void {
  for (const folder of mounted.splice(0)) execFileSync('umount', ['-l', folder]);
}

/** A file system of its own with 2 MB. */
function mountSmall(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'none', folder], { stdio: 'pipe' });
  mounted.push(folder);
}

async function mayMount(): Promise<boolean> {
  const folder = await makeFolder();
  try {
    mountSmall(folder);
    unmountAll();
    return true;
  } catch {
    return false;
  }
}

/** Takes all the space that is left. */
async function fill(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const size of [65_536, 4_096, 1]) await writeUntilFull(handle, Buffer.alloc(size));
  } finally {
    await handle.close();
  }
}

async function writeUntilFull(handle: Awaited<ReturnType<typeof open>>, block: Buffer): Promise<void> {
  try {
    for (;;) await handle.write(block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

test('J31: with a full disk there is no decision but 503; with space again it goes on by itself, and the log tells of the gap', async () => {
  if (!await mayMount()) {
    // The same with injected errors: test/log/faults.test.ts.
    process.stderr.write('full-disk.test.ts: skipped, since only root may mount a small file system here\n');
    return;
  }
  const dataDir = await newDataDir();
  await mkdir(path.join(dataDir, 'log'), { recursive: true });
  mountSmall(path.join(dataDir, 'log'));

  const server = await startServer({ dataDir });
  const answered = [await server.check()];
  const filler = path.join(dataDir, 'log', 'filler');
  await fill(filler);
  // What is left of the last page of the segment still takes some.
  const refused = await until(async () => {
    const received = await server.send('/check', { body: QUESTION });
    if (received.status === 200) answered.push(received.json() as unknown as (typeof answered)[number]);
    return received;
  }, ({ status }) => status !== 200);
  expect(refused.status).toBe(503);
  expect(refused.json()).toMatchObject({ code: 'audit_unavailable' });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  const unready = await server.send('/readyz');
  expect([unready.status, unready.json()]).toEqual([503, { status: 'not_ready', reasons: ['log_failed'] }]);
  expect((await server.send('/livez')).status).toBe(200);
  expect((await server.send('/metrics')).text).toMatch(/^sluice_audit_failed 1$/m);
  const batch = await server.send('/check/batch', { body: { items: [QUESTION, QUESTION] } });
  expect(batch.json()['items']).toEqual([0, 1].map(() => ({ error: { code: 'audit_unavailable', message: expect.any(String) } })));

  await rm(filler);
  // Nobody asks a server that is not ready: it must find out by itself.
  await until(() => server.send('/readyz'), ({ status }) => status === 200);
  answered.push(await server.check());
  expect(await server.end()).toMatchObject({ code: 0 });
  // F21: one line each, however many were refused.
  const lines = server.output().split('\n').filter((line) => line.includes('the log is ')).map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(lines).toEqual(['the log is not written: no question is answered', 'the log is written again: questions are answered']);

  const records = await readRecords(dataDir);
  expect(answered.map(({ log }) => records[log.index]!['decisionId'])).toEqual(answered.map(({ decisionId }) => decisionId));
  const gaps = records.filter(({ kind }) => kind === 'gap');
  expect(gaps).toEqual([expect.objectContaining({ reason: 'ENOSPC' })]);
  expect(gaps[0]!['refused']).toBeGreaterThanOrEqual(3);
  expect(records.at(-1)!.kind).toBe('stop');
});

test('J31: a log on an empty volume of its own can be a first start', async () => {
  if (!await mayMount()) return;
  const dataDir = await newDataDir();
  await mkdir(path.join(dataDir, 'log'));
  mountSmall(path.join(dataDir, 'log'));
  const server = await startServer({ dataDir });
  expect((await server.check()).decision).toBe('deny');
  expect(existsSync(path.join(dataDir, 'log', 'segments'))).toBe(true);
});
