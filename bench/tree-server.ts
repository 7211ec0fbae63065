// Sluice over HTTP with or without the tree and the signatures of its log, which users can't choose: only for the comparison.
// node tree-server.ts PORT FOLDER POLICIES MEMO on|off
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Registry } from 'prom-client';
import { pino } from 'pino';
import { createClock } from '../src/clock.ts';
import { createApp } from '../src/http/app.ts';
import { createMetrics } from '../src/http/metrics.ts';
import { createServer, listen } from '../src/http/server.ts';
import { bytesOf, type Remembered } from '../src/judge.ts';
import { openLog } from '../src/log/log.ts';
import { createMemo } from '../src/memo.ts';
import { createPdp, type Pdp } from '../src/pdp.ts';
import { createSnapshots } from '../src/snapshot.ts';
import { load, toSnapshot } from '../src/workspace.ts';

const [port, folder, policies, memo, tree] = process.argv.slice(2) as [string, string, string, string, 'on' | 'off'];
const root = path.resolve(import.meta.dirname, '..');
mkdirSync(folder, { recursive: true, mode: 0o700 });
const snapshots = createSnapshots(toSnapshot(await load({ policies, rego: path.join(root, 'rego'), dataDir: folder, root, env: process.env }, Date.now)), new Map());
const log = await openLog({ dir: path.join(folder, 'log'), now: Date.now, ...(tree === 'on' && { keysDir: path.join(folder, 'keys') }) });
const registry = new Registry();
const pdp = createPdp({
  snapshots: () => snapshots, revised: () => Promise.resolve(), clock: createClock({ now: Date.now, monotonic: () => performance.now(), seenMs: 0 }, () => {}), log,
  memo: createMemo<Remembered>({ maxBytes: Number(memo) * 2 ** 20, bytesOf }), hash: (name) => `?${name.length}`, observer: createMetrics(registry), program: 'bench', onFailure: (error) => { throw error; },
});
const app = createApp({ pdp: pdp as Pdp, logger: pino({ level: 'silent' }), registry, config: { demoCallers: false }, isDraining: () => false });
const server = createServer(app);
await listen(server, Number(port), '127.0.0.1');
process.once('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => void log.close().then(() => process.exit(0)));
});
