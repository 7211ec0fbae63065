import { readFileSync, statSync } from 'node:fs';
import { FILES, type Origin } from './references.ts';
import { readText } from './text.ts';
import { MAX_FILE_BYTES, type Candidate } from './walk.ts';

export interface Documents {
  /** For the references of a file that is imported. */
  originOf(candidate: Candidate): Origin;
  /** Whether a reference of another file led here: such a file need not be an event. */
  isUsed(candidate: Candidate): boolean;
}

/** All that references lead to, of one import, is at most so many UTF-16 units. */
const MAX_UNITS = 64 * 1024 * 1024;
/** An address may leave out what the file's name ends with. */
const ENDINGS = ['', '.json', '.yaml', '.yml'];

/**
 * The files that are imported, for references from one to another: by their places below their folder, and no others.
 */
export function createDocuments(candidates: readonly Candidate[]): Documents {
  const byAddress = new Map(candidates.map((candidate) => [addressOf(candidate), candidate]));
  const read = new Map<Candidate, unknown>();
  let units = 0;
  const load = (address: string): unknown => {
    const candidate = ENDINGS.map((ending) => byAddress.get(address + ending)).find((found) => found !== undefined);
    if (candidate === undefined || units > MAX_UNITS) return undefined;
    if (!read.has(candidate)) {
      const text = textOf(candidate.path);
      units += text.length;
      read.set(candidate, valueOf(text, candidate.place.file));
    }
    return read.get(candidate);
  };
  return {
    originOf: (candidate) => ({ address: addressOf(candidate), load }),
    isUsed: (candidate) => read.has(candidate),
  };
}

/** As a reference of the same name comes out. */
const addressOf = ({ root, place: { file } }: Candidate) =>
  new URL(`${FILES}//r${root}/${file.replace(/[%?#\\]/g, encodeURIComponent)}`).href;

// What is wrong with a file is said where it is imported itself.
function textOf(path: string): string {
  try {
    return statSync(path).size > MAX_FILE_BYTES ? '' : readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function valueOf(text: string, file: string): unknown {
  try {
    return readText(text, file).value;
  } catch {
    return undefined;
  }
}
