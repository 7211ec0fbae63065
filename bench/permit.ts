// Environments administered in Permit, read from the emulator: how long a verified read takes and what memory, how soon a
// start without Permit is ready, how soon a revoked role denies, what a read costs those who ask meanwhile.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, residentBytes, type Server } from './servers.ts';

export interface PermitRows {
  readonly users: number;
  readonly tuples: number;
  /** Of one verified read, two passes and what is made of it. */
  readonly seconds: number;
  readonly requests: number;
  /** Greatest resident memory of the server during reads, and before the first. */
  readonly peakMb: number;
  readonly beforeMb: number;
  /** What is revoked denies after at most this. */
  readonly boundSeconds: number;
}

const KEY = 'permit_key_demo_production';

interface Started extends Pick<Server, 'pid'> {
  readonly base: string;
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Ready: listening; `/readyz` may still wait for Permit. */
async function startSluice(root: string, env: Readonly<Record<string, string>>): Promise<Started> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(process.execPath, [path.join(root, 'src', 'main.ts')], {
    cwd: root, stdio: ['ignore', 'ignore', 'ignore'],
    env: { ...process.env, PORT: String(port), SLUICE_DRAIN_SECONDS: '0', LOG_LEVEL: 'error', ...env },
  });
  const ended = once(child, 'exit');
  const base = `http://127.0.0.1:${port}`;
  while (!await answers(`${base}/livez`)) await pause(5);
  return {
    base, pid: child.pid!, readyMs: performance.now() - startedAt,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const answers = (url: string, wanted = 200) => fetch(url).then(async (response) => {
  await response.arrayBuffer();
  return response.status === wanted;
}, () => false);

/** The emulator in a process of its own, which may be killed. */
async function startEmulator(root: string, users: number, tuples: number) {
  const child = spawn(process.execPath, [path.join(root, 'bench', 'permit-emulator.ts'), String(users), String(tuples)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data') as [Buffer];
  const ended = once(child, 'exit');
  return {
    url: line.toString('utf8').trim(),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function folders(work: string, name: string) {
  const dataDir = path.join(work, `permit-${name}`);
  await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const keysFile = path.join(work, `permit-${name}.keys`);
  await writeFile(keysFile, `production=${KEY}\n`, { mode: 0o600 });
  await chmod(keysFile, 0o600);
  return { SLUICE_DATA_DIR: dataDir, SLUICE_PERMIT_KEYS_FILE: keysFile, SLUICE_PERMIT_REQUESTS_PER_MINUTE: '0' };
}

interface Status { readonly active?: { readonly number: number }; readonly lastAttempt?: { readonly workedMs: number; readonly requests: number; readonly outcome: string }; readonly revocationBoundMs?: number }

async function statusOf(base: string): Promise<Status> {
  const response = await fetch(`${base}/admin/sync`, { headers: { authorization: 'Bearer demo-admin' } });
  return ((await response.json()) as { readonly environments: readonly Status[] }).environments[0]!;
}

/** One verified read of so much, through the whole program. */
export async function measureRead(root: string, work: string, { users, tuples, say }: { readonly users: number; readonly tuples: number; readonly say: (line: string) => void }): Promise<PermitRows> {
  const emulator = await startEmulator(root, users, tuples);
  const server = await startSluice(root, { ...await folders(work, `read-${users}`), SLUICE_PERMIT_API_URL: emulator.url, SLUICE_PERMIT_POLL_SECONDS: '86400' });
  try {
    const beforeMb = await residentBytes(server.pid) / 1e6;
    let peakMb = beforeMb;
    let status = await statusOf(server.base);
    for (; status.lastAttempt === undefined; status = await statusOf(server.base)) {
      peakMb = Math.max(peakMb, await residentBytes(server.pid) / 1e6);
      await pause(100);
    }
    say(`Permit: ${users} users, ${tuples} tuples: ${status.lastAttempt.outcome} in ${(status.lastAttempt.workedMs / 1000).toFixed(1)} s`);
    if (status.active === undefined) throw new Error(`the read ended as ${status.lastAttempt.outcome}`);
    return { users, tuples, seconds: status.lastAttempt.workedMs / 1000, requests: status.lastAttempt.requests, peakMb, beforeMb, boundSeconds: (status.revocationBoundMs ?? NaN) / 1000 };
  } finally {
    await Promise.all([server.stop(), emulator.stop()]);
  }
}

/** Milliseconds until a server listens: without a key, and with one while Permit is gone and 10,000 users are on disk. */
export async function measureOfflineStart(root: string, work: string, rounds: number): Promise<{ readonly without: readonly number[]; readonly with: readonly number[] }> {
  const emulator = await startEmulator(root, 10_000, 0);
  const env = { ...await folders(work, 'start'), SLUICE_PERMIT_API_URL: emulator.url };
  const first = await startSluice(root, env);
  while (!await answers(`${first.base}/readyz`)) await pause(50);
  await first.stop();
  await emulator.stop();
  const times = { without: [] as number[], with: [] as number[] };
  const { SLUICE_DATA_DIR } = await folders(work, 'none');
  for (let round = 0; round <= rounds; round += 1) for (const [kind, given] of [['without', { SLUICE_DATA_DIR }], ['with', env]] as const) {
    const server = await startSluice(root, given);
    if (!await answers(`${server.base}/readyz`)) throw new Error('a start without Permit was not ready');
    if (round > 0) times[kind].push(server.readyMs); // the first builds the policy
    await server.stop();
  }
  return times;
}

const QUESTION = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id'] };

/** Seconds from a role's revocation by Permit's API to the first denial, in the example world, polled as by default. */
export async function measureRevocation(root: string, work: string, rounds: number): Promise<{ readonly seconds: readonly number[]; readonly boundSeconds: number }> {
  const emulator = await startEmulator(root, 0, 0);
  const server = await startSluice(root, { ...await folders(work, 'revoke'), SLUICE_PERMIT_API_URL: emulator.url });
  try {
    while (!await answers(`${server.base}/readyz`)) await pause(50);
    const seconds: number[] = [];
    const decide = async () => ((await (await fetch(`${server.base}/check`, { method: 'POST', headers: { authorization: 'Bearer demo-gateway', 'content-type': 'application/json' }, body: JSON.stringify(QUESTION) })).json()) as { readonly decision: string }).decision;
    const change = async (method: 'POST' | 'DELETE') => fetch(`${emulator.url}/v2/facts/sluice/production/role_assignments`, { method, headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }, body: JSON.stringify({ user: 'service|telemetry', role: 'dashboard_telemetry', tenant: 'default' }) });
    for (let round = 0; round < rounds; round += 1) {
      while (await decide() !== 'allow') await pause(20);
      await change('DELETE');
      const from = performance.now();
      while (await decide() !== 'deny') await pause(20);
      seconds.push((performance.now() - from) / 1000);
      await change('POST');
    }
    return { seconds, boundSeconds: ((await statusOf(server.base)).revocationBoundMs ?? NaN) / 1000 };
  } finally {
    await Promise.all([server.stop(), emulator.stop()]);
  }
}
