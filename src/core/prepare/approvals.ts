import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Thresholds } from '../clock.ts';
import type { Completed } from './complete.ts';
import type { Subject } from './subject.ts';

/** What an approval of this question would cover, without its fields (J11). */
export function scopeOf(asked: Completed): Readonly<Record<string, string>> {
  return {
    identity: asked.identity,
    ...(asked.onBehalfOf !== undefined && { onBehalfOf: asked.onBehalfOf }),
    vendor: asked.vendor,
    environment: asked.environment,
    ...(asked.purpose !== undefined && { purpose: asked.purpose }),
    channel: asked.channel,
    ...(asked.eventName !== undefined && asked.event !== undefined && { event: asked.event.fact.name, eventVersion: asked.event.fact.version }),
  };
}

/** The id of an approval in force that covers all fields of the question, for this subject and vendor. */
export function approvalFor(
  asked: Completed,
  subject: Subject,
  vendor: string,
  { catalogue, thresholds }: { readonly catalogue: Catalogue; readonly thresholds: Thresholds },
): string | undefined {
  const { onBehalfOf: _, ...own } = scopeOf(asked);
  const scope: Record<string, string> = { ...own, identity: subject.identity, vendor, ...(subject.onBehalfOf !== undefined && { onBehalfOf: subject.onBehalfOf }) };
  const parts = ['identity', 'onBehalfOf', 'vendor', 'environment', 'purpose', 'channel', 'event', 'eventVersion'] as const;
  const covering = [...catalogue.facts.approvals.values()]
    .filter((approval) => parts.every((part) => approval[part] === scope[part]) && asked.fields.every(({ path }) => approval.fields.includes(path)));
  return covering.filter((approval) => thresholds.holds(approval))[0]?.id;
}
