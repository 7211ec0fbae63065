import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { SluiceError, type ErrorCode } from '../../core/errors.ts';
import { readItem } from '../../core/parse/items.ts';
import { MAX_ITEMS } from '../../core/parse/parse.ts';
import type { DropIn, PermitAnswer } from '../../service/drop-in/drop-in.ts';
import type { PermitQuestion } from '../../service/drop-in/question.ts';
import { answerInTurns, sendList, type BatchDeps } from '../batch/answer.ts';
import { readItems } from '../batch/read.ts';
import { BODY_LIMIT, readJson } from '../body.ts';
import { describeError, toSluiceError } from '../errors.ts';
import type { HttpObserver } from '../metrics.ts';
import type { Rate } from '../rate.ts';
import { stateOf, type Reply } from '../reply.ts';
import type { Credentials } from './credential.ts';
import { BadMember } from './errors.ts';
import { readQuestion, readUrlQuestion } from './read.ts';

export interface PermitDeps {
  readonly dropIn: DropIn;
  readonly credentials: Credentials;
  readonly rate: Rate;
  readonly reply: Reply;
  readonly logger: Logger;
}

export interface BulkDeps extends PermitDeps, BatchDeps {
  readonly observer: HttpObserver;
}

interface WireAnswer {
  readonly allow: boolean;
  /** What older clients read. */
  readonly result: boolean;
  readonly query?: object;
  readonly debug: object;
}

type Named = Pick<PermitQuestion, 'user' | 'resource'> & { readonly action?: string };

/** `query` has the names that were asked with, and nothing else of what came: attributes and context hold values. */
const toWire = ({ user, action, resource }: Named, { allow, debug }: PermitAnswer): WireAnswer => (
  { allow, result: allow, query: { user: { key: user }, action, resource }, debug }
);

export function postAllowed({ dropIn, credentials, rate, reply }: PermitDeps): RequestHandler {
  return async function allowed(req, res) {
    const { caller, environment } = credentials.ofHeader(req);
    rate.take(caller, 1);
    const asked = readQuestion(await readJson(req, BODY_LIMIT, 'permit'));
    reply(res, 200, JSON.stringify(toWire(asked, await dropIn.allowed(asked, { caller, environment, requestId: stateOf(res).requestId }))));
  };
}

/** Whoever has the address is asked about; neither host nor path is in the answer. */
export function postAllowedUrl({ dropIn, credentials, rate, reply }: PermitDeps): RequestHandler {
  return async function allowedUrl(req, res) {
    const { caller, environment } = credentials.ofHeader(req);
    rate.take(caller, 1);
    const asked = readUrlQuestion(await readJson(req, BODY_LIMIT, 'permit'));
    const asking = { caller, environment, requestId: stateOf(res).requestId };
    const { resource, ...answer } = await dropIn.allowedUrl(asked, asking);
    reply(res, 200, JSON.stringify(toWire({ ...asked, resource }, answer)));
  };
}

/** A bare list. Each item is a question of its own; an item's error is its answer, so that the answers are as many and in their order. */
export function postBulk({ dropIn, credentials, rate, logger, ...deps }: BulkDeps): RequestHandler {
  return async function bulk(req, res) {
    const { caller, environment } = credentials.ofHeader(req);
    rate.take(caller, 1);
    const items = await readItems(req, 'bulk', deps.turns);
    if (!Array.isArray(items)) throw new BadMember(['body'], 'must be a list of questions');
    if (items.length > MAX_ITEMS) throw new SluiceError('too_large', `more than ${MAX_ITEMS} questions: ask in parts`);
    rate.take(caller, items.length - 1, 1);
    const { requestId } = stateOf(res);
    const answers = answerInTurns({
      items: items.map((item: unknown, at) => () => readQuestion(readItem(item), ['body', at])),
      fieldsOf: () => 1,
      ask: async (asked, more) => JSON.stringify(toWire(asked, await dropIn.allowed(asked, { caller, environment, requestId, ...more }))),
      failed: (thrown) => JSON.stringify(toFailed(thrown, requestId, logger)),
    }, deps);
    await sendList(res, { head: '{"allow":[', answers, tail: ']}' }, deps);
  };
}

// These are no item's own, and pass: the client that hears of them asks again.
const OF_ALL: readonly ErrorCode[] = ['audit_unavailable', 'not_ready'];

function toFailed(thrown: unknown, requestId: string, logger: Logger): WireAnswer {
  const error = toSluiceError(thrown);
  if (OF_ALL.includes(error.code)) throw error;
  // The other items have their records already: a fault of ours in one must not take their answers away.
  if (!(thrown instanceof SluiceError)) logger.error({ requestId, route: '/allowed/bulk', code: error.code, error: describeError(thrown) }, 'item failed');
  const reason = error instanceof BadMember ? `${error.place.slice(2).join('.') || 'the item'} ${error.message}` : error.message;
  return { allow: false, result: false, debug: { code: error.code, reason } };
}
