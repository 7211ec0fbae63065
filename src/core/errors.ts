/** Every way a call can fail without a decision. Stable: clients and dashboards match on these (design, section 3). */
export type ErrorCode =
  | 'request_invalid'
  | 'unauthenticated'
  | 'not_your_identity'
  | 'environment_mismatch'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'stale_revision'
  | 'too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'internal'
  | 'audit_unavailable'
  | 'not_ready';

/** The only error thrown on purpose. A denial is a value, never an error; anything else that escapes is a bug. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  /** Seconds after which a retry may succeed; only with `rate_limited`, `not_ready` and `audit_unavailable`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { readonly retryAfterSeconds?: number }) {
    super(message, options);
    this.code = code;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}
