import type { IncomingMessage } from 'node:http';
import { parseFrame, parseItem, putTogether, takeApart, Unread, type ItemsForm } from '../../core/parse/items.ts';
import { parseJson, Unreadable } from '../../core/parse/json.ts';
import { BATCH_LIMIT, BODY_LIMIT, readBytes, SMALL_BODY, toText } from '../body.ts';
import type { Turns } from './turns.ts';

/** As `readJson`, of one question; a long one in a turn of its own. @throws as `readJson`. */
export async function readQuestion(req: IncomingMessage, turns: Turns): Promise<unknown> {
  const body = await readBytes(req, BODY_LIMIT);
  if (body.length > SMALL_BODY) await turns.take();
  return parseJson(toText(body), 'question');
}

/**
 * As `readJson`, of a body with a list of items, each by `readItem`; a long one is read a turn at a time.
 * @throws as `readJson`.
 */
export async function readItems(req: IncomingMessage, form: ItemsForm, turns: Turns): Promise<unknown> {
  const body = await readBytes(req, BATCH_LIMIT);
  if (body.length <= SMALL_BODY) return parseJson(toText(body), form);
  let turn = await turns.take();
  const breathe = async () => {
    if (turn.isOver()) turn = await turns.take();
  };
  const taking = takeApart(toText(body), form);
  let step = taking.next();
  for (; step.done !== true; step = taking.next()) await breathe();
  const parts = step.value;
  const items: unknown[] = [];
  for (const item of parts.items) {
    await breathe();
    const read = parseItem(item, form);
    items.push(read instanceof Unreadable ? read : new Unread(item, form));
  }
  // Last, since what is no JSON at all is said before any other mistake.
  return putTogether(parseFrame(parts, form), items, form);
}
