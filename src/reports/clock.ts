import type { Vendor } from '../core/facts.ts';

const HOUR_MS = 3_600_000;
/** GDPR Art. 33(1): a controller notifies within 72 hours of having become aware. */
const GDPR_HOURS = 72;

/** How long a vendor took to say that it had been breached, and how long is left to say so oneself (R64). */
export interface NotificationClock {
  readonly report: 'notification-clock';
  readonly v: 1;
  readonly vendor: string;
  /** When the vendor noticed. */
  readonly detectedAt: string;
  /** When it told us; null: it has not. */
  readonly notifiedAt: string | null;
  readonly asOf: string;
  readonly lagHours: number;
  readonly lagDays: number;
  /** What it had promised then; null: nothing, or nothing that still held. */
  readonly agreedHours: number | null;
  /** `unknown` without an agreed time. */
  readonly breachOfContract: boolean | 'unknown';
  /** For the notice to the supervisory authority, from when we knew. */
  readonly gdpr: { readonly deadline: string | null; readonly hoursLeft: number | null; readonly state: 'not started' | 'running' | 'over' };
}

export interface ClockOptions {
  readonly vendor: Vendor;
  readonly detectedMs: number;
  readonly notifiedMs?: number;
  readonly nowMs: number;
}

export function notificationClock({ vendor, detectedMs, notifiedMs, nowMs }: ClockOptions): NotificationClock {
  const lagMs = (notifiedMs ?? nowMs) - detectedMs;
  const agreedHours = agreedAt(vendor, detectedMs);
  const deadlineMs = notifiedMs === undefined ? undefined : notifiedMs + GDPR_HOURS * HOUR_MS;
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    report: 'notification-clock', v: 1, vendor: vendor.id,
    detectedAt: new Date(detectedMs).toISOString(), notifiedAt: notifiedMs === undefined ? null : new Date(notifiedMs).toISOString(), asOf: new Date(nowMs).toISOString(),
    lagHours: round(lagMs / HOUR_MS), lagDays: round(lagMs / HOUR_MS / 24), agreedHours,
    breachOfContract: agreedHours === null ? 'unknown' : lagMs > agreedHours * HOUR_MS,
    gdpr: deadlineMs === undefined ? { deadline: null, hoursLeft: null, state: 'not started' } : {
      deadline: new Date(deadlineMs).toISOString(), hoursLeft: round((deadlineMs - nowMs) / HOUR_MS), state: nowMs < deadlineMs ? 'running' : 'over',
    },
  };
}

/** A claim that had not been made, or had expired, promises nothing (J14). */
function agreedAt({ claims }: Vendor, atMs: number): number | null {
  const claim = claims.find(({ name }) => name === 'breach_notice_hours');
  const held = claim !== undefined && (claim.fromMs ?? -Infinity) <= atMs && atMs < (claim.untilMs ?? Infinity);
  return held && typeof claim.value === 'number' ? claim.value : null;
}
