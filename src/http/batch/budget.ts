import { SluiceError } from '../../core/errors.ts';
import type { Question } from '../../core/question.ts';

/** What a batch may cost; counted in the order of its items (J32). */
export const MAX_BATCH_FIELDS = 20_000;
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Once it is spent it stays so: what of a batch is judged doesn't depend on the sizes of later items. */
export interface Budget {
  /**
   * Takes the fields of an item that is about to be judged.
   * @throws {SluiceError} `too_large` for it and each later one.
   */
  take(fields: number): void;
  /** Counts an answer, which is given whatever it takes, since it is on record. */
  answered(bytes: number): void;
}

export function createBudget(): Budget {
  let [fields, bytes] = [0, 0];
  return {
    take(more) {
      if (bytes > MAX_ANSWER_BYTES) throw over(`the answers to the items before take more than ${MAX_ANSWER_BYTES} bytes`);
      fields += more;
      if (fields > MAX_BATCH_FIELDS) throw over(`the items up to this one have more than ${MAX_BATCH_FIELDS} fields`);
    },
    answered(more) {
      bytes += more;
    },
  };
}

const over = (what: string) => new SluiceError('too_large', `${what}: ask for the rest by itself`);

export function countFields({ fields, categories, payload }: Question): number {
  return (fields ?? categories)?.length ?? new Set(payload!.map(({ path }) => path)).size;
}
