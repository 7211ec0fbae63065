import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { notificationClock, type NotificationClock } from './clock.ts';
import type { Collected } from './collect.ts';
import { exposureOf, type ExposureOptions, type ExposureReport } from './exposure.ts';

/** What Sluice can't know, and a person must fill in before it is sent to anybody. */
const FILL_IN = { fillIn: true } as const;

/**
 * The incident in the order of GDPR Art. 33(3): letters (a) to (d), and (4) and (5) where Sluice knows anything of them.
 * One documented form (R82); `v` rises when a member changes its meaning.
 */
export interface Incident {
  readonly report: 'incident';
  readonly v: 1;
  readonly vendor: { readonly id: string; readonly name: string; readonly role: 'processor'; readonly subProcessors: readonly string[] };
  readonly window: ExposureReport['window'];
  /** Art. 33(3)(a) */
  readonly nature: {
    readonly description: string;
    readonly dataSubjects: { readonly categories: typeof FILL_IN; readonly approximateNumber: 'unknown' };
    readonly records: { readonly categories: readonly { readonly category: string; readonly form: string; readonly sensitivity: string }[]; readonly permittedAtMost: ExposureReport['permittedToLeave']; readonly reportedAsSent: 'unknown' };
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
  readonly evidence: { readonly revisions: readonly string[]; readonly coverage: 'unknown'; readonly categoriesNeverPermitted: readonly string[] };
}

export interface IncidentOptions extends Omit<ExposureOptions, 'catalogue' | 'under'> {
  readonly catalogue: Catalogue;
  readonly detectedMs?: number;
  readonly notifiedMs?: number;
  readonly nowMs: number;
  /** What the kill switch says of the vendor at the end of the log. */
  readonly state?: string;
}

export function incidentOf(collected: Collected, { detectedMs, notifiedMs, nowMs, state, ...options }: IncidentOptions): Incident {
  const exposure = exposureOf(collected, options);
  const vendor = options.catalogue.facts.vendors.get(options.vendor);
  return {
    report: 'incident', v: 1,
    vendor: { id: options.vendor, name: exposure.name, role: 'processor', subProcessors: exposure.subProcessors },
    window: exposure.window,
    nature: {
      description: `Data that ${exposure.name} had received from us may have been disclosed.`,
      dataSubjects: { categories: FILL_IN, approximateNumber: 'unknown' },
      records: { categories: exposure.categories.map(({ category, form, sensitivity }) => ({ category, form, sensitivity })), permittedAtMost: exposure.permittedToLeave, reportedAsSent: 'unknown' },
    },
    contact: { dataProtectionOfficer: FILL_IN },
    likelyConsequences: consequences(exposure),
    measures: {
      taken: state === 'breached' || state === 'terminated' ? [`Sluice denies everything to ${options.vendor}: its state is ${state}.`] : [],
      proposed: [
        ...(state === 'breached' || state === 'terminated' ? [] : [`Set the state of ${options.vendor} to breached, so that nothing more leaves.`]),
        ...exposure.keysToRotate.map(({ key, why }) => `Rotate ${key}: ${why}.`),
        ...(exposure.contactable.length === 0 ? [] : ['Warn the people concerned of phishing.']),
        ...(exposure.subProcessors.length === 0 ? [] : [`Ask ${exposure.name} what it handed on to ${exposure.subProcessors.join(', ')}.`]),
      ],
    },
    ...(detectedMs !== undefined && vendor !== undefined && { clock: notificationClock({ vendor, detectedMs, nowMs, ...(notifiedMs !== undefined && { notifiedMs }) }) }),
    evidence: { revisions: exposure.revisions, coverage: 'unknown', categoriesNeverPermitted: exposure.refused.withheld },
  };
}

function consequences({ contactable, joinKeys, combinations = [], categories }: ExposureReport): readonly string[] {
  if (categories.length === 0) return ['None that Sluice knows of: it permitted nothing to leave for this vendor.'];
  return [
    ...(contactable.length === 0 ? [] : [`Phishing: ${contactable.join(', ')} left as they are.`]),
    ...joinKeys.map(({ category, form, alsoHeldBy }) => `Linking: ${category} (${form}) tells records of one person, device or customer${alsoHeldBy.length === 0 ? '' : `, also those at ${alsoHeldBy.join(', ')}`}.`),
    ...combinations.map(({ title, categories: members }) => `${title}: ${members.join(', ')}.`),
    ...(contactable.length === 0 && joinKeys.length === 0 && combinations.length === 0 ? ['No person, device or customer can be told from what left.'] : []),
  ];
}
