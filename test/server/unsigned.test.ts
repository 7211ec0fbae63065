import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { mountTest, withTmpfs } from '../log/tmpfs.ts';
import { endServers, newDataDir, QUESTION, readRecords, startServer, until } from '../support/server.ts';

afterAll(endServers);

const signedIn = (file: string) =>
  Number((JSON.parse(readFileSync(file, 'utf8')) as { note: string }).note.split('\n')[1]);

/** Takes all the space that is left. */
function fill(file: string): void {
  try {
    for (;;) writeFileSync(file, Buffer.alloc(4096), { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

mountTest('F22, J31: while the copy of the newest checkpoint has no space answers stop, and then go on by themselves', () =>
  withTmpfs('size=64k', async (folder) => {
    const dataDir = await newDataDir();
    const copy = path.join(folder, 'log.checkpoint');
    const server = await startServer({ dataDir, env: { SLUICE_LOG_CHECKPOINT_FILE: copy } });
    const { log } = await server.check();
    await until(async () => signedIn(copy), (size) => size > log.index);
    const filler = path.join(folder, 'filler');
    fill(filler);
    const stopped = await until(() => server.send('/check', { body: QUESTION }), ({ status }) => status !== 200);
    expect([stopped.status, stopped.json()]).toMatchObject([503, { code: 'audit_unavailable' }]);
    expect((await server.send('/readyz')).status).toBe(503);
    expect(server.output()).toContain("the log's checkpoints can't be written (ENOSPC)");
    // A switch that stops a vendor is no answer.
    expect((await server.setVendor('mixpanel', 'under_review')).status).toBe(200);

    rmSync(filler);
    // Nobody asks a server that is not ready: it must find out by itself.
    await until(() => server.send('/readyz'), ({ status }) => status === 200);
    await server.check();
    expect(await server.end()).toMatchObject({ code: 0 });
    const records = await readRecords(dataDir);
    expect(signedIn(copy)).toBe(records.length);
    expect(records.filter(({ kind }) => kind === 'gap')).toMatchObject([{ reason: 'ENOSPC' }]);
  }),
);
