import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Permit } from 'permitio';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createClock } from '../../src/clock.ts';
import type { Facts } from '../../src/core/facts.ts';
import { createApp } from '../../src/http/app.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { createServer, listen, type ServerLimits } from '../../src/http/server.ts';
import { bytesOf, type Remembered } from '../../src/judge.ts';
import { openLog, type OpenedLog } from '../../src/log/log.ts';
import type { Files } from '../../src/log/files.ts';
import { createMemo } from '../../src/memo.ts';
import { createPdp, type Pdp, type PdpDeps } from '../../src/pdp.ts';
import { createSnapshot, createSnapshots, type Snapshot } from '../../src/snapshot.ts';
import { readRecords, type LogLine } from '../support/server.ts';
import { NOON, openWorld, shippedEngine, type Extra } from '../support/world.ts';
import { send, STATUS, type Received, type SendOptions } from './harness.ts';

/** The keys of two environments of Permit's. */
export const KEYS: Readonly<Record<string, string>> = { production: 'permit_key_for_production', staging: 'permit_key_for_staging' };
const OF_KEY = new Map(Object.entries(KEYS).map(([environment, key]) => [key, environment]));

/** Asked with; every environment that has none of its own facts has these. */
export interface DropInOptions {
  readonly extra?: Extra;
  readonly change?: (facts: Facts) => Facts;
  readonly files?: Files;
  /** How old the facts are. */
  readonly ageMs?: number;
  readonly limits?: Partial<ServerLimits>;
}

export interface OpenedDropIn {
  readonly port: number;
  readonly url: string;
  readonly pdp: Pdp;
  readonly deps: PdpDeps;
  readonly lines: readonly string[];
  readonly log: OpenedLog;
  /** Swaps the facts, as a reload does; `undefined`: not verified yet. */
  activate(facts: Facts | undefined): Promise<void>;
  facts(): Facts;
  /** With production's key, unless `token` says otherwise. */
  post(url: string, body: unknown, options?: SendOptions): Promise<Received>;
  records(): Promise<readonly LogLine[]>;
}

const closing: (() => Promise<unknown>)[] = [];
export const closeDropIns = () => Promise.all(closing.splice(0).map((close) => close()));

/** A real decision point on the example world, its log on disk, behind HTTP, with the routes of the drop-in. */
export async function openDropIn({ extra = {}, change = (facts) => facts, files, limits, ageMs = 0 }: DropInOptions = {}): Promise<OpenedDropIn> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-drop-in-'));
  const { bundle, engine } = await shippedEngine();
  const snapshotOf = (facts: Facts): Snapshot => createSnapshot({ facts, bundle, engine, vendorStates: new Map(), ageMs: () => ageMs, revisionOf: () => 1 });
  const base = snapshotOf(change((await openWorld(extra)).snapshot.world.catalogue.facts));
  let snapshots = createSnapshots(base);
  let facts = base.world.catalogue.facts;

  const lines: string[] = [];
  const logger = pino({ level: 'trace', base: null }, { write: (line: string) => void lines.push(line) });
  const registry = new Registry();
  const log = await openLog({ dir: path.join(dataDir, 'log'), now: () => NOON, ...(files !== undefined && { files }) });
  const memo = createMemo<Remembered>({ maxBytes: 2 ** 20, bytesOf });
  const deps: PdpDeps = {
    snapshots: () => snapshots, revised: async () => {}, clock: createClock({ now: () => NOON, monotonic: () => 0, seenMs: 0 }, () => {}), log, memo,
    hash: (name) => `?${Buffer.from(name).toString('hex').slice(0, 16).padEnd(16, '0')}`, observer: createMetrics(registry), program: 'test', onFailure: (error) => { throw error; },
  };
  const pdp: Pdp = {
    ...createPdp(deps),
    setVendorState: async (_, state) => ({ state }),
    reload: async () => ({ ok: true, errors: [], digest: base.digest }),
    status: () => ({ ...STATUS, ...(log.failure() !== undefined && { logFailure: log.failure()! }), waiting: snapshots.waiting }),
  };
  const server: Server = createServer(createApp({ pdp, logger, registry, config: { demoCallers: true }, isDraining: () => false, permitKeys: { environmentOf: (bearer) => OF_KEY.get(bearer) } }), limits);
  const port = await listen(server, 0, '127.0.0.1');
  closing.push(async () => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await log.close();
    await rm(dataDir, { recursive: true });
  });
  return {
    port, url: `http://127.0.0.1:${port}`, pdp, deps, lines, log,
    facts: () => facts,
    async activate(next) {
      const own = next && snapshotOf(next);
      if (next !== undefined) facts = next;
      snapshots = createSnapshots(base, new Map(Object.keys(KEYS).map((environment) => [environment, own])));
    },
    post: (url, body, options = {}) => send(port, url, { token: KEYS['production']!, body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body), ...options }),
    records: () => readRecords(dataDir),
  };
}

type Config = NonNullable<ConstructorParameters<typeof Permit>[0]>;

/** The SDK as anyone would make it; its own log is off. */
export const sdkOf = ({ url }: { readonly url: string }, config: Partial<Config> = {}) => new Permit({ token: KEYS['production']!, pdp: url, log: { level: 'silent' }, ...config } as Config);
