import type { Fix } from '../core/answer.ts';
import type { Json } from '../core/facts.ts';
import { joinPath } from '../core/parse/paths.ts';

type Payload = Readonly<Record<string, Json>>;

/**
 * The payload without the fields that an answer's `fix.drop` names, and without every object, list and element of a
 * list that has nothing in it any more. Asked about again, what is left is allow or transform. The payload that is
 * given stays as it is; what is left of it is a copy.
 *
 * @param fix of the answer to a question with this very payload.
 */
export function applyFix(payload: Payload, { drop }: Pick<Fix, 'drop'>): Payload {
  const dropped = new Set(drop);
  return membersLeft(payload, undefined, dropped);
}

/** Undefined: nothing is left of it. */
function left(value: Json, path: string, dropped: ReadonlySet<string>): Json | undefined {
  const isEmpty = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
  if (isEmpty) return dropped.has(path) ? undefined : value;
  const inside = Array.isArray(value)
    ? elementsLeft(value as readonly Json[], path, dropped)
    : membersLeft(value as Payload, path, dropped);
  return Object.keys(inside).length === 0 ? undefined : inside;
}

const elementsLeft = (list: readonly Json[], path: string, dropped: ReadonlySet<string>): readonly Json[] => (
  list.map((element) => left(element, `${path}[]`, dropped)).filter((element) => element !== undefined)
);

function membersLeft(members: Payload, path: string | undefined, dropped: ReadonlySet<string>): Payload {
  return Object.fromEntries(Object.keys(members).flatMap((key) => {
    const value = left(members[key]!, joinPath(path, key), dropped);
    return value === undefined ? [] : [[key, value] as const];
  }));
}
