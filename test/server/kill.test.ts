import { spawnSync } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom, SEED } from '../support/random.ts';
import { rounds, say } from '../support/rounds.ts';
import { endServers, missingFrom, newDataDir, readRecords, startLoad, startServer, until, type Acknowledged } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

afterAll(endServers);

const ROUNDS = rounds(5, 50);

/** What the auditor's program says is wrong; by what was signed before, too. */
function verify(dataDir: string, vkey: string, older: string | undefined): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['verify.mjs', path.join(dataDir, 'log'), '--vkey', vkey, ...older === undefined ? [] : ['--old-checkpoint', older]], { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

test(`R66, J31: kill -9 under load, ${ROUNDS} times (SEED=${SEED}): every answered decision is in the log at its index, the log verifies after each, and the index has every record`, async () => {
  say(`server/kill.test.ts: SEED=${SEED}, ${ROUNDS} rounds`);
  const dataDir = await newDataDir();
  const log = (...names: readonly string[]) => path.join(dataDir, 'log', ...names);
  const acknowledged: Acknowledged[] = [];
  const random = createRandom(SEED);
  let [vkey, older]: (string | undefined)[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const server = await startServer({ dataDir });
    const load = startLoad(server);
    const enough = 1 + Math.floor(random() ** 2 * 1500);
    await until(async () => load.acknowledged.length, (count) => count >= enough);
    const exit = await server.end('SIGKILL');
    await load.stop();
    expect(exit.signal).toBe('SIGKILL');
    acknowledged.push(...load.acknowledged);
    vkey ??= (await readFile(log('log.vkey'), 'utf8')).trim();
    expect([round, verify(dataDir, vkey, older)]).toEqual([round, '']);
    older = log('..', 'kept-checkpoint');
    await copyFile(log('checkpoint'), older);
    if (ROUNDS > 5 && round % 10 === 9) say(`server/kill.test.ts: ${round + 1} of ${ROUNDS}, ${acknowledged.length} answers so far`);
  }
  const server = await startServer({ dataDir });
  acknowledged.push(await server.check().then(({ decisionId, log: { index } }) => ({ decisionId, index })));
  const read = await until(() => server.send('/decisions?kind=decision&order=oldest&format=ndjson', { token: 'demo-auditor' }), ({ status }) => status === 200);
  expect(await server.end()).toMatchObject({ code: 0 });

  // Reading it proves that every line is whole and the indexes follow one another.
  const records = await readRecords(dataDir);
  expect(missingFrom(records, acknowledged)).toEqual([]);
  expect(new Set(acknowledged.map(({ index }) => index)).size).toBe(acknowledged.length);
  expect(records.filter(({ kind }) => kind === 'start')).toHaveLength(ROUNDS + 1);
  expect(new Set(records.map(({ origin }) => origin)).size).toBe(1);
  const indexed = read.text.split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { index: number }).index);
  expect(indexed).toEqual(records.filter(({ kind }) => kind === 'decision').map(({ index }) => index));
  expect(verify(dataDir, vkey!, older)).toBe('');

  // Each decision has the input that it names before it.
  const inputs = new Map(records.filter(({ kind }) => kind === 'input').map(({ digest, index }) => [digest, index]).reverse() as [string, number][]);
  const orphans = records.filter(({ kind, input, index }) => kind === 'decision' && !((inputs.get(input as string) ?? Infinity) < index));
  expect(orphans).toEqual([]);
}, 30_000 + ROUNDS * 12_000);
