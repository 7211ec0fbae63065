import { randomUUID } from 'node:crypto';
import { createServer as createNodeServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Express } from 'express';
import { SluiceError } from '../core/errors.ts';
import { errorBody } from './errors.ts';

/** Bounds of one server. Times in milliseconds. */
export interface ServerLimits {
  readonly headersTimeout: number;
  /** The whole request, body included; then 408. */
  readonly requestTimeout: number;
  /** How often these two are looked at. */
  readonly connectionsCheckingInterval: number;
  readonly keepAliveTimeout: number;
  /** How long nothing may move on a connection, as where the client reads no answer; then it is cut. */
  readonly idleTimeout: number;
  /** Bytes of a request's headers. */
  readonly maxHeaderSize: number;
  readonly maxConnections: number;
}

export const LIMITS: ServerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  // Longer than the 60 s for which nginx and cloud balancers keep an idle connection: so it is they who close it, and no
  // question meets a connection that has just been closed here. Node tells the clients of its own (Keep-Alive: timeout).
  keepAliveTimeout: 65_000,
  // No decision, batch or reload takes as long.
  idleTimeout: 120_000,
  maxHeaderSize: 16 * 1024,
  maxConnections: 10_000,
};

/** An HTTP server for `app`, not yet listening. What isn't even HTTP gets an error in JSON too. */
export function createServer(app: Express, limits: Partial<ServerLimits> = {}): Server {
  const { maxConnections, idleTimeout, ...options } = { ...LIMITS, ...limits };
  // Without a last resort of ours Express answers with a page that shows the stack.
  const listener = (req: IncomingMessage, res: ServerResponse) => app(req as Parameters<Express>[0], res as Parameters<Express>[1], () => res.destroy());
  // `begin` looks for the Host header, so that its absence is told in JSON.
  const server = createNodeServer({ ...options, requireHostHeader: false }, listener);
  server.maxConnections = maxConnections;
  server.timeout = idleTimeout;
  server.maxRequestsPerSocket = 0;
  // Else Node answers 417 without a body; a server may also do without what it does not know (RFC 9110, 10.1.1).
  server.on('checkExpectation', listener);
  server.on('clientError', onClientError);
  return server;
}

const UNREADABLE = { status: '400 Bad Request', error: new SluiceError('request_invalid', 'this is no HTTP request') } as const;
const REFUSALS: Readonly<Record<string, { readonly status: string; readonly error: SluiceError }>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', error: new SluiceError('too_large', 'the headers are too large') },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: '413 Content Too Large', error: new SluiceError('too_large', 'the chunk extensions are too large') },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', error: new SluiceError('request_invalid', 'the request took too long to arrive') },
};

// There is no request to answer yet, or one that will never be complete: written to the socket itself, which ends with it.
function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const requestId = randomUUID();
  const refusal = REFUSALS[error.code ?? ''] ?? UNREADABLE;
  const body = errorBody(refusal.error, requestId);
  const head = [
    `HTTP/1.1 ${refusal.status}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-ID: ${requestId}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** Resolves with the port once `server` accepts connections; rejects when the address can't be had. */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve((server.address() as { port: number }).port);
    });
  });
}
