// The log as an independent reader of tlog-tiles sees it: fsck of transparency-dev/tessera, unmodified, over HTTP.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { endServers, newDataDir, startServer, until, type RunningServer } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

const FSCK = path.join(ROOT, '.tools/bin/fsck');
const hasGo = spawnSync('go', ['version']).status === 0;

afterAll(endServers);

const QUESTION = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id'] };

/** Some tiles full of answers, all of them signed for. */
async function filled(dataDir: string): Promise<RunningServer> {
  const server = await startServer({ dataDir });
  await server.send('/check/batch', { body: { items: Array.from({ length: 600 }, () => QUESTION) } });
  await until(() => readFile(path.join(dataDir, 'log/checkpoint'), 'utf8'), (text) => Number(text.split('\n')[1]) > 600);
  return server;
}

/** What it says until it ends, or until it says this. */
async function fsck({ port }: RunningServer, dataDir: string, upTo = /$^/): Promise<string> {
  const child = spawn(FSCK, ['-ui=false', '-v=3', '-N=4', `-storage_url=http://127.0.0.1:${port}/log/`, '-bearer_token=demo-auditor', `-public_key=${path.join(dataDir, 'log/log.vkey')}`]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (upTo.test(said)) child.kill('SIGKILL');
    });
  }
  await once(child, 'close');
  return said;
}

if (!existsSync(FSCK) && !hasGo) test.skip('fsck of Tessera (skipped: it is built by Go, which is not installed)', () => undefined);
else {
  test('every record, tile and checkpoint is what an independent checker expects', async () => {
    const dataDir = await newDataDir();
    const said = await fsck(await filled(dataDir), dataDir);
    expect(said).toMatch(/Successfully fsck'd log with size [6-9]\d\d /);
  });

  test('and it finds a byte of a record that was changed', async () => {
    const dataDir = await newDataDir();
    const server = await filled(dataDir);
    const folder = path.join(dataDir, 'log/segments');
    const segment = path.join(folder, (await readdir(folder))[0]!);
    const at = (await readFile(segment)).indexOf('"decision":"allow"');
    const file = await open(segment, 'r+');
    await file.write('u', at + '"decision":"'.length);
    await file.close();
    // It tells the tile that the records don't lead to, and then waits for ever.
    expect(await fsck(server, dataDir, /Invalid/)).not.toContain('Successfully');
  });
}
