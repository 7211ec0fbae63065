import { SluiceError } from '../../core/errors.ts';
import { importDefinitions, OtherFile, type ImportedEvent } from './definitions.ts';
import { createDocuments } from './documents.ts';
import { isVersion, type Place } from './names.ts';
import { TextError } from './text.ts';
import { readDefinition, walk, type Candidate } from './walk.ts';
import { LOSES, writeImported, type SkippedEvent, type WriteOptions } from './write.ts';

export interface ImportProgress {
  readonly file: string;
  /** Files done, this one included. */
  readonly done: number;
  readonly total: number;
}

export interface ImportOptions extends WriteOptions {
  /** Plain schemas are named by their whole path, and not by their file alone. */
  readonly byPath?: boolean;
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportReport {
  /** Files that were read and have definitions, or should. */
  readonly files: number;
  /** Files that can't be definitions, by name or content. */
  readonly others: number;
  /** Events that could be read. Each is written or skipped. */
  readonly events: number;
  readonly fields: number;
  /** Below `outDir`. */
  readonly written: readonly string[];
  readonly skipped: readonly SkippedEvent[];
  /** Files, or definitions in them, that could not be read; the others are imported all the same. */
  readonly failed: readonly Failure[];
  /** What was left out of an event that was imported (`loses`), or read otherwise than it stands there. */
  readonly warnings: readonly {
    readonly file: string;
    readonly event?: string;
    readonly message: string;
    readonly loses: boolean;
  }[];
  /** Nothing was left out, and there is something. */
  readonly whole: boolean;
}

interface Failure {
  readonly file: string;
  /** From 1, where the text can't be read. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

const MAX_EVENTS = 100_000;
const MAX_FIELDS = 1_000_000;

/** Files of other tools, for whose content nobody needs to be told. */
const TOOLS =
  /^(?:package(?:-lock)?|npm-shrinkwrap|[jt]sconfig(?:\..+)?|lerna|nx|turbo|angular|composer|deno|biome|tslint)\.json$/;
const TOOLS_IN_YAML = /^(?:pnpm-lock|(?:docker-)?compose(?:\..+)?|mkdocs)\.ya?ml$/;

/**
 * Imports the definitions in files and folders, and writes one YAML file an event into `outDir/events`. `source` is the
 * path below the folder given. Every definition is written, or in `skipped` or `failed`.
 *
 * @throws when a path does not exist or `outDir` can't be written.
 * @throws {SluiceError} `request_invalid` for over 50,000 files, 100,000 events or 1,000,000 fields.
 */
export async function importFiles(
  paths: readonly string[],
  outDir: string,
  { byPath = false, onProgress, ...options }: ImportOptions = {},
): Promise<ImportReport> {
  const { candidates, failed, others } = await walk(paths, outDir);
  const found: Found = { events: [], failed: [...failed], parts: [], notes: [], others, fields: 0 };
  const documents = createDocuments(candidates);
  for (const [index, candidate] of candidates.entries()) {
    await importOne(candidate, { byPath, origin: documents.originOf(candidate) }, found);
    onProgress?.({ file: candidate.place.file, done: index + 1, total: candidates.length });
  }
  // What only others refer to is a part of them, and no event that was left out.
  const { true: used = [], false: unused = [] } = Object.groupBy(
    found.parts,
    ({ candidate }) => `${documents.isUsed(candidate)}`,
  );
  found.others += used.length;
  found.failed.push(...unused.map(({ failure }) => failure));
  const { events } = found;
  const written = await writeImported(events, outDir, options);
  const said = (kind: 'losses' | 'notes', loses: boolean) =>
    events.flatMap((event) =>
      event[kind].map((message) => ({ file: event.source, event: event.name, message, loses })),
    );
  const warnings = [
    ...found.notes.map((note) => ({ ...note, loses: false })),
    ...said('notes', false),
    ...said('losses', true),
  ];
  const isWhole =
    events.length > 0 &&
    found.failed.length === 0 &&
    !warnings.some(({ loses }) => loses) &&
    !written.skipped.some(({ reason }) => LOSES[reason]);
  return {
    files: candidates.length - (found.others - others),
    others: found.others,
    events: events.length,
    fields: found.fields,
    ...written,
    failed: found.failed.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0)),
    warnings,
    whole: isWhole,
  };
}

interface Found {
  readonly events: ImportedEvent[];
  readonly failed: Failure[];
  /** Files without an event in them. */
  readonly parts: { readonly candidate: Candidate; readonly failure: Failure }[];
  readonly notes: { readonly file: string; readonly message: string }[];
  others: number;
  fields: number;
}

async function importOne(candidate: Candidate, more: Pick<Place, 'byPath' | 'origin'>, found: Found): Promise<void> {
  const { path, place, isNamed } = candidate;
  const { file } = place;
  const name = file.replace(/^.*\//, '');
  const isTools = TOOLS.test(name) || TOOLS_IN_YAML.test(name);
  try {
    const text = await readText(path, !isNamed && !name.includes('.') && !isVersion(name));
    const { events, left, notes } = importDefinitions(text, { ...place, ...more });
    found.events.push(...events);
    found.failed.push(...left.map((message) => ({ file, message })));
    found.notes.push(...notes.map((message) => ({ file, message })));
    found.fields += events.reduce((sum, { fields }) => sum + fields.length, 0);
  } catch (error) {
    if (!isNamed && (isTools || error instanceof OtherFile)) found.others += 1;
    else if (error instanceof SluiceError) found.parts.push({ candidate, failure: toFailure(file, error) });
    else found.failed.push(toFailure(file, error));
  }
  if (found.events.length > MAX_EVENTS)
    throw new SluiceError('request_invalid', `over ${MAX_EVENTS} events: import the folders below one by one`);
  if (found.fields > MAX_FIELDS)
    throw new SluiceError('request_invalid', `over ${MAX_FIELDS} fields: import the folders below one by one`);
}

/** @param maybeOther a licence or a makefile has no extension either: of such files only JSON counts. */
async function readText(path: string, maybeOther: boolean): Promise<string> {
  const text = await readDefinition(path).catch((error: unknown) => {
    throw maybeOther ? new OtherFile('request_invalid', 'no text', { cause: error }) : error;
  });
  if (maybeOther && !/^\s*[[{]/.test(text)) throw new OtherFile('request_invalid', 'no JSON');
  return text;
}

function toFailure(file: string, error: unknown): Failure {
  if (error instanceof TextError) return { file, line: error.line, column: error.column, message: error.message };
  if (error instanceof SluiceError) return { file, message: error.message };
  const { code } = error as { code?: string };
  if (code === undefined) throw error;
  return { file, message: `the file cannot be read (${code})` };
}
