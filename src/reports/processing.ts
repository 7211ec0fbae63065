import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { inEu } from '../core/catalogue/regions.ts';
import { leftBy } from '../replay/leaving.ts';
import type { Group } from '../replay/scan.ts';
import { toCsv } from './csv.ts';

/** One purpose at one recipient: the items of GDPR Art. 30(1). */
export interface Processing {
  readonly purpose: string;
  readonly recipient: string;
  readonly recipientName: string;
  /** Of the recipient. */
  readonly role: 'processor' | 'own system';
  readonly subProcessors: readonly string[];
  readonly apps: readonly string[];
  readonly dataCategories: readonly string[];
  /** Art. 30(1)(c) asks for it; no catalogue has it. */
  readonly dataSubjects: 'fill in';
  readonly regions: readonly string[];
  readonly thirdCountry: 'yes' | 'no' | 'unknown';
  readonly transferBasis: string;
  readonly retentionDays: string;
  /** Art. 30(1)(g): in which forms it left. */
  readonly measures: readonly string[];
  readonly decisions: number;
}

export interface ProcessingRecords {
  readonly report: 'processing';
  readonly v: 1;
  readonly processing: readonly Processing[];
}

interface Gathered { readonly purpose: string; readonly vendor: string; readonly apps: Set<string>; readonly categories: Set<string>; readonly forms: Set<string>; decisions: number }

/** A record of processing activities (R77), from what was permitted to leave. */
export async function processingOf(groups: AsyncIterable<Group>, catalogue: Catalogue): Promise<ProcessingRecords> {
  const gathered = new Map<string, Gathered>();
  for await (const { record, count } of groups) {
    const left = leftBy(record);
    if (left.length === 0) continue;
    const purpose = record.purpose ?? '(none)';
    const key = JSON.stringify([purpose, record.vendor]);
    const one = gathered.get(key) ?? { purpose, vendor: record.vendor, apps: new Set(), categories: new Set(), forms: new Set(), decisions: 0 };
    gathered.set(key, one);
    one.decisions += count;
    const app = record.event === undefined ? undefined : catalogue.event(record.event)?.fact.app;
    if (app !== undefined) one.apps.add(app);
    for (const { category, form } of left) {
      one.categories.add(category);
      one.forms.add(form);
    }
  }
  return { report: 'processing', v: 1, processing: [...gathered.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => describe(one, catalogue)) };
}

function describe({ purpose, vendor: id, apps, categories, forms, decisions }: Gathered, { facts, vendorGraph }: Catalogue): Processing {
  const vendor = facts.vendors.get(id);
  const claim = (name: string) => vendor?.claims.find((one) => one.name === name)?.value ?? null;
  const basis = claim('transfer_basis');
  const regions = vendor?.regions ?? [];
  return {
    purpose, recipient: id, recipientName: vendor?.name ?? id, role: vendor?.party === 'first' ? 'own system' : 'processor',
    subProcessors: vendor === undefined ? [] : vendorGraph.reached(id).filter(({ subProcessor }) => subProcessor).map((one) => one.vendor).sort(),
    apps: [...apps].sort(), dataCategories: [...categories].sort(), dataSubjects: 'fill in', regions,
    thirdCountry: regions.length === 0 ? 'unknown' : regions.every(inEu) ? 'no' : 'yes',
    transferBasis: basis === null ? 'none recorded' : typeof basis === 'object' && !Array.isArray(basis) && 'type' in basis ? String(basis['type']) : String(basis),
    retentionDays: claim('retention_days') === null ? 'unknown' : String(claim('retention_days')),
    measures: [...forms].sort(), decisions,
  };
}

const COLUMNS = ['purpose', 'recipient', 'recipientName', 'role', 'subProcessors', 'apps', 'dataCategories', 'dataSubjects', 'regions', 'thirdCountry', 'transferBasis', 'retentionDays', 'measures', 'decisions'] as const;

export const processingCsv = ({ processing }: ProcessingRecords): string => (
  toCsv(COLUMNS, processing.map((one) => COLUMNS.map((column) => { const value = one[column]; return typeof value === 'object' ? value.join(' ') : String(value); })))
);
