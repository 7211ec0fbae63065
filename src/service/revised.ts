/** For questions that ask for a revision that is only just being read (J27). */
export interface Revisions {
  /** Resolves once `holds`, or after `waitMs`; of too many that wait, at once. */
  revised(holds: () => boolean): Promise<void>;
  /** After every activation. */
  tell(): void;
}

const WAIT_MS = 1000;
const MOST_WAITING = 1000;

export function createRevisions(waitMs = WAIT_MS): Revisions {
  const waiting = new Set<() => void>();
  return {
    revised: (holds) => new Promise((resolve) => {
      if (waiting.size >= MOST_WAITING) return resolve();
      const end = () => {
        clearTimeout(timer);
        waiting.delete(look);
        resolve();
      };
      const look = () => {
        if (holds()) end();
      };
      const timer = setTimeout(end, waitMs);
      waiting.add(look);
    }),
    tell: () => [...waiting].forEach((look) => look()),
  };
}
