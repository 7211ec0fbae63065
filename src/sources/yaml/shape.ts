import type { z } from 'zod';
import { didYouMean } from '../../core/suggest.ts';
import type { RawFile } from './files.ts';
import type { At, Problem, Report } from './problems.ts';
import type { Respelt } from './raw.ts';
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
  const misread = misreadIn(file);
  if (parsed.success && misread.length === 0) {
    return { source: { ...file, value: parsed.data, whole: true }, problems: [] };
  }
  const depth = ENTRY_DEPTH[file.kind];
  const issues = parsed.error?.issues ?? [];
  const cuts = [...issues.flatMap((issue) => entryOf(issue, depth)), ...misread.map(({ at }) => at.slice(0, depth))];
  const rest = parse(file.kind, without(file.raw, cuts));
  const isSaid = new Set(misread.map(({ at }) => placeOf(at)));
  return {
    source: { ...file, ...(rest.success && { value: rest.data }), whole: false },
    problems: [
      ...misread.map(({ at, message }) => file.report(at, message)),
      ...issues.filter(({ path }) => !isSaid.has(placeOf(path))).flatMap((issue) => explain(issue, file.report)),
    ],
  };
}

/**
 * What is written `00123`, `1.0` or `True` and is a number or true to YAML, where a text may stand: nobody knows which
 * was meant. Where only a number may stand, any spelling of it will do.
 */
function misreadIn(file: RawFile): readonly { readonly at: readonly Step[]; readonly message: string }[] {
  const { kind, raw, respelt } = file;
  if (respelt.length === 0) return [];
  const set = (text: (one: Respelt) => unknown) => {
    for (const one of respelt) (one.holder as Record<Step, unknown>)[one.key] = text(one);
  };
  set(({ source }) => source);
  const refused = new Set(parse(kind, raw).error?.issues.flatMap(innermost).map(placeOf));
  set(({ value }) => value);
  return placesOf(raw, respelt).filter(({ at }) => !refused.has(placeOf(at))).map(({ at, source, value }) => {
    const meaning = value === null ? 'nothing' : typeof value === 'number' ? `the number ${value}` : String(value);
    return { at, message: `${source} is ${meaning} to YAML: write '${source}' in quotes, or ${String(value)}` };
  });
}

/** Where these scalars stand: what an alias repeats, in each place. */
function placesOf(raw: unknown, respelt: readonly Respelt[]): readonly (Respelt & { readonly at: readonly Step[] })[] {
  const byHolder = Map.groupBy(respelt, ({ holder }) => holder);
  const places: (Respelt & { readonly at: readonly Step[] })[] = [];
  const walk = (value: unknown, at: readonly Step[]): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const one of byHolder.get(value) ?? []) places.push({ ...one, at: [...at, one.key] });
    for (const [key, member] of Object.entries(value)) walk(member, [...at, Array.isArray(value) ? Number(key) : key]);
  };
  walk(raw, []);
  return places;
}

/** The places of a mistake, within the alternative that was meant. */
function innermost({ path, ...issue }: Issue): readonly (readonly Step[])[] {
  const at = stepsOf(path);
  const branch = issue.code === 'invalid_union' ? branchOf(issue.errors) : undefined;
  if (branch === undefined) return [at];
  return branch.flatMap((inner) => innermost({ ...inner, path: [...at, ...inner.path] }));
}

const placeOf = (path: readonly PropertyKey[]) => stepsOf(path).join('\0');

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
  const isWhole = (issues: readonly Issue[]) => Number(issues.some(({ path }) => path.length === 0));
  return meant.toSorted((a, b) => isWhole(a) - isWhole(b) || a.length - b.length)[0];
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
      return `must be ${TYPES[String(issue.expected)] ?? String(issue.expected)}, not ${typeOf(issue.input)}`
        + quoting(issue);
    case 'invalid_value': {
      const values = (issue.values as readonly unknown[]).map(String);
      return `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`
        + (typeof issue.input === 'string' ? didYouMean(issue.input, values) : quotingOf(issue.input, values));
    }
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int' ? `must be at least ${String(issue.minimum)}` : `must have at least ${String(issue.minimum)} ${issue.origin === 'array' ? 'elements' : 'characters'}`;
    case 'too_big':
      return `must have at most ${String(issue.maximum)} characters`;
    default:
      return undefined;
  }
}

/** A text that YAML reads as something else. */
function quoting({ expected, input }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidType>): string {
  if (expected !== 'string') return '';
  if (Array.isArray(input)) return ': quote it, if it is a text in brackets';
  return typeof input === 'number' || typeof input === 'boolean' ? `: write '${input}' in quotes` : '';
}

function quotingOf(input: unknown, values: readonly string[]): string {
  const isText = input === null || typeof input === 'number' || typeof input === 'boolean';
  return isText && values.includes(String(input)) ? `: write '${input}' in quotes` : '';
}

/** The keys that a map may have. */
function namesOf(inst: z.core.$ZodRawIssue['inst']): readonly string[] {
  const { shape: keys, keyType } = (inst?._zod.def ?? {}) as { shape?: object; keyType?: z.core.$ZodType };
  return keys === undefined ? [...keyType?._zod.values ?? []].map(String) : Object.keys(keys);
}
