import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { isAxiosError, type AxiosError, type AxiosInstance } from 'axios';
import { PermitError, type ScanOptions } from '../data.ts';

/** One scan's own connections to Permit, bounded in time and size. */
export interface Connection {
  /** Given to the SDK; fails with `PermitError`. */
  readonly axios: AxiosInstance;
  requests(): number;
  /** Milliseconds spent waiting for the budget. */
  waitedMs(): number;
  /** Why the last request that failed did; the SDK hides it where it asks for the scope. */
  lastFailure(): PermitError | undefined;
  close(): void;
}

const MAX_PAGE_BYTES = 32 * 2 ** 20;

/** @param timeoutMs of one request, until its last byte. */
export function connect({ signal, mayRequest }: Pick<ScanOptions, 'signal' | 'mayRequest'>, timeoutMs: number): Connection {
  const agents = { httpAgent: new HttpAgent({ keepAlive: true }), httpsAgent: new HttpsAgent({ keepAlive: true }) };
  const instance = axios.create({ ...agents, maxContentLength: MAX_PAGE_BYTES, maxRedirects: 0, proxy: false });
  let [requests, waitedMs] = [0, 0];
  let failure: PermitError | undefined;
  instance.interceptors.request.use(async (config) => {
    waitedMs += await mayRequest();
    requests += 1;
    return { ...config, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) };
  });
  instance.interceptors.response.use(undefined, (error: unknown) => {
    failure = explain(error, timeoutMs);
    throw failure;
  });
  return {
    axios: instance,
    requests: () => requests,
    waitedMs: () => waitedMs,
    lastFailure: () => failure,
    close: () => Object.values(agents).forEach((agent) => agent.destroy()),
  };
}

/** A failure that may pass, with how long Permit wants to be left alone, in milliseconds. */
export class PassingError extends PermitError {
  readonly retryAfterMs: number | undefined;

  constructor(kind: 'unreachable' | 'limited', message: string, retryAfterMs: number | undefined) {
    super(kind, message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Says what happened without a word of what was sent or received: either may hold secrets. */
function explain(error: unknown, timeoutMs: number): PermitError {
  if (!isAxiosError(error)) return error instanceof PermitError ? error : new PermitError('invalid', `Permit's answer could not be read (${error instanceof Error ? error.name : 'unknown'})`);
  const where = pathOf(error);
  const status = error.response?.status;
  if (status === undefined) return unanswered(error, where, timeoutMs);
  if (status === 401 || status === 403) return new PermitError('key', `Permit refuses the key (${status} for ${where}): put the environment's own key into SLUICE_PERMIT_KEYS_FILE`);
  if (status === 429) return new PassingError('limited', `Permit wants fewer requests (429 for ${where}): lower SLUICE_PERMIT_REQUESTS_PER_MINUTE`, retryAfterOf(error));
  if (status >= 500 || status === 408) return new PassingError('unreachable', `Permit failed (${status} for ${where})`, retryAfterOf(error));
  return new PermitError('invalid', `Permit answered ${status} for ${where}`);
}

function unanswered(error: AxiosError, where: string, timeoutMs: number): PermitError {
  if (error.code === 'ERR_CANCELED') return new PassingError('unreachable', `Permit did not answer ${where} within ${timeoutMs / 1000} s`, undefined);
  if (error.code === 'ERR_BAD_RESPONSE' && /maxContentLength/.test(error.message)) return new PermitError('invalid', `Permit's answer to ${where} has more than ${MAX_PAGE_BYTES} bytes`);
  return new PassingError('unreachable', `Permit can't be reached (${error.code ?? 'no answer'} for ${where})`, undefined);
}

// Ids and keys of environments, and names of lists: nothing else stands in these paths.
const pathOf = ({ config }: AxiosError) => {
  try {
    return new URL(config?.url ?? '', 'http://permit').pathname;
  } catch {
    return 'a request';
  }
};

const MOST_PATIENCE_MS = 30_000;

function retryAfterOf({ response }: AxiosError): number | undefined {
  const said = Number(response?.headers['retry-after']);
  return Number.isFinite(said) && said >= 0 ? Math.min(said * 1000, MOST_PATIENCE_MS) : undefined;
}
