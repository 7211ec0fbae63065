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
  /** When we knew: from the vendor, or before it told us, from others; null: not yet. */
  readonly awareAt: string | null;
  /** For the notice to the supervisory authority, from when we knew; hours left when it was told, or are now. */
  readonly gdpr: { readonly deadline: string | null; readonly hoursLeft: number | null; readonly state: 'not started' | 'running' | 'over' | 'told in time' | 'told late' };
}

export interface ClockOptions {
  readonly vendor: Vendor;
  readonly detectedMs: number;
  readonly notifiedMs?: number;
  /** When we knew; default: when the vendor told us. */
  readonly awareMs?: number;
  /** When the authority was told. */
  readonly toldMs?: number;
  readonly nowMs: number;
}

const timeOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
const hoursOf = (ms: number) => Math.round((ms / HOUR_MS) * 10) / 10;

export function notificationClock({ vendor, detectedMs, notifiedMs, awareMs = notifiedMs, toldMs, nowMs }: ClockOptions): NotificationClock {
  const lagMs = (notifiedMs ?? nowMs) - detectedMs;
  const agreedHours = agreedAt(vendor, detectedMs);
  return {
    report: 'notification-clock', v: 1, vendor: vendor.id,
    detectedAt: new Date(detectedMs).toISOString(), notifiedAt: timeOf(notifiedMs), asOf: new Date(nowMs).toISOString(),
    lagHours: hoursOf(lagMs), lagDays: Math.round((lagMs / HOUR_MS / 24) * 10) / 10, agreedHours,
    breachOfContract: agreedHours === null ? 'unknown' : lagMs > agreedHours * HOUR_MS,
    awareAt: timeOf(awareMs), gdpr: towardsAuthority(awareMs, toldMs, nowMs),
  };
}

function towardsAuthority(awareMs: number | undefined, toldMs: number | undefined, nowMs: number): NotificationClock['gdpr'] {
  if (awareMs === undefined) return { deadline: null, hoursLeft: null, state: 'not started' };
  const deadlineMs = awareMs + GDPR_HOURS * HOUR_MS;
  const state = toldMs === undefined ? (nowMs < deadlineMs ? 'running' : 'over') : toldMs <= deadlineMs ? 'told in time' : 'told late';
  return { deadline: new Date(deadlineMs).toISOString(), hoursLeft: hoursOf(deadlineMs - (toldMs ?? nowMs)), state };
}

/** A claim that had not been made, or had expired, promises nothing (J14). */
function agreedAt({ claims }: Vendor, atMs: number): number | null {
  const claim = claims.find(({ name }) => name === 'breach_notice_hours');
  const held = claim !== undefined && (claim.fromMs ?? -Infinity) <= atMs && atMs < (claim.untilMs ?? Infinity);
  return held && typeof claim.value === 'number' ? claim.value : null;
}
