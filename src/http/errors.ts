import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { SluiceError, type ErrorCode } from '../core/errors.ts';
import { discard, isAborted } from './body.ts';
import { routeOf, stateOf, type Reply } from './reply.ts';

/** Total: a code without a status does not compile. */
export const STATUS: Readonly<Record<ErrorCode, number>> = {
  request_invalid: 400,
  unauthenticated: 401,
  not_your_identity: 403,
  environment_mismatch: 403,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  stale_revision: 409,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  audit_unavailable: 503,
  not_ready: 503,
};

const INTERNAL = new SluiceError('internal', 'something went wrong here; nothing was decided');

/** A resource exists under this path, but not for this method. `allow` is the value of the header. */
export class MethodNotAllowed extends SluiceError {
  readonly allow: string;

  constructor(allow: string) {
    super('method_not_allowed', `only ${allow} here`);
    this.allow = allow;
  }
}

/** The body of an error. Messages of SluiceErrors hold no value by their contract. */
export function errorBody(error: SluiceError, requestId: string): string {
  return JSON.stringify({ code: error.code, message: error.message, requestId });
}

export const notFound: RequestHandler = () => {
  throw new SluiceError('not_found', 'there is nothing under this path');
};

export const onlyMethods = (allow: string): RequestHandler => () => {
  throw new MethodNotAllowed(allow);
};

/** The error that answers for what was thrown: anything not thrown on purpose is ours, and says nothing. */
export function toSluiceError(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  // The router's own complaint about a path that can't be decoded: no resource has it.
  if (thrown instanceof URIError && (thrown as { status?: unknown }).status === 400) return new SluiceError('not_found', 'there is nothing under this path');
  return INTERNAL;
}

/** How errors are told: Sluice's way, or that of a program it stands in for. */
export interface ErrorForm {
  status(error: SluiceError): number;
  body(error: SluiceError, requestId: string): string;
}

const OUR_FORM: ErrorForm = { status: ({ code }) => STATUS[code], body: errorBody };

/** The one place where an error becomes a response. Whoever gets no 200 must send nothing. */
export function createOnError({ reply, logger, form = OUR_FORM }: { readonly reply: Reply; readonly logger: Logger; readonly form?: ErrorForm }): ErrorRequestHandler {
  return async function onError(thrown, req, res, _next) {
    if (isAborted(thrown)) return;
    const error = toSluiceError(thrown);
    log(logger, { requestId: stateOf(res).requestId, route: routeOf(res), code: error.code }, thrown);
    if (!req.complete) await discard(req);
    if (res.headersSent || res.destroyed) return void res.destroy();
    reply(res, form.status(error), form.body(error, stateOf(res).requestId), { headers: headersOf(error), close: !req.complete });
  };
}

/** Of an error only what holds no value of a request: its class, its code, where it arose, and the same of its causes. */
export interface Failure {
  readonly name: string;
  readonly code?: string;
  readonly frames: readonly string[];
  readonly cause?: Failure;
}

/** An error as it may be logged. Its message may quote what it failed on (JSON.parse does), so the message stays out. */
export function describeError(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return { name: typeof thrown, frames: [] };
  const { name, stack = '', message, cause } = thrown;
  const code = (thrown as { code?: unknown }).code;
  const from = stack.includes(message) ? stack.indexOf(message) + message.length : 0;
  return {
    name,
    ...(typeof code === 'string' && /^[A-Za-z0-9_]{1,64}$/.test(code) && { code }),
    frames: stack.slice(from).split('\n').filter((line) => line.startsWith('    at ')).map((line) => line.trim()),
    ...(cause !== undefined && { cause: describeError(cause) }),
  };
}

interface Refusal {
  readonly requestId: string;
  readonly route: string;
  readonly code: ErrorCode;
}

// Never the message: it may name a key of the question.
function log(logger: Logger, refusal: Refusal, thrown: unknown): void {
  switch (STATUS[refusal.code]) {
    case 500:
      return logger.error({ ...refusal, error: describeError(thrown) }, 'request failed');
    case 503:
      return logger.warn(refusal, 'request not answered');
    case 401:
    case 403:
    case 429:
      return logger.info(refusal, 'request refused');
    default:
      return logger.debug(refusal, 'request refused');
  }
}

function headersOf(error: SluiceError): readonly string[] {
  if (error instanceof MethodNotAllowed) return ['Allow', error.allow];
  if (error.code === 'unauthenticated') return ['WWW-Authenticate', 'Bearer'];
  if (STATUS[error.code] === 503) return ['Retry-After', String(error.retryAfterSeconds ?? 1)];
  return error.retryAfterSeconds === undefined ? [] : ['Retry-After', String(error.retryAfterSeconds)];
}
