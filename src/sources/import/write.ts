import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Document, YAMLMap } from 'yaml';
import { parseText } from '../yaml/document.ts';
import { shape } from '../yaml/shape.ts';
import type { ImportedEvent } from './definitions.ts';
import { readExisting, type Existing } from './existing.ts';
import type { ImportedField } from './leaves.ts';

export interface SkippedEvent {
  /** Below `outDir`; where the event stands already, that file. */
  readonly file: string;
  readonly event: string;
  /** The file that it comes from. */
  readonly source: string;
  readonly reason: SkipReason;
  /** What is wrong, and what to do. */
  readonly message: string;
}

/**
 * `same`: an equal definition came before; `kept`: the event is there already, with all of these fields; `exists`: it
 * is there and lacks some; `twice`: another definition of its name and version came before; `invalid`: no policies can
 * have it.
 */
export type SkipReason = 'same' | 'kept' | 'exists' | 'twice' | 'invalid';

/** Whether something of the definition is nowhere then. */
export const LOSES: Readonly<Record<SkipReason, boolean>> = {
  same: false,
  kept: false,
  exists: true,
  twice: true,
  invalid: true,
};

/** Files are relative to `outDir`. */
export interface Written {
  readonly written: readonly string[];
  readonly skipped: readonly SkippedEvent[];
}

export interface WriteOptions {
  /** Overwrite files that exist, and what people wrote into them. */
  readonly force?: boolean;
}

const MAX_SLUG = 80;
/** Fields that a message names. */
const MAX_NAMED = 10;

const NOTE = ' Imported. A field without a category is denied: write one for each field that may leave.';

/** The event as a file of `policies/events/`, in the format of policies/README.md. Any name survives the way back. */
export function toYaml(event: ImportedEvent): string {
  const document = new Document({ event: event.name, version: event.version, kind: 'raw_event', source: event.source });
  document.commentBefore = NOTE;
  // A map of nodes and no object: a field may be called `__proto__`.
  const fields = new YAMLMap();
  for (const field of event.fields) fields.add(document.createPair(field.path, toEntry(field)));
  for (const { value } of fields.items) if (value instanceof YAMLMap) value.flow = true;
  document.set('fields', fields);
  return document.toString({ lineWidth: 120 });
}

function toEntry({ types, enum: values }: ImportedField): unknown {
  if (types.length === 0 && values === undefined) return null;
  const type = types.length === 1 ? types[0] : types;
  return { category: null, ...(types.length > 0 && { type }), ...(values !== undefined && { enum: values }) };
}

/**
 * `<name>.yaml` for a name in version 1 of lower-case letters, digits, dots, hyphens and underscores. Any other name is
 * made one, with its version, and gets a hash: so `A b` and `a-b` stay apart, also where the file system ignores case.
 */
export function fileNameOf({ name, version }: Pick<ImportedEvent, 'name' | 'version'>): string {
  const id = version === '1' ? name : `${name}-${version}`;
  const slug = id
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, MAX_SLUG);
  const plain = slug !== '' && slug === name && version === '1'; // `a-2` in version 1 is not `a` in version 2
  const hash = createHash('sha256')
    .update(JSON.stringify([name, version]))
    .digest('hex')
    .slice(0, 8);
  return plain ? `${slug}.yaml` : `${slug || 'event'}-${hash}.yaml`;
}

/**
 * Writes one file an event into `outDir/events`, which is made when missing. Without `force` no file that exists is
 * touched; with it, still no event of this import overwrites another one. What no policies could load is not written.
 */
export async function writeImported(
  events: readonly ImportedEvent[],
  outDir: string,
  { force = false }: WriteOptions = {},
): Promise<Written> {
  const written: string[] = [];
  const skipped: SkippedEvent[] = [];
  const existing = await readExisting(outDir);
  const before = new Map<string, ImportedEvent>();
  const taken: Taken = {
    names: new Set([...existing.values()].map(({ name }) => name)),
    versions: new Set(existing.keys()),
  };
  await mkdir(join(outDir, 'events'), { recursive: true });
  for (const event of events) {
    const file = `events/${fileNameOf(event)}`;
    const text = toYaml(event);
    const skip =
      ofThisImport(event, before) ??
      notLoadable(event, text, taken) ??
      ofBefore(event, existing, force ? file : undefined);
    const reason =
      skip ??
      ((await create(join(outDir, file), text, force))
        ? undefined
        : { reason: 'exists', message: `${file} is there already, and is not this event` });
    if (reason === undefined) written.push(file);
    else skipped.push({ file, event: event.name, source: event.source, ...reason });
    if (reason?.reason === 'twice' || reason?.reason === 'invalid') continue;
    before.set(keyOf(event), event);
    taken.names.add(event.name);
    taken.versions.add(keyOf(event));
  }
  return { written, skipped };
}

/** An event is found by its name and by `name@version`: no other may be called so. */
interface Taken {
  readonly names: Set<string>;
  readonly versions: Set<string>;
}

type Skip = Pick<SkippedEvent, 'reason' | 'message'> & { readonly file?: string };

const keyOf = ({ name, version }: Pick<ImportedEvent, 'name' | 'version'>) => `${name}@${version}`;

const eventOf = ({ name, version }: ImportedEvent) => `${name} version ${version}`;

function ofThisImport(event: ImportedEvent, before: ReadonlyMap<string, ImportedEvent>): Skip | undefined {
  const first = before.get(keyOf(event));
  if (first === undefined || first.name !== event.name) return undefined;
  if (JSON.stringify(first.fields) === JSON.stringify(event.fields))
    return { reason: 'same', message: `${eventOf(event)} stands in ${first.source} too, with the same fields` };
  return {
    reason: 'twice',
    message:
      `${eventOf(event)} stands in ${first.source} too, with other fields: ` +
      'rename one of them, or name events by their paths (--by-path)',
  };
}

/** What is written must build: the loader itself says whether it does. */
function notLoadable(event: ImportedEvent, text: string, taken: Taken): Skip | undefined {
  const { raw, problems, ...parsed } = parseText('', text);
  const found = raw === undefined ? problems : shape({ kind: 'events', file: '', raw, ...parsed }).problems;
  const isVersion = taken.versions.has(event.name) || taken.names.has(keyOf(event));
  const message = found[0]?.message ?? (isVersion ? 'it is called as a version of another event' : undefined);
  return message === undefined
    ? undefined
    : { reason: 'invalid', message: `${JSON.stringify(event.name.slice(0, 100))} can be no event: ${message}` };
}

/** @param overwrites the file that may be written anew. */
function ofBefore(event: ImportedEvent, existing: Existing, overwrites: string | undefined): Skip | undefined {
  const found = existing.get(keyOf(event));
  if (found === undefined || found.file === overwrites) return undefined;
  const { file } = found;
  const lacks = event.fields.map(({ path }) => path).filter((path) => !found.paths.has(path));
  if (lacks.length === 0) return { file, reason: 'kept', message: `${file} has it already` };
  const named = `${lacks.slice(0, MAX_NAMED).join(', ')}${lacks.length > MAX_NAMED ? ', …' : ''}`;
  return { file, reason: 'exists', message: `${file} has it already, without ${lacks.length} of its fields: ${named}` };
}

async function create(path: string, text: string, force: boolean): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: force ? 'w' : 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
