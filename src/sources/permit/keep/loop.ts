import type { Budget } from './budget.ts';
import type { Cost } from './messages.ts';
import type { Timers } from './timers.ts';

export interface LoopOptions {
  readonly intervalMs: number;
  /** Of the present key. */
  readonly budget: () => Budget;
  /** One sync, until whatever it gives is active. Rejects for nothing. */
  readonly sync: (signal: AbortSignal) => Promise<Cost & { readonly ok: boolean }>;
  /** After each, with the next one set. */
  readonly onEnd?: () => void;
  readonly monotonic: () => number;
  readonly timers: Timers;
  /** From 0 up to less than 1. */
  readonly random: () => number;
}

export interface Loop {
  /** The first poll begins at once. */
  start(): void;
  /** A hint that something has changed: the next poll is as soon as rest and budget allow. */
  pollNow(): void;
  /** As a hint; and what failed before is forgotten, since with another key it says nothing. */
  startAfresh(): void;
  status(): LoopStatus;
  /** Calls off a running sync and waits for its end; nothing begins afterwards. */
  close(): Promise<void>;
}

export interface LoopStatus {
  readonly polling: boolean;
  readonly failures: number;
  /** Milliseconds until the next poll; undefined while one runs, and when none will. */
  readonly nextPollInMs?: number;
  /** Of the last verified sync; 0 before the first. */
  readonly requests: number;
  readonly workedMs: number;
  /** See {@link revocationBoundMs}; undefined before the first verified sync. */
  readonly revocationBoundMs?: number;
}

export const JITTER = 0.2;
/** A sync rests four times as long as it worked: a fifth of the time at most goes into reading. */
export const REST = 4;
const DEBOUNCE_MS = 500;
const MAX_BACKOFF_MS = 120_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The longest time from a change in Permit until it decides, while syncs succeed: a change just missed by one sync waits
 * for the rest of it, the pause, and the whole of the next. A mass change takes one more sync and a second.
 */
export function revocationBoundMs(b: { readonly intervalMs: number; readonly workedMs: number; readonly tookMs: number; readonly budgetMs: number }): number {
  return Math.max(b.intervalMs * (1 + JITTER), REST * b.workedMs, b.budgetMs) + 2 * b.tookMs;
}

/** One sync after the other, never two at once. */
export function createLoop({ intervalMs, budget, sync, onEnd, monotonic, timers, random }: LoopOptions): Loop {
  let timer: unknown;
  let running: { readonly abort: AbortController; readonly ended: Promise<void> } | undefined;
  let state: 'new' | 'open' | 'closed' = 'new';
  /** Of the last attempt. */
  let last = { endedAt: -Infinity, workedMs: 0, pauseMs: 0 };
  let lastGood: (Cost & { readonly tookMs: number }) | undefined;
  let failures = 0;
  let hintedAt: number | undefined;

  /** Milliseconds until the next sync may begin. */
  function dueInMs(): number {
    const soonest = failures > 0 ? last.endedAt + intervalMs : -Infinity;
    const hinted = hintedAt === undefined ? Infinity : Math.max(hintedAt + DEBOUNCE_MS, soonest);
    const at = Math.max(last.endedAt + REST * last.workedMs, Math.min(last.endedAt + last.pauseMs, hinted));
    return Math.max(0, at - monotonic(), budget().waitMs(lastGood?.requests ?? 0));
  }

  function arm(): void {
    timers.clear(timer);
    if (state !== 'open' || running !== undefined) return;
    timer = timers.set(() => (dueInMs() > 0 ? arm() : begin()), Math.min(MAX_TIMER_MS, Math.ceil(dueInMs())));
  }

  function begin(): void {
    const abort = new AbortController();
    hintedAt = undefined; // a later one is of a change that this sync may miss
    running = { abort, ended: run(abort.signal) };
  }

  async function run(signal: AbortSignal): Promise<void> {
    const startedAt = monotonic();
    const { ok, requests, workedMs } = await sync(signal);
    const endedAt = monotonic();
    running = undefined;
    failures = ok ? 0 : failures + 1;
    if (ok) lastGood = { requests, workedMs, tookMs: endedAt - startedAt };
    last = { endedAt, workedMs, pauseMs: Math.round(ok ? intervalMs * (1 - JITTER + 2 * JITTER * random()) : backoffMs()) };
    arm();
    onEnd?.();
  }

  const backoffMs = () => Math.max(intervalMs, Math.min(MAX_BACKOFF_MS, intervalMs * 2 ** (failures - 1))) * (1 + JITTER * random());

  function pollNow(): void {
    hintedAt ??= monotonic(); // the first of many counts, so that a stream of hints puts nothing off
    arm();
  }

  return {
    start() {
      if (state === 'new') state = 'open';
      arm();
    },
    pollNow,
    startAfresh() {
      failures = 0;
      pollNow();
    },
    status: () => ({
      polling: running !== undefined,
      failures,
      ...(state === 'open' && running === undefined && { nextPollInMs: dueInMs() }),
      requests: lastGood?.requests ?? 0,
      workedMs: lastGood?.workedMs ?? 0,
      ...(lastGood !== undefined && { revocationBoundMs: revocationBoundMs({ ...lastGood, intervalMs, budgetMs: budget().refillMs(lastGood.requests) }) }),
    }),
    async close() {
      state = 'closed';
      timers.clear(timer);
      running?.abort.abort();
      await running?.ended;
    },
  };
}
