import type { Request, RequestHandler, Response } from 'express';
import { SluiceError } from '../../core/errors.ts';
import type { Caller } from '../../core/facts.ts';
import type { Asked } from '../../pdp.ts';
import { parseQuery, type ReadFormat, type Reading } from '../../service/reading.ts';
import { requirePower, type Authenticate } from '../auth.ts';
import type { HttpObserver } from '../metrics.ts';
import type { Rate } from '../rate.ts';
import { stateOf, type Reply } from '../reply.ts';
import { stream } from '../batch/stream.ts';

export interface ReadingDeps {
  readonly reading: Reading;
  readonly authenticate: Authenticate;
  readonly rate: Rate;
  readonly reply: Reply;
  readonly observer: HttpObserver;
}

const TYPES: Readonly<Record<ReadFormat, string>> = {
  json: 'application/json; charset=utf-8', ndjson: 'application/x-ndjson; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present',
};
const isFormat = (name: string): name is ReadFormat => Object.hasOwn(TYPES, name);

/** A page as JSON; with `format=ndjson` or `csv`, or by Accept, everything at once, or with a limit a page. */
export function getDecisions({ reading, authenticate, rate, reply, observer }: ReadingDeps): RequestHandler {
  return async function decisions(req, res) {
    const caller = authenticate(req);
    rate.take(caller, 1);
    const parameters = parametersOf(req);
    const format = formatOf(req, parameters);
    const parsed = parseQuery(parameters.filter(([name]) => name !== 'format'), reading.origin);
    const by = { caller, requestId: stateOf(res).requestId };
    requireReader(reading, by);
    // A HEAD tells the length of the answer, which says something of the log: it is read and recorded like a GET. What
    // is streamed has no length to tell, so that of it nothing is read.
    const isStreamed = format !== 'json' && !parsed.limited;
    if (isStreamed) return stream(res, req.method === 'HEAD' ? nothing() : await reading.all(parsed, format, by), { type: TYPES[format], observer });
    const { rows, next } = await reading.page(parsed, format, by);
    const headers = next === null ? [] : ['X-Next-After', next];
    if (format === 'json') reply(res, 200, `{"records":[${rows.join(',')}],"next":${JSON.stringify(next)}}`);
    else reply(res, 200, rows.map((row) => (format === 'csv' ? row : `${row}\n`)).join(''), { type: TYPES[format], headers });
  };
}

async function* nothing(): AsyncGenerator<string> {}

/** One record, by its decision's id or by its index in the log. */
export function getDecision({ reply, ...deps }: ReadingDeps): RequestHandler {
  const { reading } = deps;
  return async function decision(req, res) {
    const by = readerOf(deps, req, res);
    reply(res, 200, (await reading.record(req.params['id'] as string, by)).text);
  };
}

/**
 * Who reads one thing, that has no parameters. Within the caller's rate, since whatever is read or refused is recorded.
 *
 * @throws {SluiceError}
 */
export function readerOf({ reading, authenticate, rate }: Pick<ReadingDeps, 'reading' | 'authenticate' | 'rate'>, req: Request, res: Response): Asked & { readonly caller: Caller } {
  const by = { caller: authenticate(req), requestId: stateOf(res).requestId };
  rate.take(by.caller, 1);
  refuseParameters(req);
  requireReader(reading, by);
  return by;
}

/** @throws {SluiceError} `forbidden`, on record. */
export function requireReader(reading: Reading, by: Asked & { readonly caller: Caller }): void {
  try {
    requirePower(by.caller, 'read_log');
  } catch (error) {
    reading.refused(by);
    throw error;
  }
}

function refuseParameters(req: Request): void {
  if (parametersOf(req).length > 0) throw new SluiceError('request_invalid', 'there are no parameters here');
}

function parametersOf({ url }: Request): readonly (readonly [string, string])[] {
  const at = url.indexOf('?');
  return at === -1 ? [] : [...new URLSearchParams(url.slice(at + 1))];
}

function formatOf(req: Request, parameters: readonly (readonly [string, string])[]): ReadFormat {
  const asked = parameters.filter(([name]) => name === 'format').map(([, value]) => value);
  const [format = 'json'] = asked.length > 0 ? asked : [ACCEPTED[String(req.accepts(Object.keys(ACCEPTED)))]];
  if (asked.length > 1 || !isFormat(format)) throw new SluiceError('request_invalid', `format is one of ${Object.keys(TYPES).join(', ')}`);
  return format;
}

const ACCEPTED: Readonly<Record<string, ReadFormat>> = { 'application/json': 'json', 'application/x-ndjson': 'ndjson', 'text/csv': 'csv' };
