import type { Failure, Progress } from './messages.ts';
import type { LoopStatus } from './loop.ts';
import type { Generation } from './state.ts';

/** The generation that decides. */
export interface Active extends Generation {
  /** Where it is kept. */
  readonly file: string;
  /** What the build step made of it; absent without such a step. */
  readonly message?: unknown;
  /** Milliseconds since the read that last gave this content began, now. */
  ageMs(): number;
}

/**
 * What became of a poll: `activated` a new content decides, `unchanged` the one that decides was read again, `stored`
 * another one is pinned.
 */
export type Outcome = 'activated' | 'unchanged' | 'stored' | Failure['kind'];

/** For `/readyz`, metrics and `sluice sync --status`. Moments are steady time (age.ts), milliseconds since the Unix epoch. */
export interface PermitStatus extends LoopStatus {
  readonly environment: string;
  readonly active?: Pick<Generation, 'number' | 'digest' | 'counts' | 'verifiedAtMs'> & { readonly ageMs: number };
  /** Of all kept on disk, the one read last; another than the active one while that is pinned. */
  readonly newest?: number;
  readonly pinned?: number;
  readonly kept: readonly number[];
  readonly lastAttempt?: { readonly atMs: number; readonly outcome: Outcome; readonly message?: string; readonly requests: number; readonly workedMs: number };
  readonly nextPollAtMs?: number;
  /** A mass change that is not applied, since a further read didn't confirm it; until the next verified read. */
  readonly alarm?: string;
  /** Why nothing was taken from disk at start, until something decides. */
  readonly refused?: string;
  readonly progress?: Progress;
  /** What could not be mapped. */
  readonly unmapped: number;
}
