type Json = Readonly<Record<string, unknown>>;

/** What a reference leads to, from the schema that it stands in; undefined: nothing that is imported. */
export type Resolve = (reference: string, from: unknown) => unknown;

/** Where a document stands, and how others are found beside it. */
export interface Origin {
  readonly address: string;
  /** The document at an address of this kind; undefined where none is imported. */
  readonly load: (address: string) => unknown;
}

const MAX_INDEXED = 500_000;

/** Begins the addresses of files, for references between identifiers that are no whole addresses. */
export const FILES = 'sluice-import:';

const ALONE: Origin = { address: `${FILES}/`, load: () => undefined };

/** Values, not schemas: what looks like an identifier in them is none. */
const VALUES: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples', 'example']);
/** Maps of schemas, in which `$id` or `default` is a name like others. */
const MAPS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);

/** What references of a schema are relative to. */
interface Base {
  readonly address: string;
  /** The document's own. */
  readonly file: string;
}

interface Index {
  readonly bases: Map<object, Base>;
  /** Schemas by address, and by address with the name of an anchor. */
  readonly schemas: Map<string, unknown>;
  /** Schemas by the name of an anchor alone. */
  readonly anchors: Map<string, unknown>;
}

/**
 * Finds schemas by JSON pointer, `$id` (draft 4: `id`) and anchor, in the document and in others that are imported with
 * it. A reference that leads nowhere by its address is looked for from the file, and from the document's root, as many
 * who wrote one meant it. Nothing is fetched, and no other file read.
 */
export function createResolver(root: unknown, { address: here, load }: Origin = ALONE): Resolve {
  const index: Index = { bases: new Map(), schemas: new Map(), anchors: new Map() };
  indexSchemas(root, here, index);
  const at = (reference: string, base: string): unknown => {
    const [address, fragment] = split(join(reference, base) ?? reference);
    if (address.startsWith(FILES) && !index.schemas.has(address)) indexSchemas(load(address), address, index);
    return byFragment(index.schemas.get(address), address, fragment, index);
  };
  return (reference, from) => {
    const { address, file } = (isObject(from) ? index.bases.get(from) : undefined) ?? { address: here, file: here };
    const found = at(reference, address) ?? at(reference, file);
    if (found !== undefined || !reference.startsWith('#')) return found;
    return byFragment(root, here, split(reference)[1], index) ?? index.anchors.get(split(reference)[1]);
  };
}

function byFragment(resource: unknown, address: string, fragment: string, { schemas }: Index): unknown {
  if (fragment === '' || fragment.startsWith('/'))
    return isSchema(resource) ? byPointer(resource, fragment) : undefined;
  return schemas.get(`${address}#${fragment}`);
}

// RFC 6901.
function byPointer(root: unknown, pointer: string): unknown {
  let at = root;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Json)[key];
  }
  return isSchema(at) ? at : undefined;
}

/** Goes through everything that may be a schema; the outermost first, so that of two with one address it counts. */
function indexSchemas(root: unknown, file: string, index: Index): void {
  const queue: { readonly value: unknown; readonly base: string; readonly isMap: boolean }[] = [
    { value: root, base: file, isMap: false },
  ];
  index.schemas.set(file, root);
  for (const { value, base, isMap } of queue) {
    if (typeof value !== 'object' || value === null || index.bases.has(value)) continue;
    if (index.bases.size === MAX_INDEXED) return;
    const own = isMap || Array.isArray(value) ? base : baseOf(value as Json, base, index);
    index.bases.set(value, { address: own, file });
    for (const [key, member] of Object.entries(value)) {
      if (isMap || !VALUES.has(key)) {
        queue.push({ value: member, base: own, isMap: !isMap && !Array.isArray(value) && MAPS.has(key) });
      }
    }
  }
}

/** The address that this schema gives itself, or the one around it; what it is called is noted. */
function baseOf(schema: Json, outer: string, { schemas, anchors }: Index): string {
  const note = (map: Map<string, unknown>, key: string) => void (map.has(key) || map.set(key, schema));
  let base = outer;
  for (const id of [schema.$id, schema.id].filter((name) => typeof name === 'string')) {
    const [address, anchor] = split(join(id, outer) ?? '');
    if (anchor !== '' && !anchor.startsWith('/'))
      for (const [map, key] of [
        [schemas, `${address}#${anchor}`],
        [anchors, anchor],
      ] as const)
        note(map, key);
    if (address === '' || id.startsWith('#')) continue;
    note(schemas, address);
    base = address;
  }
  for (const anchor of [schema.$anchor, schema.$dynamicAnchor].filter((name) => typeof name === 'string')) {
    note(schemas, `${base}#${anchor}`);
    note(anchors, anchor);
  }
  return base;
}

/** The whole address; undefined where it can't be one. */
function join(reference: string, base: string): string | undefined {
  return URL.canParse(reference, base) ? new URL(reference, base).href : undefined;
}

function split(address: string): readonly [address: string, fragment: string] {
  const at = address.indexOf('#');
  return at === -1 ? [address, ''] : [address.slice(0, at), decode(address.slice(at + 1))];
}

function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment; // a stray percent sign stands for itself
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isSchema = (value: unknown) => isObject(value) || typeof value === 'boolean';
