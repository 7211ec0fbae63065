import { spawn } from 'node:child_process';
import path from 'node:path';
import { endServers, readRecords, startServer, type RunningServer } from '../support/server.ts';
import { isSoak } from '../support/rounds.ts';
import { ROOT } from '../support/world.ts';

afterAll(endServers);

/** So many kinds of batches there are. */
const KINDS = 10;

function start(role: 'load' | 'watch', { port }: RunningServer, ...more: readonly string[]) {
  const child = spawn(process.execPath, [path.join(ROOT, 'test', 'server', 'worst-child.ts'), role, String(port), ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
  const heard: string[] = [];
  let [rest, tell] = ['', () => {}];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    rest += text;
    heard.push(...rest.split('\n').slice(0, -1));
    rest = rest.slice(rest.lastIndexOf('\n') + 1);
    tell();
  });
  const exited = new Promise<{ readonly code: number | null; readonly rest: string }>((resolve) => {
    child.once('close', (code) => {
      tell();
      resolve({ code, rest });
    });
  });
  return {
    heard, exited,
    /** Resolves once it has told so much, or has ended. */
    told: (lines: number) => new Promise<void>((resolve) => {
      tell = () => { if (heard.length >= lines || child.exitCode !== null) resolve(); };
      tell();
    }),
    end: () => child.stdin.end(),
  };
}

interface Watched {
  readonly lives: number;
  readonly switch: number;
  readonly status: number;
  readonly decision: string;
}

async function round(): Promise<{ readonly watched: Watched; readonly server: RunningServer; readonly heard: readonly string[] }> {
  const server = await startServer({ env: { LOG_LEVEL: 'error' } });
  const loads = ['demo-gateway', 'demo-telemetry', 'demo-gateway', 'demo-telemetry'].map((token, at) => start('load', server, token, String(Math.floor(at * KINDS / 4))));
  await Promise.all(loads.map(({ told }) => told(1)));
  const watching = start('watch', server);
  const { code, rest } = await watching.exited;
  expect(code).toBe(0);
  if (isSoak) await Promise.all(loads.map(({ told }) => told(KINDS)));
  for (const { end } of loads) end();
  expect(await Promise.all(loads.map(async ({ exited }) => (await exited).code))).toEqual([0, 0, 0, 0]);
  return { watched: JSON.parse(rest) as Watched, server, heard: loads.flatMap(({ heard }) => heard) };
}

test('F24, J26: under the worst batches of four callers it lives within 250 ms, and a vendor is stopped within a second', async () => {
  let best: Watched | undefined;
  // A machine that is busy with other work than this makes anything late; what blocks does so every time.
  for (let times = 0; times < 3 && !(best !== undefined && best.lives <= 250 && best.switch <= 1000); times += 1) {
    const { watched, server, heard } = await round();
    process.stderr.write(`worst-batches.test.ts: /livez ${watched.lives.toFixed(0)} ms, the switch ${watched.switch.toFixed(0)} ms\n`);
    expect([watched.status, watched.decision]).toEqual([200, 'deny']);
    expect(heard.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual(heard.map(() => 200));
    expect(Math.max(...heard.map((line) => (JSON.parse(line) as { bytes: number }).bytes))).toBeLessThan(20 * 2 ** 20);
    await server.end();
    const records = await readRecords(server.dataDir);
    const activated = records.findLastIndex(({ kind }) => kind === 'snapshot_activated');
    expect(records[activated]).toMatchObject({ vendorStates: { mixpanel: 'breached' } });
    expect(records.slice(activated).filter(({ kind, decision, vendor }) => kind === 'decision' && vendor === 'mixpanel' && decision !== 'deny')).toEqual([]);
    expect(records.filter(({ kind }) => kind === 'gap')).toEqual([]);
    best = watched;
  }
  expect(best!.lives).toBeLessThanOrEqual(250);
  expect(best!.switch).toBeLessThanOrEqual(1000);
}, 600_000);
