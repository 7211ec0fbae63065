/** Has `tick` called every `TICK_MS` until the function is called that it gives. */
export type Ticking = (tick: () => void) => () => void;

export const TICK_MS = 100;

export interface StopwatchOptions {
  /** Milliseconds from any start, never set back. */
  readonly monotonic: () => number;
  /** Default: a timer. */
  readonly ticking?: Ticking | undefined;
  readonly onTick: () => void;
}

/** How long something has taken while this thread could have heard of its end. */
export interface Stopwatch {
  /** From 0. */
  start(): void;
  stop(): void;
  /** 0 while it is stopped. */
  elapsedMs(): number;
}

const byTimer: Ticking = (tick) => {
  const timer = setInterval(tick, TICK_MS);
  timer.unref();
  return () => clearInterval(timer);
};

/**
 * Counts no pause of more than two ticks: a thread that was busy, or a process that was suspended, heard nothing
 * meanwhile, however long it took.
 */
export function createStopwatch({ monotonic, ticking = byTimer, onTick }: StopwatchOptions): Stopwatch {
  let end: (() => void) | undefined;
  let ranMs = 0;
  let lastMs = 0;
  const sinceTick = () => Math.min(monotonic() - lastMs, 2 * TICK_MS);
  return {
    start() {
      end?.();
      ranMs = 0;
      lastMs = monotonic();
      end = ticking(() => {
        ranMs += sinceTick();
        lastMs = monotonic();
        onTick();
      });
    },
    stop() {
      end?.();
      end = undefined;
    },
    elapsedMs: () => (end === undefined ? 0 : ranMs + sinceTick()),
  };
}
