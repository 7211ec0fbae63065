import { PermitError } from '../data.ts';

/**
 * What was read can't all be of one moment: the reading is begun again. The message is for the operator, as that of a
 * PermitError `unstable` if it goes on.
 */
export class Moved extends Error {
  override readonly name = 'Moved';
}

/** An answer that isn't what the API says. Keys may stand in the message, values never. */
export const invalid = (message: string) => new PermitError('invalid', message);

/** One request failed. Holds nothing of the request, whose headers have the key, and nothing of the answer. */
export class Failed extends Error {
  override readonly name = 'Failed';
  readonly kind: PermitError['kind'];
  /** What `Retry-After` asks for. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: PermitError['kind'], message: string, retryAfterMs?: number) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}
