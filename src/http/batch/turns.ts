/** Shares this thread among works that take long: one has its turn at a time, in the order in which they asked. */
export interface Turns {
  /** Resolves when it is this work's turn. Between two turns everything else that waits is done. */
  take(): Promise<Turn>;
}

export interface Turn {
  /** Then the work must wait for its next turn. */
  isOver(): boolean;
}

/** Some less than the ten milliseconds after which others have theirs, since what a work has begun it ends. */
const TURN_MS = 8;

/** @param monotonic milliseconds from any start, never set back. */
export function createTurns(monotonic: () => number = () => performance.now()): Turns {
  const waiting: ((turn: Turn) => void)[] = [];
  let isUnderWay = false;

  function next(): void {
    const resolve = waiting.shift();
    isUnderWay = resolve !== undefined;
    if (resolve === undefined) return;
    const untilMs = monotonic() + TURN_MS;
    resolve({ isOver: () => monotonic() >= untilMs });
    // Of what was set so the event loop does one, and then looks for what came from outside.
    setImmediate(next);
  }

  return {
    take: () => new Promise((resolve) => {
      waiting.push(resolve);
      if (isUnderWay) return;
      isUnderWay = true;
      setImmediate(next);
    }),
  };
}
