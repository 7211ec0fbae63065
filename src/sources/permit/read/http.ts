import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { addAbortSignal, type Readable } from 'node:stream';
import type { AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { PermitError } from '../data.ts';
import { Failed } from './errors.ts';
import type { Limits } from './limits.ts';

/** Connections of their own, for the SDK and for what goes past it. */
export interface Connection {
  /** Gives parsed JSON of answers 200, and rejects with {@link Failed} whatever else comes, or the signal's reason. */
  readonly client: AxiosInstance;
  close(): void;
}

export interface ConnectionOptions {
  readonly signal: AbortSignal;
  readonly limits: Limits;
  /** Told of the length of every answer; what it throws ends the request. */
  readonly received: (bytes: number) => void;
}

/**
 * An axios instance that tells apart what the SDK would hide: the adapter throws before the SDK sees an error, which it
 * would log with the body. Redirects aren't followed, since they would take the key along.
 */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const { default: axios } = await import('axios');
  const agents = { httpAgent: new HttpAgent({ keepAlive: true }), httpsAgent: new HttpsAgent({ keepAlive: true }) };
  const send = axios.getAdapter('http');
  const client = axios.create({
    ...agents, maxRedirects: 0, responseType: 'stream', validateStatus: () => true, transformResponse: [(data: unknown) => data],
    adapter: (config) => exchange(config, send, options),
  });
  return {
    client,
    close() {
      agents.httpAgent.destroy();
      agents.httpsAgent.destroy();
    },
  };
}

type Send = (config: InternalAxiosRequestConfig) => Promise<AxiosResponse<unknown>>;

async function exchange(config: InternalAxiosRequestConfig, send: Send, { signal, limits, received }: ConnectionOptions): Promise<AxiosResponse<unknown>> {
  signal.throwIfAborted();
  const control = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    control.abort();
  }, limits.timeoutMs);
  const stop = () => control.abort();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const response = await send({ ...config, signal: control.signal });
    const body = await readBody(addAbortSignal(control.signal, response.data as Readable), limits.maxAnswerBytes);
    received(body.length);
    refuse(response);
    return { ...response, data: parse(body.toString('utf8')) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failed || error instanceof PermitError) throw error;
    // The error of the client holds the request, and with it the key: of it only the code is passed on.
    throw new Failed('unreachable', late ? `no complete answer within ${limits.timeoutMs / 1000} s` : codeOf(error));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

async function readBody(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      body.destroy();
      throw new Failed('invalid', `the answer is longer than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws {Failed} for any status but 200. */
function refuse({ status, headers }: AxiosResponse): void {
  if (status === 200) return;
  if (status === 401 || status === 403) throw new Failed('key', `HTTP ${status}`);
  if (status === 429) throw new Failed('limited', 'HTTP 429', readRetryAfter(headers['retry-after']));
  if (status >= 500 || status === 408) throw new Failed('unreachable', `HTTP ${status}`, readRetryAfter(headers['retry-after']));
  throw new Failed('invalid', status >= 300 && status < 400 ? `HTTP ${status}, a redirect, which is not followed` : `HTTP ${status}`);
}

/** Seconds or a date; anything else says nothing. */
function readRetryAfter(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const untilMs = Date.parse(value);
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs - Date.now());
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The engine's message quotes the text.
    throw new Failed('invalid', 'the answer is not JSON');
  }
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : 'the connection failed';
}
