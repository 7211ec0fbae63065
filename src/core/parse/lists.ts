import { SluiceError } from '../errors.ts';
import { EVENT_NAME } from './paths.ts';
import { countPaths, MAX_FIELDS, MAX_PATH_BYTES } from './payload.ts';

export const invalid = (message: string): SluiceError => new SluiceError('request_invalid', message);

/** Distinct, at least one. @throws {SluiceError} `request_invalid`, or `too_large` (J32). */
export function readPaths(value: unknown, key: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(`${key} must be a list of at least one string`);
  if (value.length > MAX_FIELDS) throw new SluiceError('too_large', `${key}: more than ${MAX_FIELDS}`);
  const list = readStrings(value, key);
  const paths = countPaths();
  let repeated = false;
  for (const path of list) if (!paths.add(path)) repeated = true;
  if (paths.tooLong) throw invalid(`${key}: a path of more than ${MAX_PATH_BYTES} bytes`);
  if (repeated) throw invalid(`${key} names something twice`);
  return list;
}

export function readCategories(value: unknown, key: string): readonly string[] {
  const list = readPaths(value, key);
  if (!list.includes(EVENT_NAME)) return list;
  throw invalid(`${key}: ${EVENT_NAME} is no category, but the event's name: it is judged with the event by itself`);
}

export function readStrings(list: readonly unknown[], key: string): readonly string[] {
  const strings: string[] = [];
  // Not list.map: it passes over holes, and takes longer.
  for (const element of list) {
    if (typeof element !== 'string' || element === '' || !element.isWellFormed()) {
      throw invalid(`${key} must be a list of strings, none of them empty or with a lone surrogate`);
    }
    strings.push(element);
  }
  return strings;
}
