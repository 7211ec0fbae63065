import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { isBelow } from '../core/catalogue/selectors.ts';
import { EVENT_NAME, splitPath } from '../core/parse/paths.ts';
import { didYouMean } from '../core/suggest.ts';
import { destinationsOf, leftBy, UNCLASSIFIED } from '../replay/leaving.ts';
import { isHashed, type AskedRecord } from '../replay/recorded.ts';
import type { Group } from '../replay/scan.ts';
import { gapsOf, withoutInputText, type Basis } from './basis.ts';
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
   * all of the time, or has let out what may be it: `why`.
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
  /** Records that let out what may be the field: its name stands there as a hash, or it was asked for by its category. */
  readonly unnamed: number;
  /** Records that let something out, and don't have the input that says to whom it was handed on. */
  readonly withoutInput: number;
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
  readonly revisions: Names;
  readonly examples: Negative['examples'][number][];
  unclassified: number;
  unnamed: number;
  withoutInput: number;
  onlyAsked: number;
  /** Whether the field has been asked for at all, of whatever vendor. */
  isNamed: boolean;
}

/** @param groups of the time, those of /permitted too. @param notWritten asked for when all groups were read. */
export async function negativeOf(groups: AsyncIterable<Group>, notWritten: () => number, options: NegativeOptions): Promise<Negative> {
  const { vendor, category, field, catalogue, basis, nowMs: _, ...window } = options;
  const found: Found = { permitted: noAmount(), refused: noAmount(), searched: noAmount(), revisions: createNames(), examples: [], unclassified: 0, unnamed: 0, withoutInput: 0, onlyAsked: 0, isNamed: false };
  for await (const group of groups) note(found, group, options);
  const why = doubtsOf(found, options);
  return {
    report: 'negative', v: 1, claim: { vendor: vendor ?? null, category: category ?? null, field: field ?? null },
    window: windowOf(window), basis,
    answer: found.permitted.decisions > 0 ? 'permitted' : why.length > 0 ? 'inconclusive' : 'none permitted', why,
    permitted: amountOf(found.permitted), examples: found.examples, refused: amountOf(found.refused), searched: amountOf(found.searched),
    revisions: found.revisions.list().map(({ name }) => name).sort(), notWritten: notWritten(), unclassified: found.unclassified, unnamed: found.unnamed, withoutInput: found.withoutInput,
    onlyAsked: found.onlyAsked, coverage: coverageOf(catalogue, vendor === undefined ? {} : { vendor }),
  };
}

function note(found: Found, group: Group, { vendor, category, field, catalogue }: NegativeOptions): void {
  const { record } = group;
  const isOf = (one: { readonly category?: string | undefined; readonly from?: string }) => category === undefined || isBelow(one.category ?? '', category) || isBelow(one.from ?? '', category);
  const isField = (path: string) => field === undefined || isNamedAs(path, field, { record, catalogue });
  const isMeant = (one: { readonly path: string; readonly category?: string | undefined; readonly from?: string }) => isOf(one) && isField(one.path) === true;
  const shape = vendor === undefined || record.vendor === vendor ? undefined : group.shape();
  const isConcerned = vendor === undefined || record.vendor === vendor || destinationsOf(shape, record).includes(vendor);
  if (record.kind === 'permitted') {
    if (isConcerned && record.fields.some(({ effect, paths, category: of }) => effect !== 'deny' && effect !== 'review' && paths.some((path) => isMeant({ path, category: of })))) found.onlyAsked += group.count;
    return;
  }
  addTo(found.searched, group);
  if (record.revision !== undefined) found.revisions.add(record.revision.digest, group.count);
  found.isNamed ||= field !== undefined && record.fields.some(({ paths }) => paths.includes(field));
  const left = leftBy(record);
  if (!isConcerned) {
    if (shape === undefined && left.length > 0) found.withoutInput += group.count;
    return;
  }
  const hit = left.find(isMeant);
  if (hit !== undefined) {
    addTo(found.permitted, group);
    if (found.examples.length < MAX_EXAMPLES) found.examples.push({ index: group.firstIndex, decisionId: group.decisionId, field: hit.path, category: hit.category });
    return;
  }
  const mayBe = left.filter((one) => isField(one.path) !== false && (isOf(one) || one.category === UNCLASSIFIED));
  if (mayBe.some(({ path }) => isField(path) === undefined)) found.unnamed += group.count;
  else if (mayBe.length > 0) found.unclassified += group.count;
  if (record.fields.some(({ paths, category: of }) => paths.some((path) => isMeant({ path, category: of })))) addTo(found.refused, group);
}

/** Whether a recorded path is this field, as asked for or as declared; undefined: it may be, and the record does not tell. */
function isNamedAs(path: string, field: string, { record, catalogue }: { readonly record: AskedRecord; readonly catalogue: Catalogue }): boolean | undefined {
  if (path === field) return true;
  if (record.byCategory === true) return undefined;
  if (!isHashed(path)) return false;
  if (record.event !== undefined && catalogue.event(record.event)?.field(path)?.declared === field) return true;
  const [recorded, meant] = [splitPath(path), splitPath(field)];
  // A path that nothing knew is one hash; of a dynamic key only the key is hashed.
  if (recorded.length === 1) return undefined;
  return recorded.length === meant.length && recorded.every((segment, at) => isHashed(segment) || segment === meant[at]) ? undefined : false;
}

function doubtsOf({ unclassified, unnamed, withoutInput, isNamed }: Found, { field, catalogue, basis, nowMs, fromMs, toMs }: NegativeOptions): readonly string[] {
  return [
    ...gapsOf(basis, { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) }),
    ...(toMs !== undefined && toMs > nowMs ? ['The time is not over.'] : []),
    ...(unclassified === 0 ? [] : [`${unclassified} decisions let out a field that nobody had classified: it may be anything.`]),
    ...(unnamed === 0 ? [] : [`${unnamed} decisions let out a field whose name stands in the log as a hash, or that was asked for by its category: it may be this one.`]),
    ...(withoutInput === 0 ? [] : [withoutInputText(withoutInput)]),
    ...(field === undefined || isNamed ? [] : misspelt(field, catalogue)),
  ];
}

/** A misspelt name would prove anything. */
function misspelt(field: string, { facts, dictionary, event }: Catalogue): readonly string[] {
  const events = [dictionary, ...[...facts.events.keys()].flatMap((name) => event(name) ?? [])];
  if (field === EVENT_NAME || events.some((one) => one.field(field) !== undefined)) return [];
  return [`Neither the catalogue nor the log of this time names this field${didYouMean(field, events.flatMap(({ fields }) => fields.map(({ declared }) => declared)))}: names that nobody knew stand there as hashes.`];
}
