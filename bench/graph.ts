// The relationship graph at scale: built, loaded from disk and asked, in processes of its own, and handed over by a worker.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Built, Checked, Compared, HandedOver } from './graph-child.ts';

const run = promisify(execFile);

export interface GraphRow extends Built, Checked {
  readonly tuples: number;
  /** With a plain search without bounds, which for ten million tuples takes too much memory. */
  readonly reference: Compared | undefined;
  readonly handedOver: HandedOver | undefined;
}

export interface GraphOptions {
  /** Ten million tuples too. */
  readonly full: boolean;
  readonly say: (line: string) => void;
}

/** One million tuples, and ten if `full`. */
export async function measureGraph({ full, say }: GraphOptions): Promise<readonly GraphRow[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-graph-'));
  const child = async <T>(mode: string, tuples: number): Promise<T> => {
    say(`graph of ${tuples.toLocaleString('en')} tuples: ${mode}`);
    const file = path.join(import.meta.dirname, 'graph-child.ts');
    const { stdout } = await run(process.execPath, ['--expose-gc', file, mode, String(tuples), folder], { maxBuffer: 1 << 20 });
    return JSON.parse(stdout) as T;
  };
  const row = async (tuples: number, small: boolean): Promise<GraphRow> => ({
    tuples,
    ...await child<Built>('build', tuples),
    ...await child<Checked>('check', tuples),
    reference: small ? await child<Compared>('compare', tuples) : undefined,
    handedOver: small ? await child<HandedOver>('handOver', tuples) : undefined,
  });
  try {
    const million = await row(1_000_000, true);
    return full ? [million, await row(10_000_000, false)] : [million];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const mega = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

/** [what, its figure, its bound]; the bounds are of a million tuples, those of ten million are goals. */
function linesOf(row: GraphRow): readonly (readonly [string, string, string])[] {
  const big = row.tuples > 1_000_000;
  const bound = (value: number, most: number, unit: string) => `≤ ${most}${unit}${big ? ' (goal)' : ''}: ${value <= most ? 'met' : '**missed**'}`;
  const { reference, handedOver } = row;
  return [
    ['built from a stream of tuples', `${row.buildSeconds.toFixed(2)} s, ${mega(row.buildAddedBytes)} added at the peak`, bound(row.buildAddedBytes / 1e6, big ? 1200 : 250, ' MB')],
    ['its file', mega(row.imageBytes), ''],
    ['loaded from disk', `${row.loadSeconds.toFixed(3)} s`, bound(row.loadSeconds, big ? 60 : 10, ' s')],
    ['added by the load', mega(row.loadAddedBytes), bound(row.loadAddedBytes / 1e6, big ? 1200 : 250, ' MB')],
    ['a check', `p50 ${row.p50.toFixed(1)} µs, p99 ${row.p99.toFixed(0)} µs, longest ${(row.max / 1000).toFixed(1)} ms`, big ? '' : bound(row.p99, 200, ' µs')],
    ['edges that it follows', `p50 ${row.edgesP50}, p99 ${row.edgesP99}, most ${row.edgesMax}`, ''],
    ['checks that hold', `${(row.trueShare * 100).toFixed(1)} % of ${row.checks.toLocaleString('en')}, by way of ${row.wayP50} tuples (p50), at most ${row.wayMax}`, ''],
    ['overruns', String(row.overruns), bound(row.overruns, 0, '')],
    ['answers unlike those of an unbounded search', `${row.unlike} of the same search${reference === undefined ? '' : `, ${reference.wrong} of a plain one of its own`}`, bound(row.unlike + (reference?.wrong ?? 0), 0, '')],
    ...handedOver === undefined ? [] : [[
      'delay of the event loop while a worker builds and hands over', `p99 ${handedOver.p99Ms.toFixed(1)} ms, worst ${handedOver.worstMs.toFixed(1)} ms, in ${handedOver.seconds.toFixed(1)} s`, bound(handedOver.p99Ms, 50, ' ms'),
    ] as const],
  ];
}

/** A section of the report. */
export function graphSection(rows: readonly GraphRow[]): string {
  const head = `## The relationship graph

300,000 ids a million tuples: users, groups in groups, folders in folders and documents, five levels of each, tuples by a power law on both sides, the largest object with a tenth of all tuples as its viewers and the largest group with another tenth as its members. Half of the checks hold; half are drawn evenly and half by popularity. The delay counts in the millisecond of its own timer.`;
  return [head, ...rows.map((row) => [
    `| ${row.tuples.toLocaleString('en')} tuples, ${row.ids.toLocaleString('en')} ids | | |`, '| --- | --- | --- |', ...linesOf(row).map((line) => `| ${line.join(' | ')} |`),
  ].join('\n'))].join('\n\n');
}
