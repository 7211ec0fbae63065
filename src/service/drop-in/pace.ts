import { setImmediate as breathe } from 'node:timers/promises';
import { SluiceError } from '../../core/errors.ts';

/**
 * Called between the parts of a long work: lets others have their turn after some milliseconds of it.
 * @throws {SluiceError} once it has taken too long.
 */
export type Pace = () => Promise<void>;

const SLICE_MS = 5;

/**
 * @param untilMs by the clock `monotonic`.
 * @param over what is thrown then.
 */
export function createPace(monotonic: () => number, untilMs: number, over: () => SluiceError = tooLarge): Pace {
  let sinceMs = monotonic();
  return async () => {
    const atMs = monotonic();
    if (atMs >= untilMs) throw over();
    if (atMs - sinceMs < SLICE_MS) return;
    await breathe();
    sinceMs = monotonic();
  };
}

const tooLarge = () => new SluiceError('too_large', 'the list takes longer than it may: ask for a part of it');

/** Resolves, in the order of the calls, when every turn before has ended; with what ends this one. */
export type Turns = () => Promise<() => void>;

/** One at a time: of several at once each would take its slice before anybody else's turn, and none would end earlier. */
export function createTurns(): Turns {
  let last = Promise.resolve();
  return async () => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    return resolve;
  };
}
