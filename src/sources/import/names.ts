import type { Origin } from './references.ts';

type Json = Readonly<Record<string, unknown>>;

/** Where a definition stands, and what may name it. */
export interface Place {
  /** The path below the folder that is imported, with slashes. */
  readonly file: string;
  /** The name of that folder. */
  readonly folder?: string;
  /** The whole path names the event, and not the file alone. */
  readonly byPath?: boolean;
  /** What references to other files are relative to; absent: to none. */
  readonly origin?: Origin;
}

export interface Head {
  readonly name: string;
  readonly version: string;
}

/** `1-0-0`, `1.0.0`, `v2`, `1.0.0-rc.1`, `2026-11-22`. */
const VERSION = /^v?(\d+(?:[.-]\d+)*(?:[-+.][0-9a-z.-]+)?)$/i;
/** Files that are called so are told apart by their folder alone. */
const GENERIC = /^(?:schema|index|event|definition|current|latest)$/i;
/** Iglu has a folder for the format: `vendor/name/jsonschema/1-0-0`. */
const FORMAT = 'jsonschema';

/**
 * What a schema that doesn't say it is called: as its file. A file that is called by its version, or as many others
 * are, gets the name of its folders; at the top that of its `$id`, of the folder itself, or its title.
 */
export function nameOf(schema: Json, { file, folder, byPath = false }: Place): Head {
  const steps = file.split(/[/\\]/).map((step, index, all) => (index < all.length - 1 ? step : withoutExtension(step)));
  const base = steps.at(-1) ?? '';
  const [version, isGeneric] = [versionOf(base), GENERIC.test(base)];
  if (version === undefined && !isGeneric) return { name: byPath ? steps.join('/') : base, version: '1' };
  const id = idOf(schema);
  const name = [pathOf(steps.slice(0, -1)), id?.name, folder, schema.title].find(isText)?.trim();
  return name === undefined || name === ''
    ? { name: base, version: '1' }
    : { name, version: version ?? id?.version ?? '1' };
}

/** Whether a file without an extension may be a schema: its name is a version. */
export const isVersion = (name: string): boolean => VERSION.test(name);

const versionOf = (text: string) => VERSION.exec(text)?.[1];

const pathOf = (steps: readonly string[]) => steps.filter((step) => step !== FORMAT && step !== '').join('/');

export const withoutExtension = (name: string): string =>
  name.replace(/(?:\.schema)?\.(?:json|ya?ml|jsonschema)$/i, '') || name;

/** `https://acme.example/checkout/1.0.0` and `urn:acme:checkout:1.0.0`, in parts. */
function idOf(schema: Json): { readonly name: string; readonly version?: string } | undefined {
  const id = [schema.$id, schema.id].find(isText);
  if (id === undefined) return undefined;
  const steps = id
    .replace(/#.*$/, '')
    .replace(/^urn:/i, '')
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '')
    .split(/[/:]/)
    .filter((step) => step !== '');
  const last = withoutExtension(steps.pop() ?? '');
  const version = versionOf(last);
  return { name: pathOf(version === undefined ? [...steps, last] : steps), ...(version !== undefined && { version }) };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
