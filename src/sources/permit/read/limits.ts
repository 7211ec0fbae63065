import { setTimeout as wait } from 'node:timers/promises';

/** How patiently, how fast and how much is read. */
export interface Limits {
  /** For one request, from its start to the last byte of its answer. */
  readonly timeoutMs: number;
  /** How often a request is sent in all, while the API can't be reached or limits. */
  readonly tries: number;
  /** Before the second try; doubles from try to try, less up to a half by chance. */
  readonly pauseMs: number;
  /** No pause is longer, whatever `Retry-After` says. */
  readonly maxPauseMs: number;
  /** How often the environment is read until two readings in a row are equal: three tries of two. */
  readonly passes: number;
  /** Before a further reading after two that differ; up to twice as long by chance. */
  readonly settleMs: number;
  /** Requests at the same time. */
  readonly lanes: number;
  /** Rows of all lists of one reading. */
  readonly maxRows: number;
  /** Of all answers of one reading, uncompressed. */
  readonly maxBytes: number;
  /** Of one answer. */
  readonly maxAnswerBytes: number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Waits; rejects when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

export const LIMITS: Limits = {
  timeoutMs: 30_000, tries: 4, pauseMs: 500, maxPauseMs: 30_000, passes: 6, settleMs: 1000, lanes: 4,
  maxRows: 5_000_000, maxBytes: 8 * 2 ** 30, maxAnswerBytes: 64 * 2 ** 20,
  random: Math.random,
  pause: (ms, signal) => wait(ms, undefined, { signal }),
};
