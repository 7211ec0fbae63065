import type { Response } from 'express';
import type { Asked, Together } from '../../pdp.ts';
import type { HttpObserver } from '../metrics.ts';
import type { Reply } from '../reply.ts';
import { createBudget, type Budget } from './budget.ts';
import { stream } from './stream.ts';
import type { Turns } from './turns.ts';

/** Many questions in one body. Each item is a question of its own, and what is wrong with it is its answer (J26). */
export interface Batch<Q> {
  /** Each gives its question, or throws its error. */
  readonly items: readonly (() => Q)[];
  /** Of a question. */
  readonly fieldsOf: (question: Q) => number;
  /** The answer as JSON. It is judged, and what waits for the log is queued, before this returns. */
  readonly ask: (question: Q, asked: Required<Pick<Asked, 'together' | 'onJudged'>>) => Promise<string>;
  /** The answer for an error as JSON; throws where there is to be none for the whole. */
  readonly failed: (thrown: unknown) => string;
}

export interface BatchDeps {
  readonly turns: Turns;
  readonly together: () => Together;
}

/**
 * The answers in the order of the items. They are judged a turn at a time, no faster than they are taken and than the
 * log takes them; those of one turn share a group commit, and become durable while those of the next are judged.
 */
export async function* answerInTurns<Q>(batch: Batch<Q>, deps: BatchDeps): AsyncGenerator<string, void> {
  const { turns, together: begin } = deps;
  const { items } = batch;
  const budget = createBudget();
  const together = begin();
  let before: readonly Promise<string>[] = [];
  for (let at = 0; at < items.length;) {
    await together.relief();
    const turn = await turns.take();
    const present: Promise<string>[] = [];
    do present.push(answer(items[at++]!, batch, { together, budget })); while (at < items.length && !turn.isOver());
    yield* before;
    before = present;
  }
  yield* before;
}

interface Spending {
  readonly together: Together;
  readonly budget: Budget;
}

function answer<Q>(item: () => Q, { fieldsOf, ask, failed }: Batch<Q>, { together, budget }: Spending): Promise<string> {
  const answered = (async () => {
    const question = item();
    budget.take(fieldsOf(question));
    return ask(question, { together, onJudged: budget.answered });
  })().catch(failed);
  answered.catch(() => {}); // when an earlier one breaks the whole off, nobody waits for this one
  return answered;
}

/** So much of an answer is sent at once. */
const CHUNK = 64 * 1024;

export interface AnswerList {
  readonly head: string;
  readonly answers: AsyncGenerator<string, void>;
  readonly tail: string;
}

export interface SendDeps {
  readonly reply: Reply;
  readonly observer: HttpObserver;
}

/** A JSON list in chunks; what is left is returned, which is all for a short one. */
async function* inChunks({ head, answers, tail }: AnswerList): AsyncGenerator<string, string> {
  let [text, separator] = [head, ''];
  for await (const one of answers) {
    text += separator + one;
    separator = ',';
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  return text + tail;
}

async function* after(first: string, rest: AsyncGenerator<string, string>): AsyncGenerator<string> {
  yield first;
  yield yield* rest;
}

/** Sends a short list as a whole, and streams a long one. */
export async function sendList(res: Response, list: AnswerList, { reply, observer }: SendDeps): Promise<void> {
  const chunks = inChunks(list);
  const first = await chunks.next();
  if (first.done === true) return reply(res, 200, first.value);
  await stream(res, after(first.value, chunks), { type: 'application/json; charset=utf-8', observer });
}
