import { createCatalogue, type Catalogue } from '../../core/catalogue/catalogue.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Facts } from '../../core/facts.ts';
import { runReport, type Parameters, type Report } from '../../reports/run.ts';

/** Makes reports from the log, one at a time: each reads all of it. */
export interface Reports {
  /** @throws {SluiceError} `request_invalid`, `not_found`, `rate_limited` while too many wait. */
  make(kind: string, parameters: Parameters): Promise<Report>;
}

const MAX_WAITING = 4;

/** @param facts those of the files; for names, and for what no record says. */
export function createReports({ dir, facts, now }: { readonly dir: string; readonly facts: () => Facts; readonly now: () => number }): Reports {
  let catalogue: Catalogue | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const catalogueNow = () => {
    const current = facts();
    if (catalogue?.facts !== current) catalogue = createCatalogue(current);
    return catalogue;
  };
  return {
    async make(kind, parameters) {
      if (waiting >= MAX_WAITING) throw new SluiceError('rate_limited', 'other reports are being made: ask again', { retryAfterSeconds: 10 });
      waiting += 1;
      const made = last.then(() => runReport(kind, parameters, { dir, catalogue: catalogueNow(), nowMs: now() }));
      last = made.catch(() => {});
      try {
        return await made;
      } finally {
        waiting -= 1;
      }
    },
  };
}
