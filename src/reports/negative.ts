import { isBelow } from '../core/catalogue/selectors.ts';
import type { LogLine } from '../replay/recorded.ts';
import { excludedBy, leftBy } from '../replay/leaving.ts';
import type { Group } from '../replay/scan.ts';
import { addTo, amountOf, createNames, noAmount, type AmountReport } from './tally.ts';
import { windowOf, type Window, type WindowReport } from './window.ts';

/** Whether something ever was permitted to go to a vendor: a nought is worth what the log covers, so it says what that is. */
export interface Negative {
  readonly report: 'negative';
  readonly v: 1;
  readonly claim: { readonly vendor: string | null; readonly category: string | null; readonly field: string | null };
  readonly window: WindowReport;
  /** `none` is only ever about what Sluice was asked. */
  readonly answer: 'none permitted' | 'permitted';
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
  /** Enforcement points do not report yet: what was sent without asking is not known. */
  readonly coverage: 'unknown';
}

export interface NegativeOptions extends Window {
  readonly vendor?: string;
  /** It and all below it. */
  readonly category?: string;
  readonly field?: string;
}

const MAX_EXAMPLES = 10;

export async function negativeOf(scan: (other: (record: LogLine, timeMs: number) => void) => AsyncIterable<Group>, { vendor, category, field, fromMs, toMs }: NegativeOptions): Promise<Negative> {
  const [permitted, refused, searched] = [noAmount(), noAmount(), noAmount()];
  const revisions = createNames();
  const examples: Negative['examples'][number][] = [];
  let [notWritten, unclassified] = [0, 0];
  const isMeant = (one: { readonly path: string; readonly category?: string; readonly from?: string }) => (
    (category === undefined || isBelow(one.category ?? '', category) || isBelow(one.from ?? '', category)) && (field === undefined || one.path === field)
  );
  const groups = scan((record, timeMs) => {
    if (record['kind'] === 'gap' && timeMs >= (fromMs ?? -Infinity)) notWritten += Number(record['refused'] ?? 0);
  });
  for await (const group of groups) {
    const { record } = group;
    addTo(searched, group);
    if (record.revision !== undefined) revisions.add(record.revision.digest, group.count);
    const destinations = (group.shape()?.views ?? []).flatMap(({ destination }) => destination ?? []).filter((id) => !excludedBy(record).includes(id));
    if (vendor !== undefined && record.vendor !== vendor && !destinations.includes(vendor)) continue;
    const left = leftBy(record);
    if (left.some((one) => one.category === 'unclassified')) unclassified += group.count;
    const hit = left.find(isMeant);
    const asked = record.fields.some((one) => one.paths.some((path) => isMeant({ path, ...(one.category !== undefined && { category: one.category }) })));
    if (hit === undefined) {
      if (asked) addTo(refused, group);
      continue;
    }
    addTo(permitted, group);
    if (examples.length < MAX_EXAMPLES) examples.push({ index: group.firstIndex, decisionId: group.decisionId, field: hit.path, category: hit.category });
  }
  return {
    report: 'negative', v: 1, claim: { vendor: vendor ?? null, category: category ?? null, field: field ?? null },
    window: windowOf({ ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) }),
    answer: permitted.decisions === 0 ? 'none permitted' : 'permitted',
    permitted: amountOf(permitted), examples, refused: amountOf(refused), searched: amountOf(searched),
    revisions: revisions.list().map(({ name }) => name).sort(), notWritten, unclassified, coverage: 'unknown',
  };
}
