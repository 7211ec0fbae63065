// Measures in process what stands between a parsed question and its decision, in a process of its own on one core.
// Takes options as JSON; prints microseconds per question, one figure a round.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseJson } from '../src/core/parse/json.ts';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { complete } from '../src/core/prepare/complete.ts';
import { bytesOf, judge, recall, type Remembered } from '../src/judge.ts';
import { createMemo } from '../src/memo.ts';
import { load, toSnapshot } from '../src/workspace.ts';
import { questionsOf, writeWorld, type WorldSize } from './world.ts';

export interface InsideOptions {
  readonly size: WorldSize;
  readonly fields: number;
  readonly questions: number;
  readonly rounds: number;
  /** Ask as this role only. */
  readonly role?: number;
}

export interface InsideRows {
  readonly parse: readonly number[];
  readonly miss: readonly number[];
  readonly hit: readonly number[];
  /** On average. */
  readonly grants: number;
  readonly inputBytes: number;
}

const root = path.resolve(import.meta.dirname, '..');
const { size, fields, questions, rounds, role } = JSON.parse(process.argv[2]!) as InsideOptions;
const folder = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'));
await writeWorld(folder, size);
const world = await load({ policies: folder, rego: path.join(root, 'rego'), dataDir: process.argv[3]!, root, env: process.env }, Date.now);
await rm(folder, { recursive: true });
const snapshot = toSnapshot(world);
const { catalogue } = snapshot.world;
const caller = world.facts.callers.get('bench')!;
const moment = { nowMs: Date.now(), latestMs: Date.now() };
const deps = { memo: createMemo<Remembered>({ maxBytes: 4 * 2 ** 30, bytesOf }), hash: (name: string) => name, program: 'bench', onFailure: (error: unknown) => { throw error; } };
const texts = questionsOf(questions, fields, size, role).map((question) => JSON.stringify(question));
const asked = texts.map((text) => parseQuestion(parseJson(text)));

const steps: Record<'parse' | 'miss' | 'hit', () => void> = {
  parse: () => { for (const text of texts) parseQuestion(parseJson(text)); },
  miss: () => { for (const question of asked) judge(complete(question, catalogue, caller), snapshot, moment, deps.onFailure); },
  hit: () => { for (const question of asked) recall(complete(question, catalogue, caller), snapshot, moment, deps); },
};
const rows = { parse: [] as number[], miss: [] as number[], hit: [] as number[] };
for (let round = -2; round < rounds; round += 1) for (const [name, step] of Object.entries(steps)) {
  const startedAt = performance.now();
  step();
  const micros = (performance.now() - startedAt) * 1000 / texts.length;
  if (round >= 0) rows[name as keyof typeof steps].push(micros); // before: warms up, and fills the memo
}
const views = asked.slice(0, 200).map((question) => judge(complete(question, catalogue, caller), snapshot, moment).prepared.shape.views[0]!);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const result: InsideRows = { ...rows, grants: mean(views.map(({ input }) => input.grants.length)), inputBytes: mean(views.map(({ input }) => JSON.stringify(input).length)) };
process.stdout.write(JSON.stringify(result));
