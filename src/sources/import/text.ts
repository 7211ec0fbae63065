import { LineCounter, parseDocument } from 'yaml';
import { BETTER, isTooDense, MAX_INDICATORS, OPTIONS } from '../yaml/document.ts';
import { createReader, type Lenient } from '../yaml/raw.ts';
import { MAX_TWICE, readJson, TextError, twice, unite, type ReadText } from './json.ts';

export { TextError };

/**
 * Reads JSON, or YAML 1.2 where the name ends with `.yaml` or `.yml`, or where it says nothing and the text begins with
 * neither `{` nor `[`.
 *
 * @throws {TextError} with the place.
 */
export function readText(text: string, name: string): ReadText {
  const plain = text.replace(/^\uFEFF/, '');
  const format = isYaml(plain, name) ? 'YAML' : 'JSON';
  try {
    return format === 'YAML' ? readYaml(plain) : readJson(plain);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    throw new TextError(`not ${format}: ${error.message}`, error);
  }
}

function isYaml(text: string, name: string): boolean {
  if (/\.ya?ml$/i.test(name)) return true;
  return !/\.json(?:schema)?$/i.test(name) && !/^\s*[[{]/.test(text);
}

function readYaml(text: string): ReadText {
  if (isTooDense(text))
    throw new TextError(`the file has over ${MAX_INDICATORS} keys and values: split it`, { line: 1, column: 1 });
  const lines = new LineCounter();
  const document = parseDocument(text, { ...OPTIONS, lineCounter: lines });
  const placeOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const wrong = document.errors[0] ?? document.warnings[0];
  if (wrong !== undefined) throw new TextError(BETTER[wrong.code] ?? wrong.message, placeOf(wrong.pos[0]));
  const notes = new Set<string>();
  const complain = (offset: number, message: string) => {
    throw new TextError(message, placeOf(offset));
  };
  const lenient: Lenient = {
    twice: (offset, key, [before, after]) => {
      notes.add(twice(key, placeOf(offset)));
      if (notes.size > MAX_TWICE) complain(offset, `over ${MAX_TWICE} keys stand twice`);
      return unite(before, after);
    },
  };
  return { value: createReader(complain, { lenient })(document.contents), notes: [...notes] };
}
