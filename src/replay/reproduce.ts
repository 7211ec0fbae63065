import { PROGRAM } from '../version.ts';
import type { Bundles } from './bundles.ts';
import { differences } from './compare.ts';
import { redecide } from './redecide.ts';
import type { Group } from './scan.ts';

const MAX_EXAMPLES = 20;

export interface Difference {
  readonly index: number;
  readonly decisionId: string;
  readonly records: number;
  /** Of the record: decision, fields, obligations, reasons, wouldBe, fix, approval. */
  readonly members: readonly string[];
  /** The program that decided, where it is not this one: then it may be the program that differs. */
  readonly program?: string;
}

/** Whether the log's decisions come out again from their recorded input, under the policy that they name. */
export interface Reproduction {
  readonly report: 'reproduction';
  readonly v: 1;
  readonly program: string;
  readonly questions: number;
  readonly records: number;
  readonly reproduced: number;
  /** Records that differ, though this very program decided them. */
  readonly different: number;
  /** Records of another version of the program that this one decides otherwise. */
  readonly differentUnderThisProgram: number;
  /** Records whose policy is not kept here, by its digest. */
  readonly missingBundles: Readonly<Record<string, number>>;
  /** Records whose input is not in the log, or not what its digest says. */
  readonly withoutInput: number;
  /** Lists that Permit's SDKs asked for: they name no input. */
  readonly lists: number;
  readonly examples: readonly Difference[];
}

export async function reproduce(groups: AsyncIterable<Group>, bundles: Bundles): Promise<Reproduction> {
  const counts = { questions: 0, records: 0, reproduced: 0, different: 0, differentUnderThisProgram: 0, withoutInput: 0, lists: 0 };
  const missingBundles: Record<string, number> = {};
  const examples: Difference[] = [];
  for await (const { record, shape: shapeOf, count, firstIndex, decisionId } of groups) {
    counts.questions += 1;
    counts.records += count;
    if (record.list !== undefined) {
      counts.lists += count;
      continue;
    }
    const shape = shapeOf();
    const engine = record.bundle === undefined ? undefined : await bundles.engineOf(record.bundle);
    if (shape === undefined) {
      counts.withoutInput += count;
      continue;
    }
    if (engine === undefined) {
      missingBundles[record.bundle ?? 'none'] = (missingBundles[record.bundle ?? 'none'] ?? 0) + count;
      continue;
    }
    const members = differences(record, redecide(record, shape, engine).decision);
    const own = record.program === PROGRAM;
    counts[members.length === 0 ? 'reproduced' : own ? 'different' : 'differentUnderThisProgram'] += count;
    if (members.length > 0 && examples.length < MAX_EXAMPLES) {
      examples.push({ index: firstIndex, decisionId, records: count, members, ...(!own && record.program !== undefined && { program: record.program }) });
    }
  }
  return { report: 'reproduction', v: 1, program: PROGRAM, ...counts, missingBundles, examples };
}
