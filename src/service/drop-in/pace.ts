import { setImmediate as breathe } from 'node:timers/promises';
import { SluiceError } from '../../core/errors.ts';

/**
 * Called between the parts of a long work: lets others have their turn after some milliseconds of it.
 * @throws {SluiceError} `too_large` once it has taken too long.
 */
export type Pace = () => Promise<void>;

const SLICE_MS = 5;

/** @param untilMs by the clock `monotonic`. */
export function createPace(monotonic: () => number, untilMs: number): Pace {
  let sinceMs = monotonic();
  return async () => {
    const atMs = monotonic();
    if (atMs >= untilMs) throw new SluiceError('too_large', 'the list takes longer than it may: ask for a part of it');
    if (atMs - sinceMs < SLICE_MS) return;
    await breathe();
    sinceMs = monotonic();
  };
}
