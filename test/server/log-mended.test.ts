import { appendFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { endServers, newDataDir, readRecords, startServer } from '../support/server.ts';

afterAll(endServers);

/** A data directory in which a server has answered a few questions and ended. */
async function usedDataDir(): Promise<string> {
  const dataDir = await newDataDir();
  const server = await startServer({ dataDir });
  for (let n = 0; n < 3; n += 1) await server.check();
  await server.end();
  return dataDir;
}

/** The records of kind `recovered` that a start on this data directory writes; the server answers meanwhile. */
async function recoveredBy(dataDir: string) {
  const server = await startServer({ dataDir });
  const { decision } = await server.check();
  await server.end();
  const records = await readRecords(dataDir);
  return { decision, recovered: records.filter(({ kind }) => kind === 'recovered').map(({ what }) => what) };
}

const onlyTile = (dataDir: string) => {
  const folder = path.join(dataDir, 'log', 'tile', '0');
  const tile = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.p\/\d+$/.test(name)).at(-1)!;
  return path.join(folder, tile);
};

describe('F22: a server starts on a log that its start has to mend, and records it', () => {
  test('one of the version before, which kept no copy of the newest checkpoint', async () => {
    const dataDir = await usedDataDir();
    for (const name of ['log.checkpoint', 'log.first.vkey']) rmSync(path.join(dataDir, 'keys', name));
    expect(await recoveredBy(dataDir)).toEqual({ decision: 'deny', recovered: ['checkpoint_copied'] });
  });

  test('one with a tile that was changed', async () => {
    const dataDir = await usedDataDir();
    const tile = onlyTile(dataDir);
    const bytes = readFileSync(tile);
    bytes[0] = bytes[0]! ^ 1;
    writeFileSync(tile, bytes);
    expect(await recoveredBy(dataDir)).toEqual({ decision: 'deny', recovered: ['tiles_set_aside'] });
  });

  test('one with a torn end', async () => {
    const dataDir = await usedDataDir();
    const segments = path.join(dataDir, 'log', 'segments');
    appendFileSync(path.join(segments, readdirSync(segments).sort().at(-1)!), '{"v":1,"index":');
    expect(await recoveredBy(dataDir)).toEqual({ decision: 'deny', recovered: [] });
  });
});
