import type { RequestHandler } from 'express';
import { isDate } from '../../core/dates.ts';
import { SluiceError } from '../../core/errors.ts';
import type { LogActs } from '../../service/log-acts.ts';
import { requirePower, type Authenticate } from '../auth.ts';
import { BODY_LIMIT, hasBody, readJson } from '../body.ts';
import { stateOf, type Reply } from '../reply.ts';

export interface LogAdminDeps {
  readonly acts: LogActs;
  readonly authenticate: Authenticate;
  readonly reply: Reply;
  /** How many days a log is kept where a request names no date; undefined: it must name one. */
  readonly keepDays?: number | undefined;
  /** Why what is older than this may not be removed yet. */
  readonly keptFor: (beforeMs: number) => Promise<string | undefined>;
  /** Wall time in milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** `{"before": "2026-01-31"}`; without it SLUICE_LOG_KEEP_DAYS counts. */
export function postPrune({ acts, authenticate, reply, keepDays, keptFor, now }: LogAdminDeps): RequestHandler {
  return async function prune(req, res) {
    const caller = authenticate(req);
    const asked = hasBody(req) ? beforeOf(await readJson(req, BODY_LIMIT)) : undefined;
    requirePower(caller, 'log_admin');
    const beforeMs = asked ?? (keepDays === undefined ? undefined : now() - keepDays * DAY_MS);
    if (beforeMs === undefined) throw new SluiceError('request_invalid', 'say before which date, as {"before": "2026-01-31"}, or set SLUICE_LOG_KEEP_DAYS');
    if (beforeMs > now()) throw new SluiceError('request_invalid', 'before must not be in the future');
    const kept = await keptFor(beforeMs);
    if (kept !== undefined) throw new SluiceError('request_invalid', kept);
    const { from, to, segments } = await acts.prune(beforeMs, { caller, requestId: stateOf(res).requestId });
    reply(res, 200, JSON.stringify({ from, to, segments }));
  };
}

/** From the answer on the new key signs; the record of it is signed by the old one. */
export function postRotateKey({ acts, authenticate, reply }: LogAdminDeps): RequestHandler {
  return async function rotateKey(req, res) {
    const caller = authenticate(req);
    if (hasBody(req)) readEmpty(await readJson(req, BODY_LIMIT));
    requirePower(caller, 'log_admin');
    reply(res, 200, JSON.stringify({ vkey: await acts.rotateKey({ caller, requestId: stateOf(res).requestId }) }));
  };
}

export function postRotateNamesKey({ acts, authenticate, reply }: LogAdminDeps): RequestHandler {
  return async function rotateNamesKey(req, res) {
    const caller = authenticate(req);
    if (hasBody(req)) readEmpty(await readJson(req, BODY_LIMIT));
    requirePower(caller, 'log_admin');
    await acts.rotateNamesKey({ caller, requestId: stateOf(res).requestId });
    reply(res, 200, '{"ok":true}');
  };
}

const DAY_MS = 86_400_000;

function beforeOf(body: unknown): number | undefined {
  const { before, ...more } = objectOf(body);
  if (Object.keys(more).length > 0) throw new SluiceError('request_invalid', 'the body may have before alone');
  if (before === undefined) return undefined;
  if (typeof before !== 'string' || !isDate(before)) throw new SluiceError('request_invalid', 'before must be a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z');
  return Date.parse(before);
}

function readEmpty(body: unknown): void {
  if (Object.keys(objectOf(body)).length > 0) throw new SluiceError('request_invalid', 'the body must be empty');
}

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new SluiceError('request_invalid', 'the body must be an object');
  return body as Readonly<Record<string, unknown>>;
}
