import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { FORMS, type Form } from '../replay/leaving.ts';
import { basisText, gapsOf, withoutInputText, type Basis } from './basis.ts';
import type { Collected } from './collect.ts';
import { coverageOf, type Coverage } from './coverage.ts';
import { newHolding, type Held, type Holding } from './held/holding.ts';
import { combinationsOf, joinKeysOf, type HeldCombination, type JoinKey } from './held/inference.ts';
import { contactable, keysToRotate, type KeyToRotate } from './held/remedies.ts';
import { subProcessorsOf, type SubProcessor } from './held/sub-processors.ts';
import { amountOf, MAX_NAMES, type AmountReport, type Names } from './tally.ts';
import { windowOf, type Window, type WindowReport } from './window.ts';

type Named = readonly { readonly name: string; readonly decisions: number }[];

export interface CategoryExposure {
  /** As it was permitted to leave. */
  readonly category: string;
  /** What it was made of, by an obligation; absent: it left as it was. */
  readonly madeOf?: string;
  readonly form: Form;
  readonly obligations: readonly string[];
  readonly sensitivity: string;
  readonly identifiability: string;
  readonly amount: AmountReport;
  readonly fields: Named;
  readonly events: Named;
}

export interface ExposureReport {
  readonly report: 'exposure';
  readonly v: 1;
  readonly vendor: string;
  readonly name: string;
  readonly window: WindowReport;
  /** Absent where it was not read. */
  readonly basis?: Basis;
  /** Set when another policy was put in the place of the recorded one. */
  readonly under?: string;
  /** What the log does not hold of the time, in sentences: where there is any, nothing here is an upper bound. */
  readonly gaps: readonly string[];
  /** The vendor's state now, whatever time the report is of: the worst of what the files and the kill switch say. */
  readonly state?: string;
  readonly permittedToLeave: AmountReport;
  /** Of these: let out by shadow mode alone, that enforcement would have refused. */
  readonly onlyInShadow: AmountReport;
  /** With `under`, of these: refused as asked, and permitted once the other policy's own fix is applied. */
  readonly afterFix?: AmountReport;
  readonly refused: AmountReport & { readonly reasons: Named; readonly withheld: readonly string[] };
  /** Answers to /permitted: nothing leaves by them, and they are counted nowhere else. */
  readonly onlyAsked: AmountReport;
  /** Enforcement points report no usage yet. */
  readonly reportedAsSent: 'unknown';
  /** Callers state rows, not people. */
  readonly subjects: 'unknown';
  /** How many different things callers said that the data was about. */
  readonly objects: number;
  readonly coverage: Coverage;
  readonly categories: readonly CategoryExposure[];
  readonly identities: Named;
  readonly environments: Named;
  readonly events: Named;
  readonly purposes: Named;
  readonly callers: Named;
  /** Digests of the revisions that permitted it. */
  readonly revisions: readonly string[];
  /** Customer-data platforms that it came through. */
  readonly via: Named;
  /** Who else could hold it. */
  readonly subProcessors: readonly SubProcessor[];
  /** What reached vendors from whom this one may have received it. */
  readonly indirect: readonly { readonly through: string; readonly categories: readonly string[] }[];
  readonly joinKeys: readonly JoinKey[];
  /** Absent where the catalogue was not at hand. */
  readonly combinations?: readonly HeldCombination[];
  readonly keysToRotate: readonly KeyToRotate[];
  readonly contactable: readonly string[];
  /** How far all this goes, in sentences. */
  readonly notes: readonly string[];
  /** A list of names was cut off, at 1,000 unless all were asked for. */
  readonly incomplete: boolean;
}

export interface ExposureOptions extends Window {
  readonly vendor: string;
  readonly catalogue?: Catalogue;
  readonly basis?: Basis;
  readonly under?: string;
  readonly state?: string;
  /** Records that could not be asked again under the other policy. */
  readonly notReplayed?: number;
  /** Records of which the other policy says something else at another moment of their time. */
  readonly crossedInTime?: number;
}

/** What a vendor was permitted to receive: an upper bound of what it has. Names only, never a value. */
export function exposureOf(collected: Collected, { vendor, catalogue, basis, under, state, notReplayed = 0, crossedInTime = 0, ...window }: ExposureOptions): ExposureReport {
  const holding = collected.holdings.get(vendor) ?? newHolding(vendor, MAX_NAMES);
  return {
    report: 'exposure', v: 1, vendor,
    name: catalogue?.facts.vendors.get(vendor)?.name ?? vendor,
    window: windowOf(window),
    ...(basis !== undefined && { basis }),
    ...(under !== undefined && { under }),
    gaps: basis === undefined ? [] : gapsOf(basis, window),
    ...(state !== undefined && { state }),
    permittedToLeave: amountOf(holding.permitted),
    onlyInShadow: amountOf(holding.inShadow),
    ...(under !== undefined && { afterFix: amountOf(holding.afterFix) }),
    refused: { ...amountOf(holding.refused), reasons: holding.refusedFor.list(), withheld: withheldBy(holding) },
    onlyAsked: amountOf(holding.onlyAsked),
    reportedAsSent: 'unknown', subjects: 'unknown', objects: holding.objects.list().length, coverage: coverageOf(catalogue, { vendor }),
    categories: [...holding.held.values()].map((one) => categoryOf(one, collected)).sort(byWeight),
    identities: holding.identities.list(),
    environments: holding.environments.list(),
    events: holding.events.list(),
    purposes: holding.purposes.list(),
    callers: holding.callers.list(),
    revisions: sortedNames(holding.revisions),
    via: holding.via.list(),
    subProcessors: subProcessorsOf(vendor, sortedNames(holding.reaches), catalogue),
    indirect: indirectTo(vendor, collected),
    joinKeys: joinKeysOf(holding, collected),
    ...(catalogue !== undefined && { combinations: combinationsOf(holding, catalogue) }),
    keysToRotate: keysToRotate(holding),
    contactable: contactable(holding),
    notes: [
      ...(basis === undefined ? [] : basisText(basis)),
      ...(collected.notWritten === 0 ? [] : [`${collected.notWritten} records of the time could not be written: nobody was answered for them, and nothing may have left by them.`]),
      ...(collected.withoutInput === 0 ? [] : [withoutInputText(collected.withoutInput)]),
      ...(notReplayed === 0 ? [] : [`${notReplayed} records could not be asked again under the other policy, and are left out.`]),
      ...(crossedInTime === 0 ? [] : [`${crossedInTime} records were asked over a moment at which time alone changes what the other policy says: judged as the first of them, so that more or less may leave from then on.`]),
    ],
    incomplete: isIncomplete(holding),
  };
}

const sortedNames = (names: Names) => names.list().map(({ name }) => name).sort();

/** Asked for, and never permitted in any form. */
const withheldBy = ({ held, withheld }: Holding) => {
  const left = new Set([...held.values()].flatMap(({ category, from }) => [category, from]));
  return sortedNames(withheld).filter((name) => !left.has(name));
};

function categoryOf({ category, from, form, amount, fields, events, ops }: Held, { natures }: Collected): CategoryExposure {
  return {
    category, ...(from !== undefined && { madeOf: from }), form, obligations: [...ops].sort(),
    sensitivity: natures.get(category)?.sensitivity ?? 'unknown', identifiability: natures.get(category)?.identifiability ?? 'unknown',
    amount: amountOf(amount), fields: fields.list(), events: events.list(),
  };
}

const SENSITIVITY = ['unknown', 'restricted', 'confidential', 'internal', 'public'];

/** What is worst first. */
const byWeight = (a: CategoryExposure, b: CategoryExposure) => (
  SENSITIVITY.indexOf(a.sensitivity) - SENSITIVITY.indexOf(b.sensitivity)
  || (a.category < b.category ? -1 : a.category > b.category ? 1 : FORMS.indexOf(a.form) - FORMS.indexOf(b.form) || ((a.madeOf ?? '') < (b.madeOf ?? '') ? -1 : 1))
);

function indirectTo(vendor: string, { holdings }: Collected): ExposureReport['indirect'] {
  return [...holdings.values()]
    .filter(({ vendor: other, reaches }) => other !== vendor && reaches.list().some(({ name }) => name === vendor))
    .map(({ vendor: through, held }) => ({ through, categories: [...new Set([...held.values()].map(({ category }) => category))].sort() }))
    .sort((a, b) => (a.through < b.through ? -1 : 1));
}

const isIncomplete = (holding: Holding) => (
  [holding.identities, holding.environments, holding.events, holding.purposes, holding.callers, holding.sets, holding.withheld, holding.objects, holding.secrets, holding.revisions, holding.reaches, holding.via, ...[...holding.held.values()].flatMap(({ fields, events }) => [fields, events])].some((names) => names.more())
);
