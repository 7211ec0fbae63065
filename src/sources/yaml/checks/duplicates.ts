import type { Collector } from '../collect.ts';
import { membersOf } from '../names.ts';
import type { At, Problem } from '../problems.ts';
import { KINDS, type Kind } from '../schemas.ts';
import type { Source } from '../shape.ts';

interface Id {
  readonly id: string;
  readonly at: At;
  readonly what: string;
}

/** Ids that stand twice, over all files of a kind. Twice in one map: raw.ts. */
export function checkDuplicates(collector: Collector): readonly Problem[] {
  return (Object.keys(KINDS) as Kind[]).flatMap((kind) => {
    const seen = new Map<string, string>();
    return collector.sources(kind).flatMap((source) => idsOf(kind, source).flatMap(({ id, at, what }) => {
      const before = seen.get(id);
      if (before === undefined) seen.set(id, source.file);
      return before === undefined ? [] : [source.report(at, `${what} stands ${before === source.file ? 'here twice' : `in ${before} too`}: ids are unique`, 'key')];
    }));
  });
}

function idsOf(kind: Kind, { raw }: Source): readonly Id[] {
  const top = membersOf(raw)[kind];
  switch (kind) {
    case 'events':
      return eventIds(membersOf(raw));
    case 'purposes':
      return Object.entries(membersOf(top)).map(([index, purpose]) => ({ id: String(purpose), at: [kind, index], what: `the purpose ${String(purpose)}` }));
    case 'modes':
    case 'relations':
      return Object.entries(membersOf(top)).flatMap(([group, members]) => idsBelow([kind, group], members, kind === 'modes' ? 1 : 2));
    case 'transforms':
      return Object.entries(membersOf(top)).map(([index, line]) => ({ id: transformId(membersOf(line)), at: [kind, index], what: 'a line for this category, op and params' }));
    default:
      return idsBelow([kind], top, 1);
  }
}

function idsBelow(at: At, members: unknown, levels: number): readonly Id[] {
  if (Array.isArray(members)) return []; // tuples may repeat
  return Object.entries(membersOf(members)).flatMap(([key, member]) => (
    levels > 1 ? idsBelow([...at, key], member, levels - 1) : [{ id: JSON.stringify([...at, key]), at: [...at, key], what: `${at.slice(1).join(' ')} ${key}`.trim() }]
  ));
}

/** An event is found by its name and by `name@version`; several versions share the name. */
function eventIds({ event, version = '1' }: Readonly<Record<string, unknown>>): readonly Id[] {
  const name = String(event);
  return [{ id: `${name}@${String(version)}`, at: ['event'], what: `${name} version ${String(version)}` }];
}

const transformId = ({ category, op, params }: Readonly<Record<string, unknown>>) => JSON.stringify([category, op, Object.entries(membersOf(params)).sort(([a], [b]) => (a < b ? -1 : 1))]);
