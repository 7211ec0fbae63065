import path from 'node:path';
import { z } from 'zod';
import { EFFECTS, type Decision } from './core/answer.ts';
import { EvaluationFailed } from './core/decide/rulings.ts';
import { complete } from './core/prepare/complete.ts';
import { SluiceError } from './core/errors.ts';
import { OBLIGATION_OPS, type Caller, type Json } from './core/facts.ts';
import { parseQuestion } from './core/parse/parse.ts';
import { judge, remember, type Judged } from './judge.ts';
import type { Snapshot } from './snapshot.ts';
import { parseText } from './sources/yaml/document.ts';
import { readBelow } from './sources/yaml/files.ts';
import { PoliciesError, type Problem } from './sources/yaml/problems.ts';
import { shapePart } from './sources/yaml/shape.ts';
import { PROGRAM } from './version.ts';

/** A question with the answer it must get; policies/cases/ holds them, `sluice test` runs them. */
const Case = z.strictObject({
  name: z.string(),
  at: z.iso.datetime('a time is 2026-11-22T12:00:00Z').default('2026-11-22T12:00:00Z'),
  caller: z.string().default('demo-gateway'),
  question: z.record(z.string(), z.json()),
  want: z.strictObject({
    decision: z.enum(EFFECTS).optional(),
    error: z.string().optional(),
    fields: z.record(z.string(), z.enum(EFFECTS)).optional(),
    reasons: z.array(z.string()).optional(),
    obligations: z.array(z.string()).optional(),
    fix: z.union([z.null(), z.array(z.string())]).optional(),
    record: z.record(z.string(), z.json()).optional(),
  }),
});
type Case = z.output<typeof Case>;

export interface CaseResult {
  readonly name: string;
  /** `file:line`, or `file:line:column` of a mistake */
  readonly location: string;
  /** What differs, as what was wanted and what came; empty when it passed. */
  readonly differences: readonly string[];
  /** Of a case that failed: why it was decided as it was. */
  readonly reasons?: readonly string[];
  /** Absent when the case could not be judged. */
  readonly judged?: Judged;
  /** It is no case at all: `differences` says what is wrong with its form. */
  readonly malformed?: true;
  /** Why the rules could not be evaluated. */
  readonly failed?: string;
}

/** Runs every case below `dir` on the snapshot, each at its own time. */
export async function runCases(dir: string, snapshot: Snapshot): Promise<readonly CaseResult[]> {
  const files = await readBelow(dir).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return [];
    throw new PoliciesError([{ file: dir, line: 1, column: 1, message: `the cases cannot be read (${error.code})` }]);
  });
  return files.flatMap(({ name, text }) => (
    typeof text === 'string' ? runFile(path.join(dir, name), text, snapshot) : [malformed(text)]
  ));
}

function runFile(file: string, text: string, snapshot: Snapshot): readonly CaseResult[] {
  const { raw, problems, report } = parseText(file, text);
  const list: unknown = (raw as { readonly cases?: unknown } | null | undefined)?.cases;
  const broken = problems.length > 0 || Array.isArray(list) ? problems : [report([], 'a file of cases has a list called cases')];
  if (!Array.isArray(list) || broken.length > 0) return broken.map(malformed);
  return list.flatMap((item: unknown, index) => {
    const { value, problems: mistakes } = shapePart(Case, item, { report, at: ['cases', index] });
    const { line } = report(['cases', index], '');
    return value === undefined ? mistakes.map(malformed) : [runCase(value, `${file}:${line}`, snapshot)];
  });
}

const malformed = ({ file, line, column, message }: Problem): CaseResult => ({ name: '(no case)', location: `${file}:${line}:${column}`, differences: [message], malformed: true });

function runCase(one: Case, location: string, snapshot: Snapshot): CaseResult {
  const { name, want } = one;
  try {
    const judged = judgeCase(one, snapshot);
    const found = differences(want, judged, snapshot);
    return {
      name,
      location,
      judged,
      differences: found,
      ...(found.length > 0 && { reasons: judged.decision.reasons.map(reasonText) }),
    };
  } catch (error) {
    if (error instanceof EvaluationFailed) {
      const differences = [`the rules can't be evaluated: ${error.message}`];
      return { name, location, failed: error.message, differences };
    }
    if (!(error instanceof SluiceError)) throw error;
    return {
      name,
      location,
      differences:
        want.error === error.code ? [] : [`error: wanted ${want.error ?? 'none'}, got ${error.code}: ${error.message}`],
    };
  }
}

function judgeCase({ at, caller, question }: Case, snapshot: Snapshot): Judged {
  const atMs = Date.parse(at);
  const asked = complete(parseQuestion(question), snapshot.world.catalogue, callerOf(caller, snapshot));
  return judge(asked, snapshot, { nowMs: atMs, latestMs: atMs }, (error) => { throw error; });
}

const callerOf = (id: string, { world }: Snapshot): Caller => world.catalogue.facts.callers.get(id) ?? {
  id, tokenSha256: '', demo: false, identities: ['*'], environments: ['*'], powers: ['check'], supports: OBLIGATION_OPS,
};

function differences(want: Case['want'], judged: Judged, snapshot: Snapshot): readonly string[] {
  const { decision } = judged;
  const found: string[] = [];
  const compare = (what: string, wanted: unknown, got: unknown) => {
    if (wanted !== undefined && JSON.stringify(wanted) !== JSON.stringify(got)) found.push(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
  };
  compare('error', want.error, undefined);
  compare('decision', want.decision, decision.decision);
  for (const [field, effect] of Object.entries(want.fields ?? {})) compare(`fields.${field}`, effect, decision.fields[field]?.effect);
  if (want.reasons !== undefined) compare('reasons', want.reasons.toSorted(), want.reasons.map((wanted) => decision.reasons.map((reason) => describe(reason, wanted)).find((got) => got === wanted)).concat(extraReasons(want.reasons, decision)).filter((r) => r !== undefined).toSorted());
  compare('obligations', want.obligations, decision.obligations.map(({ field, op, params }) => [field, op, ...Object.values(params ?? {}).map(String)].join(' ')));
  if (want.fix !== undefined) compare('fix', want.fix?.toSorted() ?? null, decision.fix?.drop.toSorted() ?? null);
  if (want.record !== undefined) {
    const record = JSON.parse(`{${remember(judged, snapshot, { hash: () => '?', program: PROGRAM }).record.members}}`) as Record<string, Json>;
    for (const [member, wanted] of Object.entries(want.record)) compare(`record.${member}`, wanted, record[member]);
  }
  return found;
}

const reasonText = ({ code, rule, fields, message }: Decision['reasons'][number]) =>
  `${code}@${rule}: ${fields.join(', ')}: ${message}`;

/** A reason as precisely as the wanted text states one: `code`, `code@rule` or `code@rule: field, field`. */
function describe({ code, rule, fields }: Decision['reasons'][number], wanted: string): string {
  if (!wanted.includes('@')) return code;
  return wanted.includes(':') ? `${code}@${rule}: ${fields.join(', ')}` : `${code}@${rule}`;
}

const extraReasons = (wanted: readonly string[], { reasons }: Decision): readonly string[] => reasons
  .filter((reason) => !wanted.some((text) => describe(reason, text) === text))
  .map(({ code, rule, fields }) => `${code}@${rule}: ${fields.join(', ')}`);
