import { createRandom, SEED } from '../support/random.ts';
import { endServers, missingFrom, newDataDir, readRecords, startLoad, startServer, until, type Acknowledged } from '../support/server.ts';

afterAll(endServers);

const ROUNDS = 5 * Number(process.env['SLUICE_SOAK'] ?? 1);

test(`R66, J31: kill -9 under load, ${ROUNDS} times (SEED=${SEED}): every answered decision is in the log at its index`, async () => {
  const dataDir = await newDataDir();
  const acknowledged: Acknowledged[] = [];
  const random = createRandom(SEED);
  for (let round = 0; round < ROUNDS; round += 1) {
    const server = await startServer({ dataDir });
    const load = startLoad(server);
    const enough = 100 + Math.floor(random() * 900);
    await until(async () => load.acknowledged.length, (count) => count >= enough);
    const exit = await server.end('SIGKILL');
    await load.stop();
    expect(exit.signal).toBe('SIGKILL');
    acknowledged.push(...load.acknowledged);
  }
  const server = await startServer({ dataDir });
  acknowledged.push(await server.check().then(({ decisionId, log: { index } }) => ({ decisionId, index })));
  expect(await server.end()).toMatchObject({ code: 0 });

  // Reading it proves that every line is whole and the indexes follow one another.
  const records = await readRecords(dataDir);
  expect(missingFrom(records, acknowledged)).toEqual([]);
  expect(new Set(acknowledged.map(({ index }) => index)).size).toBe(acknowledged.length);
  expect(records.filter(({ kind }) => kind === 'start')).toHaveLength(ROUNDS + 1);
  expect(new Set(records.map(({ origin }) => origin)).size).toBe(1);

  // Each decision has the input that it names before it.
  const inputs = new Map(records.filter(({ kind }) => kind === 'input').map(({ digest, index }) => [digest, index]).reverse() as [string, number][]);
  const orphans = records.filter(({ kind, input, index }) => kind === 'decision' && !((inputs.get(input as string) ?? Infinity) < index));
  expect(orphans).toEqual([]);
}, 20_000 + ROUNDS * 8_000);
