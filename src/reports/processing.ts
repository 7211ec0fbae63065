import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { inEu } from '../core/catalogue/regions.ts';
import type { Reached } from '../core/catalogue/vendors.ts';
import type { Claim, ClaimName } from '../core/facts.ts';
import { basisText, gapsOf, withoutInputText, type Basis } from './basis.ts';
import type { Collected } from './collect.ts';
import type { ForPurpose } from './held/holding.ts';
import { roleOf, type Role } from './incident.ts';
import { regulationsOf } from './regulations.ts';
import { toCsv } from './text/csv.ts';
import { windowOf, type Window, type WindowReport } from './window.ts';

/** One purpose at one recipient: the items of GDPR Art. 30(1). */
export interface Processing {
  readonly purpose: string;
  readonly recipient: string;
  readonly recipientName: string;
  /** Of the recipient. */
  readonly role: Role;
  readonly subProcessors: readonly string[];
  readonly apps: readonly string[];
  readonly events: readonly string[];
  readonly dataCategories: readonly string[];
  /** Art. 30(1)(c) asks for it; no catalogue has it: `fill in`, unless somebody did. */
  readonly dataSubjects: string;
  /** Of the recipient itself. */
  readonly regions: readonly string[];
  /** Whether it leaves the EU and the EEA, at the recipient or at its sub-processors. */
  readonly thirdCountry: 'yes' | 'no' | 'unknown';
  readonly transferBasis: string;
  readonly retentionDays: string;
  /** Art. 30(1)(g): in which forms it left. */
  readonly measures: readonly string[];
  /** Law that the categories may bring in; a hint, no advice. */
  readonly regulations: readonly string[];
  readonly decisions: number;
}

export interface ProcessingRecords {
  readonly report: 'processing';
  readonly v: 1;
  readonly controller: string;
  readonly contact: string;
  readonly window: WindowReport;
  readonly basis: Basis;
  readonly processing: readonly Processing[];
  readonly notes: readonly string[];
}

export interface ProcessingOptions extends Window {
  readonly catalogue: Catalogue;
  readonly basis: Basis;
  readonly controller?: string;
  readonly contact?: string;
  /** Whom the data is about: no catalogue says so. */
  readonly subjects?: string;
  /** When claims must hold. */
  readonly nowMs: number;
}

const FILL_IN = 'fill in';

/** A record of processing activities (R77), from what was permitted to leave. */
export function processingOf({ holdings, withoutInput }: Collected, { catalogue, basis, controller = FILL_IN, contact = FILL_IN, subjects = FILL_IN, nowMs, ...window }: ProcessingOptions): ProcessingRecords {
  const processing = [...holdings.values()].flatMap(({ vendor, byPurpose }) => [...byPurpose].map(([purpose, one]) => describe({ vendor, purpose, subjects, nowMs }, one, catalogue)));
  return {
    report: 'processing', v: 1, controller, contact, window: windowOf(window), basis,
    processing: processing.sort((a, b) => (a.purpose === b.purpose ? (a.recipient < b.recipient ? -1 : 1) : a.purpose < b.purpose ? -1 : 1)),
    notes: ['Made of decisions: processing that no decision was asked for is not in it.', ...gapsOf(basis, window), ...basisText(basis), ...(withoutInput === 0 ? [] : [withoutInputText(withoutInput)])],
  };
}

interface Stated {
  readonly vendor: string;
  readonly purpose: string;
  readonly subjects: string;
  readonly nowMs: number;
}

function describe({ vendor: id, purpose, subjects, nowMs }: Stated, one: ForPurpose, catalogue: Catalogue): Processing {
  const { facts, vendorGraph } = catalogue;
  const vendor = facts.vendors.get(id);
  const claim = (name: ClaimName, toText: (value: Claim['value']) => string, absent: string) => {
    const known = vendor?.claims.find((of) => of.name === name);
    return known === undefined || known.value === null ? absent : nowMs >= (known.untilMs ?? Infinity) ? 'expired' : toText(known.value);
  };
  const regions = vendor?.regions ?? [];
  const reached = vendorGraph.reached(id);
  const subProcessors = reached.filter(({ subProcessor }) => subProcessor);
  const categories = [...one.categories].sort();
  const events = one.events.list().map(({ name }) => name).sort();
  return {
    purpose, recipient: id, recipientName: vendor?.name ?? id, role: roleOf(vendor, nowMs),
    subProcessors: subProcessors.map((known) => known.vendor).sort(),
    apps: [...new Set(events.flatMap((event) => catalogue.event(event)?.fact.app ?? []))].sort(), events, dataCategories: categories, dataSubjects: subjects, regions,
    thirdCountry: thirdCountryOf(regions, subProcessors, catalogue),
    transferBasis: claim('transfer_basis', (value) => (typeof value === 'object' && value !== null && 'type' in value ? String(value['type']) : String(value)), 'none recorded'),
    retentionDays: claim('retention_days', String, 'unknown'),
    measures: [...one.forms].sort(), regulations: regulationsOf(categories, catalogue, vendor?.categories.includes('llm') === true || reached.some(({ llm }) => llm)),
    decisions: one.amount.decisions,
  };
}

/** An onward transfer is one too (Art. 44). */
function thirdCountryOf(regions: readonly string[], subProcessors: readonly Reached[], { facts }: Catalogue): Processing['thirdCountry'] {
  const isOutside = (region: string) => !inEu(region);
  const away = subProcessors.filter((one) => !one.inEu).map(({ vendor }) => vendor);
  const stated = (id: string) => [...facts.vendors.get(id)?.regions ?? [], ...facts.edges.filter(({ to, type }) => to === id && type === 'sub_processor').flatMap((edge) => edge.regions ?? [])];
  if ([...regions, ...away.flatMap(stated)].some(isOutside)) return 'yes';
  return regions.length === 0 || away.length > 0 ? 'unknown' : 'no';
}

const COLUMNS = ['purpose', 'recipient', 'recipientName', 'role', 'subProcessors', 'apps', 'events', 'dataCategories', 'dataSubjects', 'regions', 'thirdCountry', 'transferBasis', 'retentionDays', 'measures', 'regulations', 'decisions'] as const;

/** The controller and its contact in every row: Art. 30(1)(a). */
export const processingCsv = ({ controller, contact, processing }: ProcessingRecords): string => (
  toCsv(['controller', 'contact', ...COLUMNS], processing.map((one) => [controller, contact, ...COLUMNS.map((column) => { const value = one[column]; return typeof value === 'object' ? value.join('; ') : String(value); })]))
);
