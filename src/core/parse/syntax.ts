const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** What may stand next. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end';

/**
 * Where `text` stops being JSON; undefined if it is. Without recursion and without a tree, so that a text of any depth
 * takes a byte a level: for one that is too deep for `JSON.parse` to be let near it.
 *
 * @param depth the most brackets that are open at once.
 */
export function findSyntaxError(text: string, depth: number): number | undefined {
  const reading: Reading = { text, open: new Uint8Array(depth), level: 0, expected: 'value' };
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    const next = STEPS[reading.expected](reading, at);
    if (next === undefined) return at;
    at = next;
  }
  return reading.level === 0 && reading.expected === 'comma or end' ? undefined : text.length;
}

interface Reading {
  readonly text: string;
  /** By level what is open. */
  readonly open: Uint8Array;
  level: number;
  expected: Expected;
}

/** Goes over what stands at `at`, if it may; returns where it goes on. */
type Step = (reading: Reading, at: number) => number | undefined;

const STEPS: Readonly<Record<Expected, Step>> = {
  value: (reading, at) => {
    const char = reading.text[at];
    if (char === '{' || char === '[') {
      reading.open[reading.level] = char === '{' ? OBJECT : LIST;
      reading.level += 1;
      reading.expected = char === '{' ? 'key or }' : 'value or ]';
      return at + 1;
    }
    reading.expected = 'comma or end';
    return char === '"' ? endOfText(reading.text, at) : endOfScalar(reading.text, at);
  },
  'value or ]': (reading, at) => (reading.text[at] === ']' ? close(reading, at) : STEPS.value(reading, at)),
  key: (reading, at) => {
    reading.expected = 'colon';
    return endOfText(reading.text, at);
  },
  'key or }': (reading, at) => (reading.text[at] === '}' ? close(reading, at) : STEPS.key(reading, at)),
  colon: (reading, at) => {
    reading.expected = 'value';
    return reading.text[at] === ':' ? at + 1 : undefined;
  },
  'comma or end': (reading, at) => {
    if (reading.level === 0) return undefined;
    const inObject = reading.open[reading.level - 1] === OBJECT;
    if (reading.text[at] === (inObject ? '}' : ']')) return close(reading, at);
    reading.expected = inObject ? 'key' : 'value';
    return reading.text[at] === ',' ? at + 1 : undefined;
  },
};

function close(reading: Reading, at: number): number {
  reading.level -= 1;
  reading.expected = 'comma or end';
  return at + 1;
}

const OBJECT = 1;
const LIST = 2;

export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
// [ and {, ] and }
export const isOpening = (code: number): boolean => (code | 0x20) === 0x7b;
export const isClosing = (code: number): boolean => (code | 0x20) === 0x7d;

/** The offset of the first unit that is no white space of JSON's. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  for (;; at += 1) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
  }
}

/** The offset of the closing quote of the string that starts at `start`, or the end of the text. */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text[before - 1] === '\\') before -= 1;
    if ((at - before) % 2 === 0) return at;
  }
  return text.length;
}

/** The offset behind the number that starts at `start`, if it is one. */
export function endOfNumber(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    const code = text.charCodeAt(at);
    // . + - e E
    if (!isDigit(code) && code !== 0x2e && code !== 0x2b && code !== 0x2d && (code | 0x20) !== 0x65) return at;
  }
}

function endOfText(text: string, start: number): number | undefined {
  if (text[start] !== '"') return undefined;
  const end = endOfString(text, start) + 1;
  try {
    JSON.parse(text.slice(start, end));
    return end;
  } catch {
    return undefined;
  }
}

function endOfScalar(text: string, start: number): number | undefined {
  SCALAR.lastIndex = start;
  return SCALAR.test(text) ? SCALAR.lastIndex : undefined;
}
