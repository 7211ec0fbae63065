/**
 * The path grammar: keys from the payload's root, joined by dots; every element of a list stands under `[]`.
 * `properties.plan`, `items[].sku`, `matrix[][]`. A dot, bracket, star or backslash inside a key is escaped by a
 * backslash, so that no key can pass for a path (J22). In a declared path a bare `*` is a dynamic key: any one key.
 */

/** The path of an event's own name (J24). No payload key is written like it. */
export const EVENT_NAME = '$event';

/** A key as it stands in a path. Keys that differ stay different. */
export function escapeKey(key: string): string {
  if (key === EVENT_NAME) return `\\${key}`;
  return /[.[\]*\\]/.test(key) ? key.replace(/[.[\]*\\]/g, '\\$&') : key;
}

/** The key that `escapeKey` was given. */
export function unescapeKey(escaped: string): string {
  return escaped.includes('\\') ? escaped.replace(/\\(.)/gs, '$1') : escaped;
}

/** The path of a member of the object at `parent`; undefined is the payload itself, which is not the empty key. */
export function joinPath(parent: string | undefined, key: string): string {
  return parent === undefined ? escapeKey(key) : `${parent}.${escapeKey(key)}`;
}

/** The segments as written, with their escapes and `[]`: joined by dots they are the path again, whatever it is. */
export function splitPath(path: string): readonly string[] {
  if (!path.includes('\\')) return path.split('.');
  const segments: string[] = [];
  let start = 0;
  for (let at = 0; at < path.length; at += 1) {
    const char = path[at];
    if (char === '\\') at += 1;
    else if (char === '.') {
      segments.push(path.slice(start, at));
      start = at + 1;
    }
  }
  return [...segments, path.slice(start)];
}

interface Node {
  readonly literal: Map<string, Node>;
  /** Dynamic keys, by what follows the `*`: nothing, `[]`, `[][]`, … */
  readonly dynamic: Map<string, Node>;
  declared?: string;
}

const newNode = (): Node => ({ literal: new Map(), dynamic: new Map() });

/**
 * Finds the declared path that a path meets: `config.*` meets `config.theme`, but neither `config.a.b` nor
 * `config.list[]`. Of several the one that is literal further to the left. Undefined: none. A match takes at most one
 * visit of each declared segment.
 */
export function compilePatterns(declared: Iterable<string>): (path: string) => string | undefined {
  const root = toTree(declared);
  if (root.literal.size + root.dynamic.size === 0) return () => undefined;
  return (path) => find(root, splitPath(path), 0);
}

/** All declared paths that a path meets, in the order in which `compilePatterns` prefers them. */
export function compileMatches(declared: Iterable<string>): (path: string) => readonly string[] {
  const root = toTree(declared);
  return (path) => findAll(root, splitPath(path), 0);
}

function toTree(declared: Iterable<string>): Node {
  const root = newNode();
  for (const path of declared) {
    let node = root;
    for (const segment of splitPath(path)) {
      const lists = /^\*((?:\[\])*)$/.exec(segment)?.[1];
      node = childOf(lists === undefined ? node.literal : node.dynamic, lists ?? segment);
    }
    node.declared = path;
  }
  return root;
}

function childOf(children: Map<string, Node>, name: string): Node {
  const child = children.get(name) ?? newNode();
  children.set(name, child);
  return child;
}

function find(node: Node, segments: readonly string[], index: number): string | undefined {
  const segment = segments[index];
  if (segment === undefined) return node.declared;
  const literal = node.literal.get(segment);
  const found = literal && find(literal, segments, index + 1);
  if (found !== undefined || node.dynamic.size === 0) return found;
  const lists = listsOf(segment);
  const dynamic = lists === undefined ? undefined : node.dynamic.get(lists);
  return dynamic && find(dynamic, segments, index + 1);
}

function findAll(node: Node, segments: readonly string[], index: number): readonly string[] {
  const segment = segments[index];
  if (segment === undefined) return node.declared === undefined ? [] : [node.declared];
  const lists = node.dynamic.size === 0 ? undefined : listsOf(segment);
  const next = [node.literal.get(segment), lists === undefined ? undefined : node.dynamic.get(lists)];
  return next.flatMap((child) => (child === undefined ? [] : findAll(child, segments, index + 1)));
}

/** The paths of the objects and lists around a declared path, the outermost first: of `a.b[].c` they are `a`, `a.b` and `a.b[]`. */
export function containersOf(path: string): readonly string[] {
  const containers: string[] = [];
  let around = '';
  for (const segment of splitPath(path)) {
    const key = segment.replace(/(?:\[\])+$/, '');
    for (let at = around + key; at.length <= around.length + segment.length; at += '[]') containers.push(at);
    around += `${segment}.`;
  }
  // The last one is the path itself.
  return containers.slice(0, -1);
}

/** The `[]` at the end of a segment; undefined for one that no payload gives, such as a bare `*` or the event's own name. */
function listsOf(segment: string): string | undefined {
  let end = segment.length;
  while (segment.endsWith('[]', end)) end -= 2;
  const key = segment.slice(0, end);
  return escapeKey(unescapeKey(key)) === key ? segment.slice(end) : undefined;
}

/**
 * Whether `name` fits `pattern`, in which each `*` is any run of characters, also an empty one. Taking each part at its
 * first place is enough, so there is no backtracking.
 */
export function matchName(pattern: string, name: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return name === pattern;
  if (!name.startsWith(head)) return false;
  let at = head.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at + tail.length <= name.length && name.endsWith(tail);
}
