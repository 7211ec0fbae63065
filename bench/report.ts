import { cpus } from 'node:os';
import { graphSection, type GraphRow } from './graph.ts';
import type { Growth } from './growth.ts';
import { AWAKE_SECONDS, type Measured } from './http.ts';
import type { InsideRows } from './inside.ts';
import { median, ratios, withSpread } from './stats.ts';

export interface Results {
  readonly http: readonly Measured[];
  readonly syncMs: readonly number[];
  readonly inside: Readonly<Record<string, InsideRows>>;
  readonly startMs: readonly number[];
  readonly big: { readonly fields: number; readonly seconds: number; readonly peakBytes: number; readonly heldBytes: number; readonly events: number };
  readonly graph: readonly GraphRow[];
  readonly growth: Growth | undefined;
  /** A section of its own. */
  readonly evidence: string;
  readonly versions: Readonly<Record<'node' | 'opa' | 'cerbos' | 'express', string>>;
  readonly options: { readonly rounds: number; readonly seconds: number; readonly warmUpSeconds: number; readonly questions: number; readonly connections: number };
}

interface Target {
  readonly what: string;
  readonly is: number | undefined;
  readonly bound: number;
  readonly at: 'least' | 'most';
  readonly unit?: string;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const mega = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

export function report(results: Results): string {
  const { http, inside, versions, options } = results;
  const rates = new Map(http.map(({ name, rows }) => [name, rows.map(({ perSecond }) => perSecond)]));
  const echoMicros = 1e6 / median(rates.get('echo 20')!);
  const over = (a: string, b: string) => (rates.has(a) && rates.has(b) ? ratios(rates.get(a)!, rates.get(b)!) : undefined);
  const echoes = (micros: readonly number[]) => withSpread(micros.map((each) => each / echoMicros));
  return `# Results

Written by \`make bench\`; what is quoted is ratios of medians of ${options.rounds} rounds, in brackets the least and the greatest round.

Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}. Node ${versions.node}, Express ${versions.express}, OPA ${versions.opa}, Cerbos ${versions.cerbos}. ${new Date().toISOString().slice(0, 10)}.

**One echo**, the yardstick: the time per request of a bare \`node:http\` server that parses a JSON body of 20 fields and sends it back, saturated, on one core: ${echoMicros.toFixed(1)} µs in this run.

**Workload E**: 5,000 fields of 100 events, 1,000 vendors with 40 categories of data, 30 roles, 200 grants, the shipped rules; ${options.questions.toLocaleString('en')} distinct questions of 20 and of 50 fields in 8 profiles, drawn by Zipf 1.0 with a fixed seed. Every server runs alone on one core (\`taskset\`, GOMAXPROCS=1), wrk on the other with ${options.connections} connections; ${options.warmUpSeconds} s of warming up each, then rounds of ${options.seconds} s in turn, each after ${AWAKE_SECONDS} s of the same load that are not measured.

## Targets

${table(['', 'is', 'target', ''], targets(results, { rates, echoMicros, over }).map(({ what, is, bound, at, unit = '' }) => [
    what, is === undefined ? 'not measured' : `${is >= 100 ? is.toFixed(0) : is.toFixed(2)}${unit}`, `${at === 'least' ? '≥' : '≤'} ${bound}${unit}`,
    is === undefined ? '–' : (at === 'least' ? is >= bound : is <= bound) ? 'met' : '**missed**',
  ]))}

## In process, in echoes, without record

From a parsed question to its decision, on one core, in a process of its own.

${table(['question', 'parse', 'miss: complete, prepare, evaluate, decide', 'hit', 'grants in the input', 'bytes of input'], Object.entries(inside).map(([name, rows]) => [name, echoes(rows.parse), echoes(rows.miss), echoes(rows.hit), rows.grants.toFixed(1), rows.inputBytes.toFixed(0)]))}

## Over HTTP

Sluice with every check on, and every answer after its record is durable. \`hit\`: a memo that holds all; \`miss\`: none; \`mixed\`: a memo of 1,000. \`express\`: \`express.json()\` reads the same body and sends one of Sluice's answers.
\`opa ours\`: OPA's own server with the shipped rules, given the input that Sluice prepares. \`opa tables\`: the same rulings by a policy written for OPA, the fastest that was found: facts in \`data\` as objects looked up by key, what concerns the vendor judged once and not once a profile, only the rules that the workload can hit. Neither does what Sluice does before and after (names, payloads, obligations, combinations, reasons, fixes); OPA's console log goes to /dev/null and is not awaited.
\`cerbos\`: one action a field, one rule a grant with three conditions, the rules that the workload can hit as DENY; the caller resolves the vendor's facts; its audit file is not synced before the answer.
Every peer's answers were compared with Sluice's before it was timed, question by question: the same rulings by rule and grant (OPA), the same fields allowed (Cerbos).

${table(['', 'per second', 'of the echo', 'p50 ms', 'p99 ms', 'from the memo'], http.map(({ name, rows, hitShare }) => {
    const echo = rates.get(name.endsWith('50') ? 'echo 50' : 'echo 20')!;
    return [name, withSpread(rows.map(({ perSecond }) => perSecond)), withSpread(ratios(rows.map(({ perSecond }) => perSecond), echo)), withSpread(rows.map(({ p50 }) => p50)), withSpread(rows.map(({ p99 }) => p99)), hitShare === undefined ? '' : `${(hitShare * 100).toFixed(1)} %`];
  }))}

${table(['ratio', ''], RATIOS.flatMap(([a, b]) => { const values = over(a, b); return values === undefined ? [] : [[`${a} ÷ ${b}`, withSpread(values)]]; }))}

An fdatasync of 100 KB here: ${withSpread([median(results.syncMs)]).split(' ')[0]} ms, p99 ${results.syncMs.toSorted((a, b) => a - b)[Math.floor(results.syncMs.length * 0.99)]!.toFixed(2)} ms.

## Start, size, memory

- From the start of the process to the first 200 of /readyz, Workload E, bundle built: ${withSpread(results.startMs)} ms.
- A catalogue of ${results.big.fields.toLocaleString('en')} fields in ${results.big.events.toLocaleString('en')} files: ${results.big.seconds.toFixed(2)} s to load; ${mega(results.big.peakBytes)} resident at the end of the load, ${mega(results.big.heldBytes)} after a collection.
- ${results.growth === undefined ? 'Memory over time: only in the full run.' : `Resident memory after 200,000 checks and a forced collection ${mega(results.growth.beforeBytes)}; after ${results.growth.checks.toLocaleString('en')} more ${mega(results.growth.afterBytes)} (${((results.growth.afterBytes / results.growth.beforeBytes - 1) * 100).toFixed(1)} %).`}

${graphSection(results.graph)}

${results.evidence}

Where the time goes, and why targets are missed: [NOTES.md](NOTES.md).
`;
}

const RATIOS = [
  ['sluice hit 20', 'express 20'], ['sluice hit 50', 'express 50'],
  ...['sluice miss 20', 'sluice mixed 20', 'sluice hit 20'].flatMap((ours) => [
    'opa ours, log off', 'opa ours, log console', 'opa tables, log off', 'opa tables, log console', 'cerbos, audit off', 'cerbos, audit file',
  ].map((peer) => [ours, peer] as const)),
] as const;

function targets(results: Results, { rates, echoMicros, over }: {
  readonly rates: ReadonlyMap<string, readonly number[]>; readonly echoMicros: number; readonly over: (a: string, b: string) => readonly number[] | undefined;
}): readonly Target[] {
  const { inside, http, startMs, big, growth, syncMs } = results;
  const rows = (name: string) => inside[name]!;
  const echoes = (micros: readonly number[]) => median(micros) / echoMicros;
  const ratio = (a: string, b: string) => { const values = over(a, b); return values && median(values); };
  const p99 = (name: string) => median(http.find((measured) => measured.name === name)!.rows.map((row) => row.p99));
  const late = (name: string) => p99(name) - median(syncMs);
  return [
    { what: 'in process: hit, 20 fields', is: echoes(rows('20 fields, 3 grants apply').hit), bound: 0.5, at: 'most', unit: ' echo' },
    { what: 'in process: hit, 20 fields (goal)', is: echoes(rows('20 fields, 3 grants apply').hit), bound: 0.25, at: 'most', unit: ' echo' },
    { what: 'in process: miss, 3 grants apply', is: echoes(rows('20 fields, 3 grants apply').miss), bound: 6, at: 'most', unit: ' echoes' },
    { what: 'in process: miss, 10 grants apply', is: echoes(rows('20 fields, 10 grants apply').miss), bound: 9, at: 'most', unit: ' echoes' },
    { what: 'in process: miss, 50 fields ÷ 20 fields', is: median(rows('50 fields, 3 grants apply').miss) / median(rows('20 fields, 3 grants apply').miss), bound: 1.3, at: 'most' },
    { what: 'in process: miss, 10,000 ÷ 10 grants in the catalogue', is: median(rows('10,000 grants in the catalogue, 3 apply').miss) / median(rows('10 grants in the catalogue, 3 apply').miss), bound: 1.3, at: 'most' },
    { what: 'HTTP: miss ÷ OPA with our rules, log off', is: ratio('sluice miss 20', 'opa ours, log off'), bound: 3, at: 'least' },
    { what: 'HTTP: miss ÷ OPA with our rules, log on', is: ratio('sluice miss 20', 'opa ours, log console'), bound: 3, at: 'least' },
    { what: 'HTTP: miss ÷ OPA with tables, log off', is: ratio('sluice miss 20', 'opa tables, log off'), bound: 3, at: 'least' },
    { what: 'HTTP: miss ÷ OPA with tables, log on', is: ratio('sluice miss 20', 'opa tables, log console'), bound: 3, at: 'least' },
    { what: 'HTTP: miss ÷ Cerbos, audit file', is: ratio('sluice miss 20', 'cerbos, audit file'), bound: 2, at: 'least' },
    { what: 'HTTP: hit ÷ OPA with our rules, log on', is: ratio('sluice hit 20', 'opa ours, log console'), bound: 8, at: 'least' },
    { what: 'HTTP: hit ÷ OPA with tables, log on', is: ratio('sluice hit 20', 'opa tables, log console'), bound: 8, at: 'least' },
    { what: 'HTTP: hit ÷ Cerbos, audit file', is: ratio('sluice hit 20', 'cerbos, audit file'), bound: 8, at: 'least' },
    { what: 'HTTP: hit ÷ Express, 20 fields (goal 0.6)', is: ratio('sluice hit 20', 'express 20'), bound: 0.4, at: 'least' },
    { what: 'HTTP: hit ÷ Express, 50 fields (goal 0.6)', is: ratio('sluice hit 50', 'express 50'), bound: 0.4, at: 'least' },
    { what: 'HTTP: p99 of a hit less one fdatasync ÷ p99 of the echo', is: rates.has('sluice hit 20') ? late('sluice hit 20') / p99('echo 20') : undefined, bound: 4, at: 'most' },
    { what: 'HTTP: p99 of a miss less one fdatasync ÷ p99 of the echo', is: rates.has('sluice miss 20') ? late('sluice miss 20') / p99('echo 20') : undefined, bound: 4, at: 'most' },
    { what: 'ready after', is: median(startMs) / 1000, bound: 1, at: 'most', unit: ' s' },
    { what: `${big.fields.toLocaleString('en')} fields: load (goal)`, is: big.seconds, bound: 5, at: 'most', unit: ' s' },
    { what: `${big.fields.toLocaleString('en')} fields: memory held (goal)`, is: big.heldBytes / 1e6, bound: 500, at: 'most', unit: ' MB' },
    { what: 'memory over a million checks', is: growth && (growth.afterBytes / growth.beforeBytes - 1) * 100, bound: 10, at: 'most', unit: ' %' },
  ];
}
