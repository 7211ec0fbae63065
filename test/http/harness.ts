import { connect, type AddressInfo, type Socket } from 'node:net';
import { request as nodeRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Answer } from '../../src/core/answer.ts';
import { SluiceError } from '../../src/core/errors.ts';
import type { Caller } from '../../src/core/facts.ts';
import type { Question } from '../../src/core/question.ts';
import { createApp, type AppDeps } from '../../src/http/app.ts';
import { createMetrics, observeStatus } from '../../src/http/metrics.ts';
import { createServer, listen, type ServerLimits } from '../../src/http/server.ts';
import { checkDescribed } from './described.ts';
import type { Observer, Pdp, PdpStatus } from '../../src/pdp.ts';

/** Stands in every value of a request that must be in no response and no log line. */
export const CANARY = 'canary-3f9d1c';

export const QUESTION = {
  identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['city', 'org_id'],
} as const;

const caller = (id: string, parts: Partial<Caller> = {}): Caller => ({
  id, tokenSha256: '', demo: false, identities: ['*'], environments: ['*'], powers: ['check'], supports: [], ...parts,
});

export const CALLERS: readonly Caller[] = [
  caller('gateway'),
  caller('telemetry', { identities: ['service:telemetry'] }),
  caller('admin', { powers: ['vendor_state', 'reload'] }),
  caller('operator', { powers: ['log_admin', 'sync'] }),
  caller('slow', { ratePerSecond: 5 }),
  caller('demo', { demo: true }),
];

const DIGEST = `sha256:${'a'.repeat(64)}`;

export const STATUS: PdpStatus = {
  digest: DIGEST, bundleDigest: DIGEST, loadedAtMs: 0, queuedRecords: 0, shadow: [], environments: { production: { number: 42, ageMs: 812 } }, waiting: [], degraded: [],
};

export function answerTo(question: Question): Answer {
  const paths = question.fields ?? question.categories ?? ['$payload'];
  return {
    decisionId: '01JD', decision: 'deny',
    fields: Object.fromEntries(paths.map((path) => [path, { effect: 'deny', category: 'user.location', rules: ['default-deny'] }])),
    obligations: [],
    reasons: [{ code: 'no_permit', rule: 'default-deny', fields: paths, message: 'Nothing permits it.', fix: 'Drop it.' }],
    fix: null, approval: null, mode: 'enforce', revision: { number: 42, digest: DIGEST, ageMs: 812 }, expiresAt: null, log: { origin: 'test', index: 0 },
  };
}

/** A PDP that denies everything, binds callers as the real one does, and whose parts can be replaced. */
export function fakePdp(parts: Partial<Pdp> = {}): Pdp {
  return {
    async check(question, { caller: { identities } }) {
      if (!identities.includes('*') && !identities.includes(question.identity)) throw new SluiceError('not_your_identity', 'the credential may not speak for this identity');
      const answer = answerTo(question);
      return { answer, json: JSON.stringify(answer) };
    },
    async permitted() {
      const { decision: _, fix: __, ...rest } = answerTo({ fields: ['city'] } as unknown as Question);
      return { json: JSON.stringify(rest) };
    },
    together: () => ({ snapshots: () => { throw new Error('there are none'); }, revised: async () => {}, relief: async () => {} }),
    async setVendorState(_vendor, state) { return { state }; },
    async reload() { return { ok: true, errors: [], digest: DIGEST }; },
    callerOf: (token) => CALLERS.find(({ id }) => id === token),
    status: () => STATUS,
    ...parts,
  };
}

export interface Harness {
  readonly port: number;
  readonly server: Server;
  readonly observer: Observer;
  readonly lines: readonly string[];
  send(path: string, options?: SendOptions): Promise<Received>;
  /** A socket to the server, for what no HTTP client would send. */
  raw(text?: string): RawSocket;
}

export interface SendOptions {
  readonly method?: string;
  readonly token?: string | null;
  readonly headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON. */
  readonly body?: object | string | Buffer;
  /** The answer is a stand-in's, which is none that the document knows. */
  readonly undescribed?: boolean;
  /** Without a Content-Type. */
  readonly untyped?: boolean;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): Record<string, unknown>;
}

export interface RawSocket {
  readonly socket: Socket;
  /** All that the server sent, once it has closed the connection. */
  readonly received: Promise<string>;
}

export interface HarnessOptions {
  readonly pdp?: Pdp;
  readonly config?: { readonly demoCallers: boolean; readonly metricsPort?: number };
  readonly isDraining?: () => boolean;
  readonly monotonic?: () => number;
  readonly logAdmin?: AppDeps['logAdmin'];
  readonly limits?: Partial<ServerLimits>;
}

const opened: Server[] = [];

/** A listening server on a free port of loopback; `closeAll` ends it. */
export async function openHarness({ pdp = fakePdp(), config = { demoCallers: true }, isDraining = () => false, monotonic = () => 0, limits, logAdmin }: HarnessOptions = {}): Promise<Harness> {
  const lines: string[] = [];
  const logger = pino({ level: 'trace', base: null }, { write: (line: string) => void lines.push(line) });
  const registry = new Registry();
  const observer = createMetrics(registry);
  observeStatus(registry, () => pdp.status(), () => 5_000);
  const server = createServer(createApp({ pdp, logger, registry, config, isDraining, monotonic, ...(logAdmin !== undefined && { logAdmin }) }), limits);
  opened.push(server);
  const port = await listen(server, 0, '127.0.0.1');
  return {
    port, server, observer, lines,
    send: (path, options) => send(port, path, options),
    raw: (text) => raw(port, text),
  };
}

export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((server) => new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  })));
}

export const portOf = (server: Server) => (server.address() as AddressInfo).port;

export function send(port: number, path: string, { body, method = body === undefined ? 'GET' : 'POST', token = 'gateway', headers = {}, untyped = false, undescribed = false }: SendOptions = {}): Promise<Received> {
  const content = typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body;
  return new Promise((resolve, reject) => {
    const req = nodeRequest({
      host: '127.0.0.1', port, path, method, agent: false,
      headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...(!untyped && content !== undefined && { 'content-type': 'application/json' }), ...(content !== undefined && { 'content-length': Buffer.byteLength(content) }), ...headers },
    }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject).on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        try {
          if (!undescribed) checkDescribed({ method, url: path, status: res.statusCode!, type: res.headers['content-type'], text });
        } catch (error) {
          return reject(error);
        }
        resolve({ status: res.statusCode!, headers: res.headers, text, json: () => JSON.parse(text) as Record<string, unknown> });
      });
    });
    req.on('error', reject);
    req.end(content);
  });
}

function raw(port: number, text?: string): RawSocket {
  const socket = connect(port, '127.0.0.1');
  if (text !== undefined) socket.write(text);
  const received = new Promise<string>((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {}).on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
  return { socket, received };
}
