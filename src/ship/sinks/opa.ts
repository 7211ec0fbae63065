import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { VERSION } from '../../version.ts';
import { SinkError, type Shipped, type Sink } from './sink.ts';

export interface OpaOptions {
  /** Of the service; `/logs` is added. */
  readonly url: string;
  /** Read for each upload, so that it can be changed. */
  readonly token?: () => string;
  readonly timeoutMs?: number;
}

const compress = promisify(gzip);

/**
 * Uploads records as OPA uploads its decision logs: `POST <url>/logs`, a gzipped JSON array; any 2xx means that the
 * service has them. One that wants each only once goes by the labels `origin` and `index`.
 */
export function openOpa({ url, token, timeoutMs = 30_000 }: OpaOptions): Sink {
  const address = `${url.replace(/\/$/, '')}/logs`;
  return {
    limits: { records: 500, bytes: 512 * 1024 },
    async write(batch, signal) {
      const body = await compress(JSON.stringify(batch.map(toOpaEvent)));
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', 'user-agent': `sluice/${VERSION}`, ...(token !== undefined && { authorization: `Bearer ${token()}` }) };
      let status: number;
      try {
        // Another address than the one that was asked about gets nothing.
        const response = await fetch(address, { method: 'POST', body, headers, redirect: 'error', signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
        await response.body?.cancel();
        status = response.status;
      } catch (error) {
        throw new SinkError(`the service can't be reached (${reasonOf(error)})`, { cause: error });
      }
      if (status < 200 || status > 299) throw new SinkError(`the service answered ${status}`);
    },
    close: () => Promise.resolve(),
  };
}

function reasonOf(error: unknown): string {
  const { name, cause } = error as Error & { readonly cause?: { readonly code?: string; readonly message?: string } };
  if (name === 'TimeoutError') return 'no answer in time';
  return cause?.code ?? cause?.message ?? name;
}

const INPUT = ['identity', 'onBehalfOf', 'vendor', 'environment', 'purpose', 'channel', 'event', 'eventVersion', 'eventKind', 'about', 'region', 'secure', 'aggregate', 'byCategory', 'asserted', 'rows'];
const OUTSIDE = ['v', 'index', 'origin', 'time', 'kind', 'leaf', 'decisionId', 'requestId', 'caller', 'bundle', 'program', 'micros', ...INPUT];

/**
 * A record as an event of OPA's decision log: what was asked is its `input`, everything else that was recorded its
 * `result`. A record that is no decision has the kind in its path.
 */
export function toOpaEvent({ origin, index, time, kind, leaf, record, withheld, masked }: Shipped): object {
  const { decisionId, requestId, caller, bundle, program, micros } = record;
  const members = Object.entries(record);
  const pointer = (path: string) => `/${INPUT.includes(path.split('.')[0]!) ? 'input' : 'result'}/${path.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('.', '/')}`;
  const isDecision = kind === 'decision' || kind === 'permitted';
  return {
    labels: { app: 'sluice', ...(typeof program === 'string' && { version: program }), origin, index: String(index), kind, leaf },
    decision_id: typeof decisionId === 'string' ? decisionId : `${origin}/${index}`,
    ...(typeof bundle === 'string' && { bundles: { sluice: { revision: bundle } } }),
    path: isDecision ? 'egress/decision' : `sluice/log/${kind}`,
    input: Object.fromEntries(members.filter(([name]) => INPUT.includes(name))),
    result: Object.fromEntries(members.filter(([name]) => !OUTSIDE.includes(name))),
    ...(typeof caller === 'string' && { requested_by: caller }),
    ...(typeof requestId === 'string' && { request_context: { http: { headers: { 'x-request-id': [requestId] } } } }),
    timestamp: time,
    ...(typeof micros === 'number' && { metrics: { timer_server_handler_ns: micros * 1000 } }),
    ...(withheld.length > 0 && { erased: withheld.map(pointer) }),
    ...(masked.length > 0 && { masked: masked.map(pointer) }),
    req_id: index,
  };
}
