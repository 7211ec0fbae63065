import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { SluiceError } from '../core/errors.ts';
import type { VendorState } from '../core/facts.ts';
import { worseState } from '../core/prepare/receiver.ts';
import { didYouMean } from '../core/suggest.ts';
import { lastOf } from '../log/last.ts';
import { scan } from '../replay/scan.ts';
import { acrossVendors } from './across.ts';
import { readBasis } from './basis.ts';
import { notificationClock, type ClockOptions } from './clock.ts';
import { collectFrom, createCollector, scanFor } from './collect.ts';
import { exposureOf } from './exposure.ts';
import { unusedGrants } from './grants.ts';
import { incidentOf } from './incident.ts';
import { flowsOf } from './map/flows.ts';
import { flowsCsv, flowsMermaid, parseFlows } from './map/formats.ts';
import { negativeOf } from './negative.ts';
import { processingCsv, processingOf } from './processing.ts';
import { acrossText } from './text/across.ts';
import { clockText } from './text/clock.ts';
import { exposureText } from './text/exposure.ts';
import { flowsText } from './text/flows.ts';
import { incidentText } from './text/incident.ts';
import { negativeText } from './text/negative.ts';
import { processingText } from './text/processing.ts';
import { unusedText } from './text/unused-grants.ts';
import { parseMoment, type Window } from './window.ts';

export interface ReportDeps {
  /** Of the log. */
  readonly dir: string;
  readonly catalogue: Catalogue;
  readonly nowMs: number;
  /** Whether `dir` was named by itself: a copy, or an earlier log. */
  readonly isCopy?: boolean;
  /** How many names each list may have; default 1,000. */
  readonly maxNames?: number;
  /** Text of a spreadsheet of declared flows; for data-flow. */
  readonly declared?: string;
}

export type ReportFormat = 'json' | 'markdown' | 'csv' | 'mermaid';

/** A report as a value, and as the texts that it has. */
export interface Report {
  readonly value: object;
  readonly markdown: () => string;
  readonly csv?: () => string;
  readonly mermaid?: () => string;
}

/** By name. Names that no report has are refused by `checkParameters`. */
export type Parameters = ReadonlyMap<string, string>;

/**
 * Every parameter of a report. The value of a `recorded` one stands in the record of the reading: it has been checked
 * against what the catalogue knows, or is a time or a number. Of any other the name alone is recorded (J30).
 */
export const PARAMETERS = {
  from: { recorded: true },
  to: { recorded: true },
  vendor: { recorded: true },
  category: { recorded: true },
  field: { recorded: false },
  days: { recorded: true },
  app: { recorded: true },
  detected: { recorded: true },
  notified: { recorded: true },
  aware: { recorded: true },
  told: { recorded: true },
  controller: { recorded: false },
  contact: { recorded: false },
  subjects: { recorded: false },
} as const satisfies Readonly<Record<string, { readonly recorded: boolean }>>;
export type ParameterName = keyof typeof PARAMETERS;

/** What the record of a reading says of a report: its kind, and its parameters as far as they may be recorded. */
export function describeReport(kind: string, parameters: Parameters): string {
  const told = ([name, value]: readonly [string, string]) => (PARAMETERS[name as ParameterName].recorded ? `${name}=${value}` : name);
  return [kind, ...[...parameters].map(told).sort()].join(' ');
}

interface Kind {
  readonly summary: string;
  readonly parameters: readonly ParameterName[];
  readonly required: readonly ParameterName[];
  readonly formats: readonly ReportFormat[];
  readonly run: (parameters: Parameters, deps: ReportDeps, window: Window) => Promise<Report>;
}

const WINDOW = ['from', 'to'] as const;
const CLOCK = ['detected', 'notified', 'aware', 'told'] as const;

/** What reports there are. */
export const REPORTS: Readonly<Record<string, Kind>> = {
  exposure: {
    summary: 'what a vendor was permitted to receive', parameters: [...WINDOW, 'vendor'], required: ['vendor'], formats: ['json', 'markdown'],
    async run(parameters, { dir, isCopy, catalogue, maxNames }, window) {
      const [basis, collected] = [await readBasis(dir, isCopy), await collectFrom({ dir, ...window, refusalsOf: [parameters.get('vendor')!] }, maxNames)];
      const value = exposureOf(collected, { ...window, vendor: vendorOf(parameters, catalogue, collected.holdings), catalogue, basis, state: await stateOf(parameters.get('vendor')!, dir, catalogue) });
      return { value, markdown: () => exposureText(value) };
    },
  },
  incident: {
    summary: 'an incident at a vendor, in the order of GDPR Art. 33(3)', parameters: [...WINDOW, 'vendor', ...CLOCK], required: ['vendor'], formats: ['json', 'markdown'],
    async run(parameters, { dir, isCopy, catalogue, nowMs, maxNames }, window) {
      const times = timesOf(parameters, nowMs);
      const [basis, collected] = [await readBasis(dir, isCopy), await collectFrom({ dir, ...window, refusalsOf: [parameters.get('vendor')!] }, maxNames)];
      const vendor = vendorOf(parameters, catalogue, collected.holdings);
      const state = await stateOf(vendor, dir, catalogue);
      const value = incidentOf(collected, { ...window, vendor, catalogue, basis, state, nowMs, ...(times !== undefined && { times }) });
      return { value, markdown: () => incidentText(value) };
    },
  },
  vendors: {
    summary: 'what all vendors hold, and what they can put together', parameters: WINDOW, required: [], formats: ['json', 'markdown'],
    async run(_, { dir, isCopy, catalogue, maxNames }, window) {
      const value = acrossVendors(await collectFrom({ dir, ...window, refusalsOf: [] }, maxNames), { ...window, catalogue, basis: await readBasis(dir, isCopy) });
      return { value, markdown: () => acrossText(value) };
    },
  },
  negative: {
    summary: 'whether a category or field was ever permitted to leave', parameters: [...WINDOW, 'vendor', 'category', 'field'], required: [], formats: ['json', 'markdown'],
    async run(parameters, { dir, isCopy, catalogue, nowMs }, window) {
      const named = Object.fromEntries(['vendor', 'category', 'field'].flatMap((name) => (parameters.has(name) ? [[name, parameters.get(name)!]] : [])));
      if (named['category'] === undefined && named['field'] === undefined) throw new SluiceError('request_invalid', 'say of what: category or field');
      // A misspelt name would prove anything.
      const { category } = named;
      if (category !== undefined && !catalogue.leaves.includes(category) && !catalogue.parents.has(category)) throw new SluiceError('request_invalid', `no category is called so${didYouMean(category, [...catalogue.leaves, ...catalogue.parents]) || '; those that there are stand in categories.yaml'}`);
      if (named['vendor'] !== undefined) vendorOf(parameters, catalogue);
      const collector = createCollector();
      const value = await negativeOf(scanFor(collector, { dir, ...window }), () => collector.result().notWritten, { ...window, ...named, catalogue, basis: await readBasis(dir, isCopy), nowMs });
      return { value, markdown: () => negativeText(value) };
    },
  },
  'unused-grants': {
    summary: 'grants that permitted nothing for some time', parameters: ['days'], required: [], formats: ['json', 'markdown'],
    async run(parameters, { dir, isCopy, catalogue, nowMs }) {
      const days = parameters.get('days') ?? '90';
      if (!/^[1-9]\d{0,4}$/.test(days)) throw new SluiceError('request_invalid', 'days takes a whole number from 1 on');
      const value = await unusedGrants(scan({ dir, permitted: true, refusalsOf: [] }), { catalogue, basis: await readBasis(dir, isCopy), days: Number(days), nowMs });
      return { value, markdown: () => unusedText(value) };
    },
  },
  'notification-clock': {
    summary: 'how long a vendor took to say that it was breached', parameters: ['vendor', ...CLOCK], required: ['vendor', 'detected'], formats: ['json', 'markdown'],
    async run(parameters, { catalogue, nowMs }) {
      const vendor = catalogue.facts.vendors.get(vendorOf(parameters, catalogue))!;
      const value = notificationClock({ vendor, ...timesOf(parameters, nowMs)! });
      return { value, markdown: () => clockText(value) };
    },
  },
  'data-flow': {
    summary: 'every field on its way to every vendor: a map', parameters: [...WINDOW, 'app'], required: [], formats: ['json', 'markdown', 'csv', 'mermaid'],
    async run(parameters, { dir, isCopy, catalogue, declared, nowMs }, window) {
      const app = appOf(parameters, catalogue);
      const inventory = declared === undefined ? undefined : inventoryOf(declared);
      const value = await flowsOf(scan({ dir, ...window }), { ...window, catalogue, basis: await readBasis(dir, isCopy), nowMs, ...(app !== undefined && { app }), ...(inventory !== undefined && { declared: inventory }) });
      return { value, markdown: () => flowsText(value), csv: () => flowsCsv(value), mermaid: () => flowsMermaid(value) };
    },
  },
  processing: {
    summary: 'a record of processing activities, GDPR Art. 30(1)', parameters: [...WINDOW, 'controller', 'contact', 'subjects'], required: [], formats: ['json', 'markdown', 'csv'],
    async run(parameters, { dir, isCopy, catalogue, nowMs, maxNames }, window) {
      const stated = Object.fromEntries(['controller', 'contact', 'subjects'].flatMap((name) => (parameters.has(name) ? [[name, parameters.get(name)!]] : [])));
      const value = processingOf(await collectFrom({ dir, ...window, refusalsOf: [] }, maxNames), { ...window, ...stated, catalogue, nowMs, basis: await readBasis(dir, isCopy) });
      return { value, markdown: () => processingText(value), csv: () => processingCsv(value) };
    },
  },
};

/** @throws {SluiceError} `request_invalid`, saying which parameter is wrong, and how. */
export async function runReport(kind: string, parameters: Parameters, deps: ReportDeps): Promise<Report> {
  checkParameters(kind, parameters);
  return kindOf(kind).run(parameters, deps, windowOf(parameters));
}

/** As far as they tell by themselves, before anything is read. @throws {SluiceError} as `runReport`. */
export function checkParameters(kind: string, parameters: Parameters): void {
  const { parameters: known, required } = kindOf(kind);
  for (const name of parameters.keys()) if (!known.some((one) => one === name)) throw new SluiceError('request_invalid', `${kind} has no parameter of this name${didYouMean(name, known)}; it has ${known.join(', ')}`);
  for (const name of required) if (!parameters.has(name)) throw new SluiceError('request_invalid', `${kind} needs ${name}`);
  windowOf(parameters);
  timesOf(parameters, Infinity);
}

/** @throws {SluiceError} `not_found` */
export function kindOf(kind: string): Kind {
  if (!Object.hasOwn(REPORTS, kind)) throw new SluiceError('not_found', `there is no such report; there are ${Object.keys(REPORTS).join(', ')}`);
  return REPORTS[kind]!;
}

function moment(parameters: Parameters, name: string): number | undefined {
  const text = parameters.get(name);
  const atMs = text === undefined ? undefined : parseMoment(text, name === 'to');
  if (text !== undefined && atMs === undefined) throw new SluiceError('request_invalid', `${name} takes a time such as 2026-11-22 or 2026-11-22T12:00:00Z`);
  return atMs;
}

function windowOf(parameters: Parameters): Window {
  const [fromMs, toMs] = [moment(parameters, 'from'), moment(parameters, 'to')];
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) throw new SluiceError('request_invalid', 'from must be before to');
  return { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) };
}

/** Undefined when nobody said when it was detected. */
function timesOf(parameters: Parameters, nowMs: number): Omit<ClockOptions, 'vendor'> | undefined {
  const [detectedMs, notifiedMs, awareMs, toldMs] = CLOCK.map((name) => moment(parameters, name));
  if (detectedMs === undefined) {
    const needing = CLOCK.slice(1).find((name) => parameters.has(name));
    if (needing !== undefined) throw new SluiceError('request_invalid', `${needing} needs detected: when the vendor noticed`);
    return undefined;
  }
  if (notifiedMs !== undefined && notifiedMs < detectedMs) throw new SluiceError('request_invalid', 'notified must be a time after detected');
  if (awareMs !== undefined && awareMs < detectedMs) throw new SluiceError('request_invalid', 'aware must be a time after detected');
  const ahead = CLOCK.find((name) => (moment(parameters, name) ?? -Infinity) > nowMs);
  if (ahead !== undefined) throw new SluiceError('request_invalid', `${ahead} must be a time that has been`);
  const knownMs = awareMs ?? notifiedMs;
  if (toldMs !== undefined && (knownMs === undefined || toldMs < knownMs)) throw new SluiceError('request_invalid', 'told must be a time after aware, or after notified');
  return { detectedMs, nowMs, ...(notifiedMs !== undefined && { notifiedMs }), ...(awareMs !== undefined && { awareMs }), ...(toldMs !== undefined && { toldMs }) };
}

/** The worst of what the files and the kill switch say, whatever time the report is of. */
export async function stateOf(vendor: string, dir: string, { facts }: Pick<Catalogue, 'facts'>): Promise<VendorState> {
  const states = (await lastOf(dir, 'snapshot_activated'))?.['vendorStates'] as Readonly<Record<string, VendorState>> | undefined;
  return worseState(facts.vendors.get(vendor)?.state ?? 'active', states?.[vendor]);
}

function appOf(parameters: Parameters, { facts }: Catalogue): string | undefined {
  const app = parameters.get('app');
  const known = [...new Set([...facts.events.values()].flatMap((event) => event.app ?? []))].sort();
  if (app !== undefined && !known.includes(app)) throw new SluiceError('request_invalid', `no event is of this app${didYouMean(app, known)}`);
  return app;
}

function vendorOf(parameters: Parameters, { facts }: Catalogue, logged: ReadonlyMap<string, unknown> = new Map()): string {
  const vendor = parameters.get('vendor')!;
  const known = [...facts.vendors.keys(), ...logged.keys()];
  if (!known.includes(vendor)) throw new SluiceError('request_invalid', `neither the log nor the catalogue knows this vendor${didYouMean(vendor, known)}`);
  return vendor;
}

function inventoryOf(text: string): ReturnType<typeof parseFlows> {
  try {
    return parseFlows(text);
  } catch (error) {
    throw new SluiceError('request_invalid', `the spreadsheet of declared flows: ${(error as Error).message}`);
  }
}
