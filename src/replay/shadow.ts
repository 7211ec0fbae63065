import type { Group } from './scan.ts';

const MAX_EXAMPLES = 3;

export interface ShadowLine {
  readonly vendor: string;
  readonly event: string;
  readonly identity: string;
  /** What was answered, and what enforcement would have. */
  readonly decision: string;
  readonly wouldBe: string;
  readonly reasons: readonly string[];
  records: number;
  rows: number;
  readonly examples: { readonly index: number; readonly decisionId: string }[];
}

/** What was let pass because its vendor or event was in shadow. */
export interface Shadow {
  readonly report: 'shadow';
  readonly v: 1;
  readonly records: number;
  /** Asked in shadow, and answered as enforcement would have. */
  readonly same: number;
  readonly lines: readonly ShadowLine[];
}

export async function shadowOf(groups: AsyncIterable<Group>): Promise<Shadow> {
  const lines = new Map<string, ShadowLine>();
  let [records, same] = [0, 0];
  for await (const { record, count, rows, firstIndex: index, decisionId } of groups) {
    if (record.wouldBe === undefined) continue;
    records += count;
    const { decision: wouldBe } = record.wouldBe;
    if (wouldBe === record.decision) {
      same += count;
      continue;
    }
    const reasons = [...new Set(record.wouldBe.reasons.map(({ code, rule }) => `${code}@${rule}`))].sort();
    const { vendor, event = '(no event)', identity, decision } = record;
    const key = JSON.stringify([vendor, event, identity, decision, wouldBe, reasons]);
    const line = lines.get(key) ?? { vendor, event, identity, decision, wouldBe, reasons, records: 0, rows: 0, examples: [] };
    lines.set(key, line);
    line.records += count;
    line.rows += rows;
    if (line.examples.length < MAX_EXAMPLES) line.examples.push({ index, decisionId });
  }
  return { report: 'shadow', v: 1, records, same, lines: [...lines.values()].sort((a, b) => b.records - a.records || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}
