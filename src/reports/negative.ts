import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { isBelow } from '../core/catalogue/selectors.ts';
import { destinationsOf, leftBy, UNCLASSIFIED } from '../replay/leaving.ts';
import type { Group } from '../replay/scan.ts';
import { gapsOf, type Basis } from './basis.ts';
import { coverageOf, type Coverage } from './coverage.ts';
import { addTo, amountOf, createNames, noAmount, type Amount, type AmountReport, type Names } from './tally.ts';
import { windowOf, type Window, type WindowReport } from './window.ts';

/** Whether something ever was permitted to go to a vendor: a nought is worth what the log covers, so it says what that is. */
export interface Negative {
  readonly report: 'negative';
  readonly v: 1;
  readonly claim: { readonly vendor: string | null; readonly category: string | null; readonly field: string | null };
  readonly window: WindowReport;
  readonly basis: Basis;
  /**
   * `none permitted` is only ever about what Sluice was asked; `inconclusive`: the log has nothing of it, and does not hold
   * all of the time, or has let out what nobody had classified: `why`.
   */
  readonly answer: 'none permitted' | 'permitted' | 'inconclusive';
  readonly why: readonly string[];
  readonly permitted: AmountReport;
  readonly examples: readonly { readonly index: number; readonly decisionId: string; readonly field: string; readonly category: string }[];
  /** Asked for and refused. */
  readonly refused: AmountReport;
  /** What was looked through. */
  readonly searched: AmountReport;
  /** Digests of the revisions that decided. */
  readonly revisions: readonly string[];
  /** Records that could not be written, as the log's gaps tell. */
  readonly notWritten: number;
  /** Records that let out a field that nobody has classified: it may be anything. */
  readonly unclassified: number;
  /** Answers to /permitted that would let it out: nothing left by them. */
  readonly onlyAsked: number;
  readonly coverage: Coverage;
}

export interface NegativeOptions extends Window {
  readonly vendor?: string;
  /** It and all below it. */
  readonly category?: string;
  readonly field?: string;
  readonly catalogue: Catalogue;
  readonly basis: Basis;
  readonly nowMs: number;
}

const MAX_EXAMPLES = 10;

interface Found {
  readonly permitted: Amount;
  readonly refused: Amount;
  readonly searched: Amount;
  readonly unclassified: Amount;
  readonly revisions: Names;
  readonly examples: Negative['examples'][number][];
  onlyAsked: number;
}

/** @param groups of the time, those of /permitted too. @param notWritten asked for when all groups were read. */
export async function negativeOf(groups: AsyncIterable<Group>, notWritten: () => number, options: NegativeOptions): Promise<Negative> {
  const { vendor, category, field, catalogue, basis, nowMs: _, ...window } = options;
  const found: Found = { permitted: noAmount(), refused: noAmount(), searched: noAmount(), unclassified: noAmount(), revisions: createNames(), examples: [], onlyAsked: 0 };
  for await (const group of groups) note(found, group, options);
  const why = doubtsOf(found, options);
  return {
    report: 'negative', v: 1, claim: { vendor: vendor ?? null, category: category ?? null, field: field ?? null },
    window: windowOf(window), basis,
    answer: found.permitted.decisions > 0 ? 'permitted' : why.length > 0 ? 'inconclusive' : 'none permitted', why,
    permitted: amountOf(found.permitted), examples: found.examples, refused: amountOf(found.refused), searched: amountOf(found.searched),
    revisions: found.revisions.list().map(({ name }) => name).sort(), notWritten: notWritten(), unclassified: found.unclassified.decisions,
    onlyAsked: found.onlyAsked, coverage: coverageOf(catalogue, vendor === undefined ? {} : { vendor }),
  };
}

function note(found: Found, group: Group, { vendor, category, field }: NegativeOptions): void {
  const { record } = group;
  const isMeant = (one: { readonly path: string; readonly category?: string | undefined; readonly from?: string }) => (
    (category === undefined || isBelow(one.category ?? '', category) || isBelow(one.from ?? '', category)) && (field === undefined || one.path === field)
  );
  const isConcerned = vendor === undefined || record.vendor === vendor || destinationsOf(group.shape(), record).includes(vendor);
  if (record.kind === 'permitted') {
    if (isConcerned && record.fields.some(({ effect, paths, category: of }) => effect !== 'deny' && effect !== 'review' && paths.some((path) => isMeant({ path, category: of })))) found.onlyAsked += group.count;
    return;
  }
  addTo(found.searched, group);
  if (record.revision !== undefined) found.revisions.add(record.revision.digest, group.count);
  if (!isConcerned) return;
  const left = leftBy(record);
  const hit = left.find(isMeant);
  if (hit !== undefined) {
    addTo(found.permitted, group);
    if (found.examples.length < MAX_EXAMPLES) found.examples.push({ index: group.firstIndex, decisionId: group.decisionId, field: hit.path, category: hit.category });
    return;
  }
  // Of a field that is named it doesn't matter what it is.
  if (field === undefined && left.some((one) => one.category === UNCLASSIFIED)) addTo(found.unclassified, group);
  if (record.fields.some(({ paths, category: of }) => paths.some((path) => isMeant({ path, category: of })))) addTo(found.refused, group);
}

function doubtsOf({ unclassified }: Found, { basis, nowMs, fromMs, toMs }: NegativeOptions): readonly string[] {
  return [
    ...gapsOf(basis, { ...(fromMs !== undefined && { fromMs }) }),
    ...(toMs !== undefined && toMs > nowMs ? ['The time is not over.'] : []),
    ...(unclassified.decisions === 0 ? [] : [`${unclassified.decisions} decisions let out a field that nobody had classified: it may be anything.`]),
  ];
}
