import type { Completed } from '../core/prepare/complete.ts';
import type { Outcome } from '../judge.ts';
import type { Snapshot } from '../snapshot.ts';

/** What a metrics collector may hear. No name that is not in the catalogue ever reaches it. */
export interface Observer {
  decided(event: { readonly decision: string; readonly reasons: readonly string[]; readonly vendor: string; readonly environment: string; readonly api: 'check' | 'permitted'; readonly memo: boolean; readonly seconds: number }): void;
  refused(code: string): void;
  evaluationFailed(kind: string): void;
  appended(seconds: number): void;
  activated(result: 'ok' | 'failed'): void;
}

export function observe(observer: Observer, api: 'check' | 'permitted', o: {
  readonly asked: Completed; readonly outcome: Outcome; readonly snapshot: Snapshot; readonly hit: boolean; readonly startedAt: number;
}): void {
  const { facts } = o.snapshot.world.catalogue;
  observer.decided({
    decision: o.outcome.decision,
    reasons: o.outcome.codes,
    vendor: facts.vendors.has(o.asked.vendor) ? o.asked.vendor : 'unknown',
    environment: facts.environments.has(o.asked.environment) ? o.asked.environment : 'unknown',
    api,
    memo: o.hit,
    seconds: (performance.now() - o.startedAt) / 1000,
  });
}
