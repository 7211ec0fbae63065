import type { Timers } from '../../../src/sources/permit/keep/timers.ts';

/** Time that passes only when it is told to. */
export interface Simulated {
  readonly now: () => number;
  readonly timers: Timers;
  /** Lets everything happen that is due within so many milliseconds. */
  pass(ms: number): Promise<void>;
}

export function simulate(): Simulated {
  let at = 0;
  let last = 0;
  const due = new Map<number, { readonly at: number; readonly run: () => void }>();
  const settle = async () => {
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
  };
  return {
    now: () => at,
    timers: {
      set(run, ms) {
        due.set(last += 1, { at: at + Math.max(0, ms), run });
        return last;
      },
      clear: (timer) => void due.delete(timer as number),
    },
    async pass(ms) {
      const until = at + ms;
      await settle();
      for (;;) {
        const [id, next] = [...due].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
        if (id === undefined || next!.at > until) break;
        due.delete(id);
        at = Math.max(at, next!.at);
        next!.run();
        await settle();
      }
      at = until;
    },
  };
}
