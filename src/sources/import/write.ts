import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Document, YAMLMap } from 'yaml';
import type { ImportedEvent } from './definitions.ts';
import type { ImportedField } from './leaves.ts';

export interface SkippedEvent {
  /** Below `outDir`. */
  readonly file: string;
  readonly event: string;
  /**
   * `exists`: the file was there before; `twice`: the same name and version came earlier in this import; `name`: it is
   * over 256 characters, so no question can name it.
   */
  readonly reason: 'exists' | 'twice' | 'name';
}

/** Files are relative to `outDir`. */
export interface Written {
  readonly written: readonly string[];
  readonly skipped: readonly SkippedEvent[];
}

export interface WriteOptions {
  /** Overwrite files that exist, and what people wrote into them. */
  readonly force?: boolean;
}

const MAX_NAME = 256;
const MAX_SLUG = 80;

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
  const slug = id.toLowerCase().replace(/[^a-z0-9._-]+/g, '-').replace(/^[.-]+|[.-]+$/g, '').slice(0, MAX_SLUG);
  const plain = slug !== '' && slug === name && version === '1'; // `a-2` in version 1 is not `a` in version 2
  const hash = createHash('sha256').update(JSON.stringify([name, version])).digest('hex').slice(0, 8);
  return plain ? `${slug}.yaml` : `${slug || 'event'}-${hash}.yaml`;
}

/**
 * Writes one file an event into `outDir/events`, which is made when missing. Without `force` no file that exists is
 * touched; with it, still no event of this import overwrites another one.
 */
export async function writeImported(events: readonly ImportedEvent[], outDir: string, { force = false }: WriteOptions = {}): Promise<Written> {
  const written = new Set<string>();
  const skipped: SkippedEvent[] = [];
  await mkdir(join(outDir, 'events'), { recursive: true });
  for (const event of events) {
    const file = `events/${fileNameOf(event)}`;
    const flaw = event.name.length > MAX_NAME ? 'name' : written.has(file) ? 'twice' : undefined;
    const reason = flaw ?? (await create(join(outDir, file), toYaml(event), force));
    if (reason === undefined) written.add(file);
    else skipped.push({ file, event: event.name, reason });
  }
  return { written: [...written], skipped };
}

async function create(path: string, text: string, force: boolean): Promise<'exists' | undefined> {
  try {
    await writeFile(path, text, { flag: force ? 'w' : 'wx' });
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
    throw error;
  }
}
