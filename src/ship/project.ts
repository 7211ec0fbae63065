import { splitPath } from '../core/parse/paths.ts';

/** What may happen to a field of a record: it leaves as it is, as a keyed hash, or not at all. */
export type Leave = 'whole' | 'hashed' | 'stays';

/** What may leave of a record; by member. */
export interface Mask {
  readonly leave?: Leave;
  readonly below: ReadonlyMap<string, Mask>;
}

export interface Projected {
  readonly record: Readonly<Record<string, unknown>>;
  readonly withheld: readonly string[];
  readonly masked: readonly string[];
}

/** @param leaves by declared path; a path stands for all that is below it, the elements of a list for the list. */
export function createMask(leaves: Iterable<readonly [string, Leave]>): Mask {
  interface Growing { leave?: Leave; readonly below: Map<string, Growing> }
  const root: Growing = { below: new Map() };
  for (const [path, leave] of leaves) {
    let node = root;
    for (const segment of splitPath(path.replaceAll('[]', ''))) {
      const next: Growing = node.below.get(segment) ?? { below: new Map() };
      node.below.set(segment, next);
      node = next;
    }
    node.leave = leave;
  }
  return root;
}

/**
 * What of a record may leave: what the mask doesn't name stays.
 * @param hash what `hashed` makes of a text.
 */
export function project(record: Readonly<Record<string, unknown>>, mask: Mask, hash: (text: string) => string): Projected {
  const withheld = new Set<string>();
  const masked = new Set<string>();

  function take(value: unknown, node: Mask | undefined, path: string): unknown {
    if (node?.leave === 'whole') return value;
    if (node?.leave === 'hashed') return hashed(value, path);
    if (isEmpty(value)) return undefined; // nothing to tell
    if (node === undefined || node.leave === 'stays') return stays(path);
    if (Array.isArray(value)) return value.map((element) => take(element, node, path)).filter((element) => element !== undefined);
    if (typeof value === 'string') return take(value, node.below.get(namedBy(value)), path);
    if (typeof value !== 'object' || value === null) return stays(path);
    return membersOf(value, node, `${path}.`);
  }

  function membersOf(value: object, node: Mask, prefix: string): Record<string, unknown> {
    const members = Object.entries(value).map(([name, member]) => [name, take(member, node.below.get(name), `${prefix}${name}`)] as const);
    return Object.fromEntries(members.filter(([, member]) => member !== undefined));
  }

  function hashed(value: unknown, path: string): unknown {
    if (Array.isArray(value)) return value.map((element) => hashed(element, path)).filter((element) => element !== undefined);
    if (typeof value !== 'string') return stays(path);
    masked.add(path);
    return hash(value);
  }

  function stays(path: string): undefined {
    withheld.add(path);
  }

  return { record: membersOf(record, mask, ''), withheld: [...withheld], masked: [...masked] };
}

const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** Which field of the event the name of an identity is: `identity.user`, `identity.program`, `identity.unknown` (J30). */
function namedBy(identity: string): 'user' | 'program' | 'unknown' {
  if (identity.startsWith('?')) return 'unknown';
  return identity.startsWith('user:') ? 'user' : 'program';
}
