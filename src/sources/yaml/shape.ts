import type { z } from 'zod';
import { didYouMean } from '../../core/suggest.ts';
import type { RawFile } from './files.ts';
import type { At, Problem, Report } from './problems.ts';
import { ENTRY_DEPTH, KINDS, type Kind, type Value } from './schemas.ts';

/** A file, and of what it says as much as has its kind's shape. */
export interface Source<K extends Kind = Kind> extends RawFile {
  readonly kind: K;
  readonly value?: Value<K>;
  /** All of it has its shape. */
  readonly whole: boolean;
}

/** Compares a file with the schema of its kind. An entry with a mistake is left out of `value`, the others stay. */
export function shape(file: RawFile): { readonly source: Source; readonly problems: readonly Problem[] } {
  const parsed = parse(file.kind, file.raw);
  if (parsed.success) return { source: { ...file, value: parsed.data, whole: true }, problems: [] };
  const { issues } = parsed.error;
  const rest = parse(file.kind, without(file.raw, issues.flatMap((issue) => entryOf(issue, ENTRY_DEPTH[file.kind]))));
  return {
    source: { ...file, ...(rest.success && { value: rest.data }), whole: false },
    problems: issues.flatMap((issue) => explain(issue, file.report)),
  };
}

/** A part of a file by a schema of its own, or its mistakes; `at` leads to it. */
export function shapePart<T>(schema: z.ZodType<T>, raw: unknown, { report, at }: { readonly report: Report; readonly at: At }): { readonly value?: T; readonly problems: readonly Problem[] } {
  const parsed = schema.safeParse(raw, { error: wording, reportInput: true });
  if (parsed.success) return { value: parsed.data, problems: [] };
  return { problems: parsed.error.issues.flatMap((issue) => explain({ ...issue, path: [...at, ...issue.path] }, report)) };
}

type Issue = z.core.$ZodIssue;
type Step = string | number;

const known = new WeakMap<readonly string[], readonly string[]>();

function parse(kind: Kind, raw: unknown) {
  return (KINDS[kind] as z.ZodType<Value<Kind>>).safeParse(raw, { error: wording, reportInput: true });
}

const stepsOf = (path: readonly PropertyKey[]): readonly Step[] => path.filter((step): step is Step => typeof step !== 'symbol');

/** Where to cut so that the mistake is gone: the entry, or keys of the file that are not known. */
function entryOf(issue: Issue, depth: number): readonly (readonly Step[])[] {
  const steps = stepsOf(issue.path);
  return issue.code === 'unrecognized_keys' && steps.length < depth ? issue.keys.map((key) => [...steps, key]) : [steps.slice(0, depth)];
}

function without(raw: unknown, cuts: readonly (readonly Step[])[]): unknown {
  const copy: unknown = structuredClone(raw);
  for (const cut of cuts) {
    const parent = cut.slice(0, -1).reduce<unknown>((value, step) => (value as Record<Step, unknown> | undefined)?.[step], copy);
    if (typeof parent === 'object' && parent !== null && !Array.isArray(parent)) delete (parent as Record<Step, unknown>)[cut.at(-1)!];
  }
  return copy;
}

function explain(issue: Issue, report: Report): readonly Problem[] {
  const at = stepsOf(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => report([...at, key], `${key} is not known here${didYouMean(key, known.get(issue.keys) ?? [])}`, 'key'));
    case 'invalid_key':
      return [report(at, `${String(at.at(-1))}: ${issue.issues[0]?.message ?? issue.message}`, 'key')];
    case 'invalid_union': {
      const branch = branchOf(issue.errors);
      if (branch === undefined) return [report(at, issue.message)];
      return branch.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }, report));
    }
    default:
      return [report(at, issue.input === undefined && at.length > 0 ? `${String(at.at(-1))} is missing` : issue.message)];
  }
}

/** The mistakes of the one alternative that was meant, if its kind of value tells. */
function branchOf(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const meant = branches.filter((issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0));
  return meant.toSorted((a, b) => a.length - b.length)[0];
}

const TYPES: Readonly<Record<string, string>> = { object: 'a map', record: 'a map', array: 'a list', int: 'a whole number', string: 'a string', number: 'a number', boolean: 'true or false', null: 'nothing' };

function typeOf(value: unknown): string {
  if (value === null) return 'nothing';
  return Array.isArray(value) ? 'a list' : TYPES[typeof value] ?? typeof value;
}

function wording(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys':
      known.set(issue.keys as readonly string[], namesOf(issue.inst));
      return undefined;
    case 'invalid_type':
      return `must be ${TYPES[String(issue.expected)] ?? String(issue.expected)}, not ${typeOf(issue.input)}`;
    case 'invalid_value': {
      const values = (issue.values as readonly unknown[]).map(String);
      return `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}${typeof issue.input === 'string' ? didYouMean(issue.input, values) : ''}`;
    }
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int' ? `must be at least ${String(issue.minimum)}` : `must have at least ${String(issue.minimum)} ${issue.origin === 'array' ? 'elements' : 'characters'}`;
    case 'too_big':
      return `must have at most ${String(issue.maximum)} characters`;
    default:
      return undefined;
  }
}

/** The keys that a map may have. */
function namesOf(inst: z.core.$ZodRawIssue['inst']): readonly string[] {
  const { shape: keys, keyType } = (inst?._zod.def ?? {}) as { shape?: object; keyType?: z.core.$ZodType };
  return keys === undefined ? [...keyType?._zod.values ?? []].map(String) : Object.keys(keys);
}
