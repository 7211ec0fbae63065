import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FACTS, start } from '../emulators/harness.ts';
import { DEMO_KEYS, type Emulator } from '../emulators/permit/emulator.ts';
import { makeFolder, newDataDir, startServer, type RunningServer } from '../support/server.ts';

/** A server whose production and staging are administered in an emulator with the example world. */
export interface Administered {
  readonly emulator: Emulator;
  readonly server: RunningServer;
  readonly keysFile: string;
  readonly dataDir: string;
  /** Starts another server over the same data, once the first has ended. */
  again(): Promise<RunningServer>;
}

export const QUESTION = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'region'] } as const;

export const TELEMETRY = { user: 'service|telemetry', role: 'dashboard_telemetry', tenant: 'default' } as const;

export async function administered(options: { readonly policies?: string; readonly keys?: Readonly<Record<string, string>>; readonly env?: Readonly<Record<string, string>>; readonly emulator?: Emulator; readonly apiUrl?: string } = {}): Promise<Administered> {
  const emulator = options.emulator ?? await start({ example: true });
  const dataDir = await newDataDir();
  const keysFile = path.join(await makeFolder(), 'keys');
  await writeKeys(keysFile, options.keys ?? { production: DEMO_KEYS.production, staging: DEMO_KEYS.staging });
  const again = () => startServer({
    dataDir, ...(options.policies !== undefined && { policies: options.policies }),
    env: { SLUICE_PERMIT_KEYS_FILE: keysFile, SLUICE_PERMIT_API_URL: options.apiUrl ?? emulator.url, SLUICE_PERMIT_POLL_SECONDS: '1', SLUICE_PERMIT_REQUESTS_PER_MINUTE: '0', ...options.env },
  });
  return { emulator, server: await again(), keysFile, dataDir, again };
}

export async function writeKeys(file: string, keys: Readonly<Record<string, string>>): Promise<void> {
  await writeFile(file, Object.entries(keys).map(([environment, key]) => `${environment}=${key}\n`).join(''), { mode: 0o600 });
  await chmod(file, 0o600);
}

export const revoke = (emulator: Emulator) => emulator.act({ method: 'DELETE', url: `${FACTS}/role_assignments`, body: TELEMETRY });
export const grant = (emulator: Emulator) => emulator.act({ method: 'POST', url: `${FACTS}/role_assignments`, body: TELEMETRY });

export interface SyncStatus {
  readonly environment: string;
  readonly active?: { readonly number: number; readonly digest: string; readonly ageMs: number };
  readonly kept: readonly number[];
  readonly pinned?: number;
  readonly failures: number;
  readonly alarm?: string;
  readonly refused?: string;
  readonly lastAttempt?: { readonly outcome: string; readonly message?: string };
  readonly revocationBoundMs?: number;
}

export async function statusOf(server: RunningServer, environment = 'production'): Promise<SyncStatus> {
  const { environments } = (await server.send('/admin/sync', { token: 'demo-admin' })).json() as unknown as { environments: readonly SyncStatus[] };
  return environments.find((one) => one.environment === environment)!;
}

export const act = (server: RunningServer, action: object, environment = 'production') => server.send(`/admin/sync/${environment}`, { body: action, token: 'demo-admin' });
