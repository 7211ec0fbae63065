import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { split, type Answer } from './answer.ts';
import { altered, disturbing, ofKind, refused, toSent, type Sent } from './disturb.ts';
import { foldErrors, malformed, plain, Refusal } from './errors.ts';
import type { Fault, Faults, Inner } from './faults.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  /** 0 where none was sent. */
  readonly status: number;
}

export interface ServerDeps {
  readonly answer: Answer;
  readonly faults: Faults;
  /** What is not Permit's; undefined for paths of Permit. */
  readonly control: (method: string, url: string, body: unknown) => Sent | undefined;
  /** Carries out what a fault says, as an administrator. */
  readonly act: (request: Inner) => void;
  readonly saw: (seen: Seen) => void;
}

export function createHttpServer(deps: ServerDeps): Server {
  return createServer((req, res) => {
    // Whoever goes away is not answered.
    res.on('error', () => {});
    reply(deps, req, res).catch((error: unknown) => res.destroy(error as Error));
  });
}

async function reply(deps: ServerDeps, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = req;
  const { answer, faults, control, act, saw } = deps;
  const body = await readJson(req).catch((error: unknown) => {
    if (error instanceof Refusal) return error;
    throw error;
  });
  const controlled = foldErrors(() => body instanceof Refusal ? undefined : control(method, url, body));
  if (controlled !== undefined) return send(res, 'text' in controlled ? controlled : toSent(controlled));

  const [path, query] = split(url);
  const met = faults.take(method, path, query);
  for (const { ms } of ofKind(met, 'latency')) await wait(ms);
  const instead = insteadOf(met);
  if (instead !== undefined) {
    saw({ method, url, status: instead === 'hang' || instead === 'reset' ? 0 : instead.status });
    if (instead === 'hang') return;
    return instead === 'reset' ? void req.socket.resetAndDestroy() : send(res, instead);
  }
  const secret = /^bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1];
  const answered = body instanceof Refusal ? foldErrors(() => { throw body; }) : answer({ method, url, secret, body }, disturbing(met, faults));
  const sent = toSent(altered(answered, met));
  const acted = foldErrors((): undefined => {
    for (const { requests } of ofKind(met, 'then')) requests.forEach(act);
  });
  saw({ method, url, status: sent.status });
  // A fault that can't be carried out is a mistake of whoever set it, who is to see it.
  await (acted === undefined ? sendFaulty(res, sent, met) : send(res, toSent(acted)));
}

/** What comes instead of carrying out the request. */
function insteadOf(met: readonly Fault[]): Sent | 'hang' | 'reset' | undefined {
  for (const fault of met) {
    if (fault.kind === 'hang') return 'hang';
    if (fault.kind === 'reset' && fault.at === 'start') return 'reset';
    if (fault.kind === 'status') return refused(fault);
    if (fault.kind === 'empty') return toSent({ status: 200, body: [] });
  }
  return undefined;
}

async function sendFaulty(res: ServerResponse, sent: Sent, met: readonly Fault[]): Promise<void> {
  const half = sent.text.slice(0, Math.ceil(sent.text.length / 2));
  if (ofKind(met, 'reset').length > 0) {
    res.writeHead(sent.status, { ...sent.headers, 'content-length': Buffer.byteLength(sent.text) });
    await new Promise((resolve) => res.write(half, resolve));
    res.socket?.resetAndDestroy();
  } else {
    send(res, ofKind(met, 'truncated').length > 0 ? { ...sent, text: half } : sent);
  }
}

function send(res: ServerResponse, { status, headers, text }: Sent): void {
  if (status === 204) return void res.writeHead(status).end();
  res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}

/** @throws {Refusal} 413, 422. */
async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw plain(413, 'Request Entity Too Large');
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    const raw = Buffer.concat(chunks);
    const text = req.headers['content-encoding'] === 'gzip' ? await promisify(gunzip)(raw, { maxOutputLength: MAX_BODY_BYTES }) : raw;
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch {
    throw malformed([{ loc: ['body'], msg: 'the body is not JSON', type: 'value_error.jsondecode' }]);
  }
}
