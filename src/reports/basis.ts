import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { lastOf } from '../log/last.ts';
import { readLog } from '../log/read.ts';
import type { Window } from './window.ts';

interface RecordAt {
  readonly index: number;
  readonly time: string;
}

/** The log that a report was made from: of what it doesn't have, nothing is known. */
export interface Basis {
  readonly origin: string | null;
  /** What is left of it; null: it is empty. */
  readonly first: RecordAt | null;
  readonly last: RecordAt | null;
  /** How many records before the first have been pruned. */
  readonly pruned: number;
  /** Folders of logs that this one took the place of; they are not counted. */
  readonly earlier: readonly string[];
  /** Whether it was named by itself: a copy, or an earlier log. What was decided after its last record is elsewhere. */
  readonly isCopy: boolean;
  /** Environments that Permit administers, as the log says last: reports have the facts of the files alone. */
  readonly inPermit: readonly string[];
}

/** @param dir of the log. */
export async function readBasis(dir: string, isCopy = false): Promise<Basis> {
  const [first, last] = [await edgeOf(dir, false), await edgeOf(dir, true)];
  const old = path.join(dir, 'old');
  return {
    origin: first?.origin ?? null, first: first?.at ?? null, last: last?.at ?? null, pruned: first?.at.index ?? 0,
    earlier: existsSync(old) ? (await readdir(old)).sort() : [], isCopy,
    inPermit: Object.keys((await lastOf(dir, 'snapshot_activated'))?.['permit'] ?? {}).sort(),
  };
}

async function edgeOf(dir: string, reverse: boolean): Promise<{ readonly origin: string; readonly at: RecordAt } | undefined> {
  for await (const { index, record } of readLog(dir, { reverse, limit: 1 })) return { origin: String(record['origin']), at: { index, time: String(record['time']) } };
  return undefined;
}

/** What the log can't tell of the time, in sentences. */
export function gapsOf({ first, last, pruned, earlier, isCopy }: Basis, { fromMs, toMs }: Window): readonly string[] {
  if (first === null || last === null) return ['The log is empty.'];
  const beginsLate = fromMs === undefined ? pruned > 0 || earlier.length > 0 : Date.parse(first.time) > fromMs;
  const endsEarly = isCopy && toMs !== undefined && Date.parse(last.time) < toMs;
  return [...(beginsLate ? [
    `The log begins at ${first.time}${pruned > 0 ? `, with record ${pruned}: those before have been pruned` : ''}. Of the time before nothing is known here.`,
    ...(earlier.length === 0 ? [] : [`Earlier logs lie in ${earlier.map((folder) => `old/${folder}`).join(', ')} and are not counted: make a report of each with --log.`]),
  ] : []), ...(endsEarly ? [`This copy of the log ends at ${last.time}. Of the time after nothing is known here.`] : [])];
}

/** The input record says to whom a platform hands on (J16). */
export const withoutInputText = (decisions: number): string => `${decisions} decisions let something out, and their input is not in the log, or not what its digest says: to whom it was handed on is not known here.`;

/** What a report rests on, in sentences: the records, as they stand; and facts, where the files don't have those that count. */
export const basisText = ({ origin, first, last, inPermit }: Basis): readonly string[] => [
  ...(first === null || last === null ? [] : [`Made from records ${first.index} to ${last.index} of the log ${origin}, of ${first.time} to ${last.time}, as they stand: whether they are the ones that were signed is for "sluice log verify" to say.`]),
  ...(inPermit.length === 0 ? [] : [`Permit administers ${inPermit.join(', ')}: its grants, identities and claims are not at hand here, and what is said of such things is what the files say.`]),
];
