import type { Catalogue } from '../core/catalogue/catalogue.ts';
import type { Vendor } from '../core/facts.ts';
import type { Basis } from './basis.ts';
import { notificationClock, type ClockOptions, type NotificationClock } from './clock.ts';
import type { Collected } from './collect.ts';
import type { Coverage } from './coverage.ts';
import { exposureOf, type CategoryExposure, type ExposureOptions, type ExposureReport } from './exposure.ts';

/** What Sluice can't know, and a person must fill in before it is sent to anybody. */
const FILL_IN = { fillIn: true } as const;

/** What the recipient is to us. */
export type Role = 'processor' | 'own system' | 'third party without a DPA';

/**
 * The incident in the order of GDPR Art. 33(3): letters (a) to (d), and (4) and (5) where Sluice knows anything of them.
 * One documented form (R82): `INCIDENT_SCHEMA`; `v` rises when a member changes its meaning.
 */
export interface Incident {
  readonly report: 'incident';
  readonly v: 1;
  readonly vendor: { readonly id: string; readonly name: string; readonly role: Role; readonly subProcessors: readonly string[] };
  readonly window: ExposureReport['window'];
  /** Art. 33(3)(a) */
  readonly nature: {
    readonly description: string;
    readonly dataSubjects: { readonly categories: typeof FILL_IN; readonly approximateNumber: 'unknown' };
    readonly records: { readonly categories: readonly Pick<CategoryExposure, 'category' | 'madeOf' | 'form' | 'sensitivity'>[]; readonly permittedAtMost: ExposureReport['permittedToLeave']; readonly reportedAsSent: 'unknown' };
  };
  /** Art. 33(3)(b) */
  readonly contact: { readonly dataProtectionOfficer: typeof FILL_IN };
  /** Art. 33(3)(c) */
  readonly likelyConsequences: readonly string[];
  /** Art. 33(3)(d) */
  readonly measures: { readonly taken: readonly string[]; readonly proposed: readonly string[] };
  /** Art. 33(1), absent while nobody has said when it was detected. */
  readonly clock?: NotificationClock;
  /** Art. 33(5): what it rests on. */
  readonly evidence: {
    readonly log: Basis;
    readonly revisions: readonly string[];
    readonly coverage: Coverage;
    readonly categoriesNeverPermitted: readonly string[];
    /** Whether the log holds the whole time: else nothing is said of "at most". */
    readonly isWhole: boolean;
    /** How far all this goes. */
    readonly notes: readonly string[];
  };
  /** Members that only people can fill in. */
  readonly toBeStated: readonly string[];
}

export interface IncidentOptions extends Omit<ExposureOptions, 'catalogue' | 'basis' | 'under' | 'state'> {
  readonly catalogue: Catalogue;
  readonly basis: Basis;
  readonly times?: Omit<ClockOptions, 'vendor'>;
  /** The vendor's state now: the worst of what the catalogue and the kill switch say. */
  readonly state: string;
  readonly nowMs: number;
}

export function incidentOf(collected: Collected, { times, state, nowMs, ...options }: IncidentOptions): Incident {
  const exposure = exposureOf(collected, options);
  const vendor = options.catalogue.facts.vendors.get(options.vendor);
  const subProcessors = exposure.subProcessors.map((one) => one.vendor);
  const clock = times === undefined || vendor === undefined ? undefined : notificationClock({ vendor, ...times });
  return {
    report: 'incident', v: 1,
    vendor: { id: options.vendor, name: exposure.name, role: roleOf(vendor, times?.detectedMs ?? nowMs), subProcessors },
    window: exposure.window,
    nature: {
      description: `Data that ${exposure.name} had received from us may have been disclosed.`,
      dataSubjects: { categories: FILL_IN, approximateNumber: 'unknown' },
      records: { categories: exposure.categories.map(({ category, madeOf, form, sensitivity }) => ({ category, ...(madeOf !== undefined && { madeOf }), form, sensitivity })), permittedAtMost: exposure.permittedToLeave, reportedAsSent: 'unknown' },
    },
    contact: { dataProtectionOfficer: FILL_IN },
    likelyConsequences: consequences(exposure),
    measures: measuresOf(exposure, { state, subProcessors }),
    ...(clock !== undefined && { clock }),
    evidence: { log: options.basis, revisions: exposure.revisions, coverage: exposure.coverage, categoriesNeverPermitted: exposure.refused.withheld, isWhole: exposure.gaps.length === 0, notes: [...exposure.gaps, ...exposure.notes] },
    toBeStated: ['nature.dataSubjects.categories', 'nature.dataSubjects.approximateNumber', 'contact.dataProtectionOfficer', ...(clock === undefined ? ['clock'] : [])],
  };
}

/** One that has signed nothing, or nothing that still held, processes for itself. When a DPA was renewed no catalogue says: only its end counts. */
export function roleOf(vendor: Vendor | undefined, atMs: number): Role {
  if (vendor?.party === 'first') return 'own system';
  const dpa = vendor?.claims.find(({ name }) => name === 'dpa');
  return dpa === undefined || dpa.value === null || dpa.value === false || atMs >= (dpa.untilMs ?? Infinity) ? 'third party without a DPA' : 'processor';
}

function measuresOf({ vendor, name, keysToRotate, contactable }: ExposureReport, { state, subProcessors }: { readonly state: string; readonly subProcessors: readonly string[] }): Incident['measures'] {
  const isStopped = state === 'breached' || state === 'terminated';
  return {
    taken: isStopped ? [`Sluice denies everything to ${vendor}: its state is ${state}.`] : [],
    proposed: [
      ...(isStopped ? [] : [`Set the state of ${vendor} to breached, so that nothing more leaves.`]),
      ...keysToRotate.map(({ key, why }) => `Rotate ${key}: ${why}.`),
      ...(contactable.length === 0 ? [] : ['Warn the people concerned of phishing.']),
      ...(subProcessors.length === 0 ? [] : [`Ask ${name} what it handed on to ${subProcessors.join(', ')}.`]),
    ],
  };
}

function consequences({ gaps, contactable, joinKeys, combinations = [], categories }: ExposureReport): readonly string[] {
  if (categories.length === 0 && gaps.length > 0) return ['Unknown: Sluice permitted nothing as far as this log goes, and it does not hold the whole time.'];
  if (categories.length === 0) return ['None that Sluice knows of: it permitted nothing to leave for this vendor.'];
  return [
    ...(contactable.length === 0 ? [] : [`Phishing: ${contactable.join(', ')} left as they are.`]),
    ...joinKeys.map(({ category, form, alsoHeldBy }) => `Linking: ${category} (${form}) tells records of one person, device or customer${alsoHeldBy.length === 0 ? '' : `, also those at ${alsoHeldBy.join(', ')}`}.`),
    ...combinations.map(({ title, categories: members }) => `${title}: ${members.join(', ')}.`),
    ...(contactable.length === 0 && joinKeys.length === 0 && combinations.length === 0 ? ['No person, device or customer can be told from what left.'] : []),
  ];
}
