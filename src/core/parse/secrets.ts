import { splitPath } from './paths.ts';

/** What gives a kind of secret away. Patterns are anchored at a literal and can't backtrack over what they passed. */
interface Detector {
  readonly name: string;
  readonly test: (text: string) => boolean;
}

const matches = (pattern: RegExp) => (text: string) => pattern.test(text);

// A password in a URL or an assignment that is itself a mask, a template or a word for "none" is no secret.
const MASK = String.raw`(?!\*|<|\[|\{|\$|\/|~|%[sdv{]|x{3}|\.{3}|redacted|masked|filtered|hidden|null\b|none\b|nil\b|undefined\b|true\b|false\b|required\b)`;

const DETECTORS: readonly Detector[] = [
  // Header and either a payload (signed) or an empty key and the rest (encrypted).
  { name: 'jwt', test: matches(/(?<![\w-])eyJ[\w-]{10,}\.(?:[\w-]{8,}\.|\.[\w-]{8,}\.)/) },
  { name: 'llm-api-key', test: matches(/(?<![\w-])sk-(?:(?:proj|svcacct|admin|ant|or|None)-[\w-]{16}|[A-Za-z0-9]{20})/) },
  { name: 'aws-access-key', test: matches(/(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])/) },
  { name: 'github-token', test: matches(/(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{30}|github_pat_\w{22})/) },
  { name: 'gitlab-token', test: matches(/(?<![\w-])gl(?:pat|dt|rt|ptt|cbt|agent|oas|soat)-[\w-]{20}/) },
  { name: 'slack-token', test: matches(/(?<![\w-])(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10}|hooks\.slack\.com\/services\/T\w{6}/) },
  { name: 'google-api-key', test: matches(/(?<![\w-])AIza[\w-]{35}/) },
  { name: 'stripe-key', test: matches(/(?<![A-Za-z0-9])(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{10}/) },
  { name: 'private-key', test: matches(/-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY/) },
  { name: 'npm-token', test: matches(/(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}/) },
  { name: 'sluice-token', test: matches(/(?<![A-Za-z0-9])slc_[\w-]{40}/) },
  { name: 'permit-key', test: matches(/(?<![A-Za-z0-9])permit_key_[A-Za-z0-9]{20}/) },
  { name: 'sendgrid-key', test: matches(/(?<![\w-])SG\.[\w-]{16,64}\.[\w-]{16}/) },
  // A long word may follow "bearer" in prose; a digit in it hardly does.
  { name: 'bearer-token', test: matches(/(?<![a-z])bearer\s{1,8}(?=[a-z._~+/-]{0,256}\d)[\w.~+/-]{20}|(?<![a-z])authorization["']?\s{0,8}[:=]\s{0,8}["']?basic\s{1,8}[a-z0-9+/]{8}/i) },
  { name: 'url-password', test: matches(new RegExp(String.raw`:\/\/[^\s/?#:@]{0,256}:${MASK}[^\s/?#@]{1,256}@`, 'i')) },
  {
    name: 'assigned-secret',
    // After a colon prose may follow, so there it must be quoted or hold a digit.
    test: matches(new RegExp(String.raw`(?:passw(?:or)?d|passphrase|(?<![a-z])pwd|(?:api|access|secret|private|account|auth)[_-]?key|secret|(?:access|auth|refresh|session|id|api)[_-]?token)["']?\s{0,8}`
      + String.raw`(?:=\s{0,8}["']?${MASK}[^\s"'&,;]{6}|:\s{0,8}["']${MASK}[^"']{6}|:\s{0,8}${MASK}(?=[^\s"'&,;\d]{0,64}\d)[^\s"'&,;]{8})`, 'i')),
  },
];

// One of these is in whatever a detector finds: most texts need no further look.
const HINT = /eyJ|sk-|A[KS]IA|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox[a-z]-|xapp-|hooks\.slack|AIza|[sr]k_|whsec_|-----BEGIN|npm_|slc_|SG\.|bearer|authorization|:\/\/|passw|passphrase|pwd|[_-]?key|secret|token/i;

const NONE: readonly string[] = [];
/** What is shorter holds no token, only an assignment or an address. */
const SHORTEST_TOKEN = 15;
const SHORTEST_BASE64 = 20;
const BASE64 = /[\w+/-]{20,}(?:\r?\n[\w+/-]+)*/g;

/**
 * The names of the detectors that find a secret in `text`, in the order of the table: in the text itself, in the text
 * without its JSON or percent escapes, and in the base64 in it (each decoded once). Linear in the length of the text.
 */
export function findSecrets(text: string): readonly string[] {
  if (text.length < SHORTEST_TOKEN && !/[:=]/.test(text)) return NONE;
  let found: Set<string> | undefined;
  for (const reading of readings(text)) {
    if (!HINT.test(reading)) continue;
    for (const { name, test } of DETECTORS) if (test(reading)) found = (found ?? new Set()).add(name);
  }
  return found === undefined ? NONE : DETECTORS.flatMap(({ name }) => (found.has(name) ? [name] : []));
}

/** A path as a sentence may quote it, which people copy into tickets: `…` in the place of a key that is a secret. */
export function withoutSecrets(path: string): string {
  if (findSecrets(path).length === 0) return path;
  const shown = splitPath(path).map((key) => (findSecrets(key).length === 0 ? key : '…')).join('.');
  return findSecrets(shown).length === 0 ? shown : '…';
}

function readings(text: string): readonly string[] {
  const all = [text];
  if (/[\\%]/.test(text)) all.push(withoutEscapes(text));
  if (!hasBase64(text)) return all;
  for (const [run] of text.matchAll(BASE64)) {
    if (!hasBase64(run)) continue;
    // Something may stand before the base64 without a break, such as the rest of a URL's path.
    for (let skip = 0; skip < 4; skip += 1) all.push(Buffer.from(run.slice(skip), 'base64').toString('latin1'));
  }
  return all;
}

/** Whether there is a run of base64 that is long enough, with letters of both cases: so no UUID and no hash in hex. */
function hasBase64(text: string): boolean {
  let run = 0;
  let kinds = 0;
  for (let at = 0; at < text.length; at += 1) {
    const kind = KINDS[text.charCodeAt(at)] ?? 0;
    run = kind === 0 ? 0 : run + 1;
    kinds = kind === 0 ? 0 : kinds | kind;
    if (run >= SHORTEST_BASE64 && (kinds & BOTH_CASES) === BOTH_CASES) return true;
  }
  return false;
}

const BOTH_CASES = 6;
/** By ASCII code: 0 is no base64, bit 1 a capital, bit 2 a small letter. */
const KINDS = Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (/[A-Z]/.test(char)) return 2;
  if (/[a-z]/.test(char)) return 4;
  return /[\w+/-]/.test(char) ? 1 : 0;
});

// Text that was put into a JSON string or a URL: of other characters than ASCII no secret is made.
function withoutEscapes(text: string): string {
  return text
    .replace(/(?:\\u00|%)([2-7][0-9a-f])/gi, (_escape, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/\\[nrtbf]/g, ' ')
    .replaceAll('\\', '');
}
