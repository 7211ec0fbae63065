import { readFile } from 'node:fs/promises';
import { complete } from '../core/prepare/complete.ts';
import { OBLIGATION_OPS, type Caller } from '../core/facts.ts';
import { parseJson } from '../core/parse/json.ts';
import { parseQuestion } from '../core/parse/parse.ts';
import { judge, type Judged } from '../judge.ts';
import { readVendorStates } from '../datadir/datadir.ts';
import type { Snapshot } from '../snapshot.ts';
import { load, toSnapshot } from '../workspace.ts';
import { foldersOf, UsageError, type Context, type Invocation } from './command.ts';

export const QUESTION_HELP = `A question is JSON: an argument, a file (@question.json), or standard input (-):
  '{"identity":"service:telemetry","vendor":"mixpanel","environment":"production",
    "event":"genai_dashboard.viewed","fields":["anon_user_id","city"]}'`;

/** Judges the question by the local files, as a caller that may ask everything. Nothing is recorded. */
export async function judgeLocally(invocation: Invocation, context: Context): Promise<{ readonly judged: Judged; readonly snapshot: Snapshot }> {
  const question = parseQuestion(parseJson(await questionText(invocation, context), 'question'));
  const folders = foldersOf(invocation, context);
  const snapshot = toSnapshot(await load(folders, Date.now), readVendorStates(folders.dataDir));
  const atMs = atOf(invocation);
  const caller = callerOf(invocation, snapshot);
  const judged = judge(complete(question, snapshot.world.catalogue, caller), snapshot, { nowMs: atMs, latestMs: atMs }, (error) => { throw error; });
  return { judged, snapshot };
}

async function questionText({ positionals }: Invocation, { stdin }: Context): Promise<string> {
  const [argument, second] = positionals;
  if (argument === undefined || second !== undefined) throw new UsageError('give one question: JSON, @file, or - for standard input');
  if (argument === '-') return stdin();
  return argument.startsWith('@') ? readFile(argument.slice(1), 'utf8') : argument;
}

function atOf({ values }: Invocation): number {
  if (values['at'] === undefined) return Date.now();
  const atMs = Date.parse(String(values['at']));
  if (Number.isNaN(atMs)) throw new UsageError('--at takes a time such as 2026-11-22T12:00:00Z');
  return atMs;
}

function callerOf({ values }: Invocation, { world }: Snapshot): Caller {
  const id = values['caller'];
  if (id === undefined) return { id: 'cli', tokenSha256: '', demo: false, identities: ['*'], environments: ['*'], powers: ['check'], supports: OBLIGATION_OPS };
  const caller = world.catalogue.facts.callers.get(String(id));
  if (caller === undefined) throw new UsageError(`there is no caller ${String(id)}; callers.yaml has ${[...world.catalogue.facts.callers.keys()].join(', ')}`);
  return caller;
}
