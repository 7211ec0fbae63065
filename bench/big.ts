// Loads a catalogue of so many fields in a process of its own, and prints how long that took and what memory it holds.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { load, toSnapshot } from '../src/workspace.ts';
import { WORKLOAD_E, writeWorld } from './world.ts';

const root = path.resolve(import.meta.dirname, '..');
const folder = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'));
await writeWorld(folder, { ...WORKLOAD_E, fields: Number(process.argv[2]) });
globalThis.gc?.();
const startedAt = performance.now();
const loaded = await load({ policies: folder, rego: path.join(root, 'rego'), dataDir: process.argv[3]!, root, env: process.env }, Date.now);
const snapshot = toSnapshot(loaded);
const seconds = (performance.now() - startedAt) / 1000;
const peakBytes = process.memoryUsage().rss;
globalThis.gc?.();
process.stdout.write(JSON.stringify({ seconds, peakBytes, heldBytes: process.memoryUsage().rss, events: snapshot.world.catalogue.facts.events.size }));
await rm(folder, { recursive: true });
