import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { ancestorsOf, covers, isBelow } from '../core/catalogue/selectors.ts';
import { FORMS, type Form } from '../replay/leaving.ts';
import { newHolding, type Collected, type Held, type Holding } from './collect.ts';
import { amountOf, type AmountReport, type Names } from './tally.ts';
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
  /** Set when another policy was put in the place of the recorded one. */
  readonly under?: string;
  readonly permittedToLeave: AmountReport;
  readonly refused: AmountReport & { readonly reasons: Named; readonly withheld: readonly string[] };
  /** Enforcement points report no usage yet. */
  readonly reportedAsSent: 'unknown';
  /** Callers state rows, not people. */
  readonly subjects: 'unknown';
  readonly coverage: 'unknown';
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
  /** Vendors to whom this one may hand it on, as the catalogue knew when it was decided. */
  readonly subProcessors: readonly string[];
  /** What reached vendors from whom this one may have received it. */
  readonly indirect: readonly { readonly through: string; readonly categories: readonly string[] }[];
  readonly joinKeys: readonly { readonly category: string; readonly form: Form; readonly alsoHeldBy: readonly string[] }[];
  /** Absent where the catalogue was not at hand. */
  readonly combinations?: readonly { readonly id: string; readonly title: string; readonly categories: readonly string[]; readonly inOneMessage: boolean }[];
  readonly keysToRotate: readonly { readonly key: string; readonly why: string }[];
  readonly contactable: readonly string[];
  /** A list of names was cut off at 1,000. */
  readonly incomplete: boolean;
}

export interface ExposureOptions extends Window {
  readonly vendor: string;
  readonly catalogue?: Catalogue;
  readonly under?: string;
}

// Values that stay the same for a person, a device or a customer: what records of theirs are put together by.
const JOIN_KEYS = ['user.unique_id', 'user.contact.email', 'user.contact.email_hash', 'user.contact.phone_number', 'user.account.username', 'user.device.device_id', 'user.device.ip_address', 'system.tenant.org_id', 'system.tenant.account_id', 'system.ai.agent_session'];
const CONTACTS = ['user.contact', 'user.name', 'user.account.username'];
const CREDENTIALS = 'user.authorization';

const isAnyOf = (category: string, roots: readonly string[]) => roots.some((root) => isBelow(category, root));

/** What a vendor was permitted to receive: an upper bound of what it has. Names only, never a value. */
export function exposureOf(collected: Collected, { vendor, catalogue, under, ...window }: ExposureOptions): ExposureReport {
  const holding = collected.holdings.get(vendor) ?? newHolding(vendor);
  const held = [...holding.held.values()];
  const contacts = [...new Set(held.filter(({ category, form }) => form === 'raw' && isAnyOf(category, CONTACTS)).map(({ category }) => category))].sort();
  return {
    report: 'exposure', v: 1, vendor,
    name: catalogue?.facts.vendors.get(vendor)?.name ?? vendor,
    window: windowOf(window),
    ...(under !== undefined && { under }),
    permittedToLeave: amountOf(holding.permitted),
    refused: { ...amountOf(holding.refused), reasons: holding.refusedFor.list(), withheld: withheldBy(holding) },
    reportedAsSent: 'unknown', subjects: 'unknown', coverage: 'unknown',
    categories: held.map((one) => categoryOf(one, collected)).sort(byWeight),
    identities: holding.identities.list(),
    environments: holding.environments.list(),
    events: holding.events.list(),
    purposes: holding.purposes.list(),
    callers: holding.callers.list(),
    revisions: sortedNames(holding.revisions),
    via: holding.via.list(),
    subProcessors: sortedNames(holding.reaches),
    indirect: indirectTo(vendor, collected),
    joinKeys: joinKeysOf(vendor, held, collected),
    ...(catalogue !== undefined && { combinations: combinationsOf(holding, catalogue) }),
    keysToRotate: keysOf(vendor, held, holding),
    contactable: contacts,
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

/** A keyed hash is keyed per vendor: only the raw value is the same elsewhere (R26). */
function joinKeysOf(vendor: string, held: readonly Held[], { holdings }: Collected): ExposureReport['joinKeys'] {
  const keys = held.filter(({ category, form }) => isAnyOf(category, JOIN_KEYS) && (form === 'raw' || form === 'hmac' || form === 'tokenized'));
  const distinct = new Map(keys.map(({ category, form }) => [`${category} ${form}`, { category, form }]));
  return [...distinct.values()].sort((a, b) => (a.category < b.category ? -1 : 1)).map(({ category, form }) => ({
    category, form,
    alsoHeldBy: form !== 'raw' ? [] : [...holdings.values()]
      .filter((other) => other.vendor !== vendor && [...other.held.values()].some((one) => one.category === category && one.form === 'raw'))
      .map((other) => other.vendor).sort(),
  }));
}

/** Combinations that the categories make up together, in one message or over all of them. */
function combinationsOf(holding: Holding, { combinations }: Catalogue): NonNullable<ExposureReport['combinations']> {
  const all = [...new Set([...holding.held.values()].map(({ category }) => category))].sort();
  const sets = holding.sets.list().map(({ name }) => name.split(' '));
  return combinations.flatMap(({ id, title, selectors, min }) => {
    const membersIn = (categories: readonly string[]) => selectors.map((member) => categories.filter((category) => covers(member, category, new Set(ancestorsOf(category))))).filter((found) => found.length > 0);
    const found = membersIn(all);
    if (found.length < min) return [];
    return [{ id, title: title ?? id, categories: [...new Set(found.flat())].sort(), inOneMessage: sets.some((set) => membersIn(set).length >= min) }];
  });
}

function keysOf(vendor: string, held: readonly Held[], holding: Holding): ExposureReport['keysToRotate'] {
  const keyed = (form: Form) => [...new Set(held.filter((one) => one.form === form).map(({ from, category }) => from ?? category))].sort();
  const senders = sortedNames(holding.identities);
  return [
    ...(senders.length === 0 ? [] : [{ key: `the credentials that ${senders.join(', ')} use at ${vendor}`, why: 'the vendor held them' }]),
    ...(['hmac', 'tokenized', 'encrypted'] as const).flatMap((form) => (keyed(form).length === 0 ? [] : [{
      key: `the ${form} key for ${vendor}`, why: `${keyed(form).join(', ')} left under it: what is sent later must not be linked to what was taken`,
    }])),
    ...held.filter(({ category }) => isBelow(category, CREDENTIALS)).map(({ category, fields }) => ({ key: `what is in ${fields.list().map(({ name }) => name).join(', ')}`, why: `${category} was permitted to leave` })),
  ];
}

const isIncomplete = (holding: Holding) => (
  [holding.identities, holding.environments, holding.events, holding.purposes, holding.callers, holding.sets, holding.withheld, ...[...holding.held.values()].flatMap(({ fields, events }) => [fields, events])].some((names) => names.more())
);
