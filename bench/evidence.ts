// The decision log as evidence: what its tree costs whoever appends and asks, and what a long log costs whoever reads it.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { HttpOptions } from './http.ts';
import { load, writeRequests } from './load.ts';
import { measureLog, type LogRows } from './log.ts';
import { measureLongLog, type LongRow } from './long-log.ts';
import { seeded, zipf } from './random.ts';
import { freePort, start } from './servers.ts';
import { median, ratios, withSpread } from './stats.ts';
import { questionsOf, TOKEN } from './world.ts';

export interface EvidenceRows {
  readonly log: LogRows;
  /** `/check` a second, by the memo and the tree: one figure a round. */
  readonly check: Readonly<Record<'hit on' | 'hit off' | 'miss on' | 'miss off', readonly number[]>>;
  readonly long: readonly LongRow[];
}

export async function measureEvidence(options: HttpOptions, { full }: { readonly full: boolean }): Promise<EvidenceRows> {
  const { say, rounds, work } = options;
  const check = await checkWithAndWithout(options);
  say('appending with and without tree');
  const log = await measureLog({ dir: options.work, rounds, records: full ? 200_000 : 20_000 });
  const records = full ? 5_000_000 : 50_000;
  const long: LongRow[] = [];
  for (const size of [{ records: records / 5, shapes: 5000 }, { records, shapes: 5000 }, { records, shapes: records / 10 }]) long.push(await measureLongLog(size, { work, rounds: full ? rounds : 1, say }));
  return { log, check, long };
}

/** In turn within each round, each server alone on its core. */
async function checkWithAndWithout({ root, work, policies, questions, rounds, seconds, warmUpSeconds, connections, say }: HttpOptions): Promise<EvidenceRows['check']> {
  const requests = await writeRequests(work, 'tree', questionsOf(questions, 20).map((question) => JSON.stringify(question)), zipf(questions, 100_000, seeded(7)));
  const each = await writeRequests(work, 'tree-each', questionsOf(questions, 20).map((question) => JSON.stringify(question)));
  const servers = await Promise.all((['hit on', 'hit off', 'miss on', 'miss off'] as const).map(async (name) => {
    const port = await freePort();
    const [memo, tree] = name.split(' ') as ['hit' | 'miss', 'on' | 'off'];
    const base = `http://127.0.0.1:${port}`;
    const command = [process.execPath, path.join(root, 'bench', 'tree-server.ts'), String(port), path.join(work, `data-tree-${memo}-${tree}`), policies, memo === 'hit' ? '4096' : '0', tree];
    return { name, server: await start({ command, url: `${base}/check`, ready: `${base}/livez` }) };
  }));
  const rows: Record<keyof EvidenceRows['check'], number[]> = { 'hit on': [], 'hit off': [], 'miss on': [], 'miss off': [] };
  try {
    for (let round = 0; round <= rounds; round += 1) for (const { name, server } of servers) {
      const { perSecond } = await load({ url: server.url, requests: round === 0 ? each : requests, headers: { authorization: `Bearer ${TOKEN}` }, connections, seconds: round === 0 ? warmUpSeconds : seconds });
      if (round > 0) rows[name].push(perSecond);
      say(`${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}: ${name} ${Math.round(perSecond)}/s`);
    }
    return rows;
  } finally {
    for (const { server } of servers) await server.stop();
  }
}

type Line = readonly [what: string, figure: string, target: string];

const verdict = (is: number, at: '≥' | '≤', bound: number, unit = '') => `${at} ${bound.toLocaleString('en')}${unit}: ${(at === '≥' ? is >= bound : is <= bound) ? 'met' : '**missed**'}`;
const number = (value: number) => value.toLocaleString('en', { maximumSignificantDigits: 3 });
const mega = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString('en')} MB`;

function appending({ log, check }: EvidenceRows): readonly Line[] {
  const { rounds } = log;
  const of = (read: (round: LogRows['rounds'][number]) => number) => rounds.map(read);
  const ratioOf = (memo: 'hit' | 'miss') => ratios(check[`${memo} on`], check[`${memo} off`]);
  return [
    ['64 appenders, 700 bytes: records a second with tree ÷ without', `${withSpread(of(({ withTree, withoutTree }) => withTree / withoutTree))}, ${number(median(of(({ withTree }) => withTree)))}/s`, verdict(log.throughput, '≥', 0.7)],
    ['its p99 ÷ that of a bare write + fdatasync of equal groups', withSpread(of(({ p99Ms, bareP99Ms }) => p99Ms / bareP99Ms)), verdict(log.p99, '≤', 3)],
    ['the same without tree', withSpread(of(({ p99WithoutTreeMs, bareP99Ms }) => p99WithoutTreeMs / bareP99Ms)), ''],
    ['`/check`, hits: with tree ÷ without', `${withSpread(ratioOf('hit'))}, ${number(median(check['hit on']))}/s`, verdict(median(ratioOf('hit')), '≥', 0.9)],
    ['`/check`, misses: with tree ÷ without', `${withSpread(ratioOf('miss'))}, ${number(median(check['miss on']))}/s`, verdict(median(ratioOf('miss')), '≥', 0.9)],
  ];
}

function reading(row: LongRow): readonly Line[] {
  const allDiffer = row.shapes > 5000;
  return [
    ['verify.mjs ÷ a loop that only hashes the same lines and nodes', withSpread(row.verify), verdict(median(row.verify), '≥', 0.5)],
    ['index built', `${number(row.indexSeconds)} s, ${mega(row.indexBytes)}`, verdict(row.indexSeconds, '≤', 180, ' s')],
    ...Object.entries(row.pageP95).map(([share, ms]): Line => [`a page of 100 records, ${share} of all match: p95`, `${number(ms)} ms`, verdict(ms, '≤', 150, ' ms')]),
    ['exposure of one vendor', `${number(row.exposureSeconds)} s`, verdict(row.exposureSeconds, '≤', 20, ' s')],
    ['replayed by the recorded input, decisions a second', number(row.byRules), allDiffer ? verdict(row.byRules / row.missRate, '≥', 0.7, ` × ${number(row.missRate)} misses/s`) : verdict(row.byRules, '≥', 50_000)],
    ['replayed with the question prepared again', number(row.byFacts), allDiffer ? verdict(row.byFacts / row.missRate, '≥', 0.7, ` × ${number(row.missRate)} misses/s`) : verdict(row.byFacts, '≥', 50_000)],
    ['a server on it is ready after', `${withSpread(row.readySeconds)} s`, verdict(median(row.readySeconds), '≤', 2, ' s')],
    ['resident at most', ['index', 'ask', 'exposure', 'rules', 'facts'].map((step) => `${step} ${mega(row.peakBytes[step]!)}`).join(', '), ''],
  ];
}

const table = (title: string, lines: readonly Line[]) => [`| ${title} | | |`, '| --- | --- | --- |', ...lines.map((line) => `| ${line.join(' | ')} |`)].join('\n');

const [BEGIN, END] = ['<!-- evidence -->', '<!-- /evidence -->'];

/** A section of the report. */
export function evidenceSection(rows: EvidenceRows): string {
  const long = rows.long.map((row) => table(`${row.records.toLocaleString('en')} records (${row.decisions.toLocaleString('en')} decisions and the inputs they name) over ${row.shapes.toLocaleString('en')} question shapes, ${mega(row.logBytes)}`, reading(row)));
  return `${BEGIN}
## The decision log as evidence

Measured ${new Date().toISOString().slice(0, 10)}. Questions of the long logs come in turn, so that no two of one shape stand near each other: each segment has every input again. Verify and the start are medians of the rounds, the other readings are one run each. Memory is that of the whole process, pages of the index's file included.

${[table('appending', appending(rows)), ...long].join('\n\n')}
${END}`;
}

/** The section that the report has. */
export async function keptEvidence(file: string): Promise<string> {
  const report = await readFile(file, 'utf8');
  const [from, to] = [report.indexOf(BEGIN), report.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`${file}: has no section on the log between ${BEGIN} and ${END}; run bench/run.ts without --only`);
  return report.slice(from, to + END.length);
}

/** Puts the section in the place of the one that the report has. */
export async function replaceEvidence(file: string, rows: EvidenceRows): Promise<void> {
  const kept = await keptEvidence(file);
  await writeFile(file, (await readFile(file, 'utf8')).replace(kept, () => evidenceSection(rows)));
}
