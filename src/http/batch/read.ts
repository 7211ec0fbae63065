import type { IncomingMessage } from 'node:http';
import { parseFrame, parseItem, putTogether, takeApart, type ItemsForm } from '../../core/parse/items.ts';
import { parseJson } from '../../core/parse/json.ts';
import { BATCH_LIMIT, readBytes, toText } from '../body.ts';
import type { Turns } from './turns.ts';

/** A body up to this is read at once, in some milliseconds. */
const SMALL = 64 * 1024;

/** As `readJson`, of a body with a list of items; a long one is read a turn at a time. @throws as `readJson`. */
export async function readItems(req: IncomingMessage, form: ItemsForm, turns: Turns): Promise<unknown> {
  const body = await readBytes(req, BATCH_LIMIT);
  if (body.length <= SMALL) return parseJson(toText(body), form);
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
    items.push(parseItem(item, form));
  }
  return putTogether(parseFrame(parts, form), items, form); // last: what is no JSON at all is said before any other mistake
}
