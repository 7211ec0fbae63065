import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { refuseStrangersAt } from '../files/access.ts';

const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const MAX_BYTES = 64 * 1024;

const RECEIVER = {
  /** Id in vendors.yaml: a sink is a vendor. */
  vendor: z.string().min(1).max(256),
  environment: z.string().min(1).max(256),
  purpose: z.string().min(1).max(256).optional(),
};

const isLocal = (host: string) => host === 'localhost' || host === '[::1]' || host === '::1' || host.startsWith('/') || /^127(\.\d{1,3}){3}$/.test(host);

const Address = z.url({ protocol: /^https?$/ }).refine((url) => {
  const { protocol, hostname, username, password, search, hash } = new URL(url);
  return (protocol === 'https:' || isLocal(hostname)) && `${username}${password}${search}${hash}` === '';
}, 'must be https (http on this machine alone), without user, password and query: a token goes into tokenFile');

const SinkEntry = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('postgres'), ...RECEIVER,
    host: z.string().min(1).max(256), port: z.int().min(1).max(65_535).default(5432), database: z.string().min(1).max(63), user: z.string().min(1).max(63),
    passwordFile: z.string().min(1).optional(), caFile: z.string().min(1).optional(),
    table: z.string().regex(/^[a-z_][a-z0-9_]{0,40}$/, 'must be small letters, digits and _, at most 41').optional(),
  }),
  z.strictObject({ type: z.literal('opa'), ...RECEIVER, url: Address, tokenFile: z.string().min(1).optional() }),
  z.strictObject({ type: z.literal('stdout'), ...RECEIVER }),
], 'type must be postgres, opa or stdout');
const SinksFile = z.strictObject({ sinks: z.record(z.string().regex(NAME, 'a sink\'s name is small letters, digits and -, at most 32'), SinkEntry) });

/** A sink as it is configured. Paths are absolute. */
export type SinkSpec = z.infer<typeof SinkEntry> & { readonly name: string };

/**
 * The sinks that a file names. It holds no secret: those lie in files of their own, which are looked at here already.
 *
 * @throws {Error} with every mistake, by file and line.
 */
export function readSinks(file: string): readonly SinkSpec[] {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { version: '1.2', schema: 'core', lineCounter: lines, prettyErrors: false, resolveKnownTags: false });
  const placed = (offset: number, message: string) => `${file}:${lines.linePos(offset).line}: ${message}`;
  const broken = document.errors.map(({ pos, message }) => placed(pos[0], message));
  visit(document, { Alias: (_, { range }) => { broken.push(placed(range?.[0] ?? 0, 'aliases are not taken: write it out')); } });
  if (broken.length > 0) throw new Error(broken.join('\n'));
  const parsed = SinksFile.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!parsed.success) throw new Error(parsed.error.issues.map((issue) => placed(offsetOf(document, issue.path), `${issue.path.join('.')}: ${mistakeOf(issue)}`)).join('\n'));
  const beside = (name: string | undefined) => (name === undefined ? undefined : path.resolve(path.dirname(file), name));
  const specs = Object.entries(parsed.data.sinks).map(([name, spec]): SinkSpec => {
    if (spec.type === 'postgres') return { name, ...spec, passwordFile: beside(spec.passwordFile), caFile: beside(spec.caFile) };
    return spec.type === 'opa' ? { name, ...spec, tokenFile: beside(spec.tokenFile) } : { name, ...spec };
  });
  if (specs.filter(({ type }) => type === 'stdout').length > 1) throw new Error(`${file}: standard output is one sink: two would mix their lines`);
  for (const spec of specs) checkFiles(spec);
  return specs;
}

function mistakeOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  return issue.code === 'invalid_type' && issue.message.endsWith('undefined') ? 'is missing' : issue.message;
}

function checkFiles(spec: SinkSpec): void {
  if (spec.type === 'postgres' && spec.passwordFile !== undefined) readSecret(spec.passwordFile);
  if (spec.type === 'postgres' && spec.caFile !== undefined) readText(spec.caFile);
  if (spec.type === 'opa' && spec.tokenFile !== undefined) readSecret(spec.tokenFile);
}

/** Where the nearest that is there of what a path names begins. */
function offsetOf(document: ReturnType<typeof parseDocument>, at: readonly PropertyKey[]): number {
  for (let depth = at.length; depth >= 0; depth -= 1) {
    const node = document.getIn(at.slice(0, depth), true) as { readonly range?: readonly number[] } | undefined;
    if (node?.range?.[0] !== undefined) return node.range[0];
  }
  return 0;
}

export function readText(file: string): string {
  try {
    if (statSync(file).size > MAX_BYTES) throw new Error(`${file}: over ${MAX_BYTES} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : new Error(`${file}: can't be read (${code})`, { cause: error });
  }
}

/** One line of text. @throws {Error} naming the file, when it is not there, empty, or readable by others. */
export function readSecret(file: string): string {
  const text = readText(file).trim();
  refuseStrangersAt(file);
  if (text === '' || /[\r\n]/.test(text)) throw new Error(`${file}: must hold one line, the secret`);
  return text;
}

/** Where a sink sends to; undefined for standard output. */
export function addressOf(spec: SinkSpec): { readonly host: string; readonly secure: boolean } | undefined {
  if (spec.type === 'stdout') return undefined;
  if (spec.type === 'postgres') return { host: spec.host, secure: needsTls(spec.host) || spec.caFile !== undefined };
  const { protocol, hostname } = new URL(spec.url);
  return { host: hostname, secure: protocol === 'https:' };
}

/** On this machine nobody listens in. */
export const needsTls = (host: string) => !isLocal(host);
