import type { Decision } from '../core/answer.ts';
import { isHashed, type AskedRecord, type RecordedReason } from './recorded.ts';

type Lines = readonly string[];

/** In which members the decision differs from the record; empty when it is the same. The order of fields is none of it. */
export function differences(record: AskedRecord, decision: Decision): readonly string[] {
  const hashed = [record.identity, record.onBehalfOf, record.vendor, record.environment, record.purpose, record.event, ...record.fields.flatMap(({ paths }) => paths)].some(isHashed);
  const members: readonly (readonly [string, Lines, Lines])[] = [
    ['decision', [record.decision, record.mode], [decision.decision, decision.mode]],
    ['fields', fieldLines(record.fields.flatMap(({ paths, ...verdict }) => paths.map((path) => [path, verdict] as const))), fieldLines(Object.entries(decision.fields))],
    ['obligations', obligationLines(record.obligations), obligationLines(decision.obligations)],
    ['reasons', reasonLines(record.reasons), reasonLines(decision.reasons)],
    ['wouldBe', wouldBeLines(record.wouldBe), wouldBeLines(decision.wouldBe)],
    ['fix', fixLines(record.fix, hashed), fixLines(decision.fix, hashed)],
    // Its digest is over the names themselves.
    ...(hashed ? [] : [['approval', [record.approvalAsked ?? ''], [decision.approval?.id ?? '']] as const]),
  ];
  return members.filter(([, a, b]) => a.length !== b.length || a.some((line, at) => line !== b[at])).map(([name]) => name);
}

const fieldLines = (fields: readonly (readonly [string, Decision['fields'][string]])[]): Lines => (
  fields.map(([path, { effect, category, rules }]) => JSON.stringify([path, effect, category, rules])).sort()
);

const obligationLines = (obligations: Decision['obligations']): Lines => (
  obligations.map(({ field, op, params, resultCategory }) => JSON.stringify([field, op, params, resultCategory])).sort()
);

const reasonLines = (reasons: readonly RecordedReason[]): Lines => (
  reasons.map(({ code, rule, fields, detector }) => JSON.stringify([code, rule, fields.toSorted(), detector])).sort()
);

const wouldBeLines = (wouldBe: AskedRecord['wouldBe']): Lines => (wouldBe === undefined ? [] : [wouldBe.decision, ...reasonLines(wouldBe.reasons)]);

// Of several smallest sets the one that sorts first is told, and a hashed name sorts otherwise.
const fixLines = (fix: AskedRecord['fix'], hashed: boolean): Lines => (
  fix === null ? [] : [String(fix.exact), ...(hashed ? [String(fix.drop.length)] : fix.drop.toSorted())]
);
