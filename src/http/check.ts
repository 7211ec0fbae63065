import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { SluiceError } from '../core/errors.ts';
import { parseBatch, parsePermitted, parseQuestion } from '../core/parse/parse.ts';
import type { Pdp } from '../pdp.ts';
import { requirePower, type Authenticate } from './auth.ts';
import { answerInTurns, sendList, type BatchDeps } from './batch/answer.ts';
import { countFields } from './batch/budget.ts';
import { readItems, readQuestion } from './batch/read.ts';
import type { Turns } from './batch/turns.ts';
import { describeError, toSluiceError } from './errors.ts';
import type { HttpObserver } from './metrics.ts';
import type { Rate } from './rate.ts';
import { stateOf, type Reply } from './reply.ts';

export interface CheckDeps {
  readonly pdp: Pick<Pdp, 'check' | 'permitted'>;
  readonly authenticate: Authenticate;
  readonly rate: Rate;
  readonly reply: Reply;
  readonly logger: Logger;
  readonly turns: Turns;
}

export interface PostBatchDeps extends CheckDeps, BatchDeps {
  readonly observer: HttpObserver;
}

// In the order of J33: whoever asks too fast is told so before the body is read, and powers come after it, with the
// other reasons for 403.

/** A question with more fields than this takes some milliseconds, and waits for its turn. */
const MANY_FIELDS = 100;

export function postCheck({ pdp, authenticate, rate, reply, turns }: CheckDeps): RequestHandler {
  return async function check(req, res) {
    const caller = authenticate(req);
    rate.take(caller, 1);
    const question = parseQuestion(await readQuestion(req, turns));
    requirePower(caller, 'check');
    if ((question.fields ?? question.categories ?? question.payload!).length > MANY_FIELDS) await turns.take();
    const { json } = await pdp.check(question, { caller, requestId: stateOf(res).requestId });
    reply(res, 200, json);
  };
}

export function postPermitted({ pdp, authenticate, rate, reply, turns }: CheckDeps): RequestHandler {
  return async function permitted(req, res) {
    const caller = authenticate(req);
    rate.take(caller, 1);
    const question = parsePermitted(await readQuestion(req, turns));
    requirePower(caller, 'check');
    await turns.take(); // every category, or every field of the event
    const { json } = await pdp.permitted(question, { caller, requestId: stateOf(res).requestId });
    reply(res, 200, json);
  };
}

/** Each item is a question of its own; an item's error is its answer, and the whole is 200 (J26). */
export function postBatch({ pdp, authenticate, rate, logger, ...deps }: PostBatchDeps): RequestHandler {
  return async function batch(req, res) {
    const caller = authenticate(req);
    rate.take(caller, 1);
    const { items } = parseBatch(await readItems(req, 'batch', deps.turns));
    requirePower(caller, 'check');
    rate.take(caller, items.length - 1, 1);
    const { requestId } = stateOf(res);
    const answers = answerInTurns({
      items,
      fieldsOf: countFields,
      ask: async (question, more) => (await pdp.check(question, { caller, requestId, ...more })).json,
      failed(thrown) {
        const error = toSluiceError(thrown);
        // The other items have their records already: a fault of ours in one must not take their answers away.
        if (!(thrown instanceof SluiceError)) logger.error({ requestId, route: '/check/batch', code: error.code, error: describeError(thrown) }, 'item failed');
        return JSON.stringify({ error: { code: error.code, message: error.message } });
      },
    }, deps);
    await sendList(res, { head: '{"items":[', answers, tail: ']}' }, deps);
  };
}
