import { isReasonCode, type ReasonCode } from '../core/reason-codes.ts';
import { OBLIGATION_OPS, type Obligation } from '../core/facts.ts';
import type { Rule } from '../core/decide/rulings.ts';
import { checkHeads, nameOf, type RuleNode } from './heads.ts';
import { checkReferences, type Term } from './references.ts';
import { OWN } from './sources.ts';

/** The part of `opa inspect -a` that rules are described by. */
export interface Inspected {
  readonly annotations?: readonly {
    readonly annotations: { readonly title?: string; readonly custom?: Readonly<Record<string, unknown>> };
    readonly location: { readonly file: string; readonly row: number };
    readonly path: readonly { readonly value: string }[];
  }[];
}

const COLLECTOR = 'egress/decision.rego';

interface Module {
  readonly package: { readonly path: readonly Term[] };
  readonly imports?: readonly { readonly path: { readonly value: readonly Term[] } }[];
  readonly rules?: readonly RuleNode[];
}

/** One rule for each annotated `rulings["id"]`. Call after `checkContract` found nothing. */
export function toRules(inspected: Inspected): readonly Rule[] {
  return described(inspected).map(({ id, title, custom, location }) => ({
    id,
    title,
    effect: custom['effect'] === 'require' ? 'require' : 'forbid',
    code: custom['code'] as ReasonCode,
    message: custom['message'] as string,
    fix: custom['fix'] as string,
    judges: custom['judges'] === 'result' ? 'result' : 'both',
    obligations: (custom['obligations'] ?? []) as Obligation[],
    ...(custom['review'] !== undefined && { review: custom['review'] as string }),
    location,
  }));
}

/** Files of tests that hold what is no test: nobody would build, judge or find it. */
export function checkTests(modules: readonly { readonly file: string; readonly module: unknown }[]): readonly string[] {
  return modules.flatMap(({ file, module }) => {
    const { package: named, rules = [] } = module as Module;
    const name = String(named.path.at(-1)?.value);
    if (!name.endsWith('_test')) return [`${file}:1: the file is called a test, and its package ${name} is none: rules in it would never count. Call the package ${name}_test, or the file otherwise`];
    return rules.filter((rule) => nameOf(rule) === 'rulings').slice(0, 1).map(({ location }) => `${file}:${location?.row ?? 1}: rulings in a file of tests would never count: put them into a file whose name doesn't end in _test`);
  });
}

/** What breaks the contract between rules and host, as `file:row: what` (design, section 4). */
export function checkContract(modules: readonly { readonly file: string; readonly module: unknown }[], inspected: Inspected): readonly string[] {
  const rules = described(inspected);
  const seen = new Map<string, string>();
  const twice = rules.flatMap(({ id, location }) => {
    const first = seen.get(id);
    seen.set(id, location);
    return first === undefined ? [] : [`${location}: the rule ${id} has METADATA at ${first} too; ids are unique`];
  });
  return [
    ...modules.flatMap(({ file, module }) => checkModule(file, module as Module, seen)),
    ...twice,
    ...stray(inspected),
    ...rules.flatMap(({ id, title, custom, location }) => checkMetadata(id, title, custom).map((problem) => `${location}: ${problem}`)),
  ];
}

/** METADATA of a rule on any other head: a misspelt `rulings` would never be judged, and its forbid fail open. */
function stray({ annotations = [] }: Inspected): readonly string[] {
  return annotations.flatMap(({ annotations: { custom }, location, path }) => {
    const [, , rules, ...rest] = path.map(({ value }) => value);
    const head = rest[rest[0] === 'own' ? 2 : 1];
    if (rules !== 'rules' || custom?.['code'] === undefined || head === 'rulings') return [];
    return [`${fileOf(location)}:${location.row}: METADATA with a code stands on ${head ?? 'the package'}, not on rulings["id"]: it would never be judged`];
  });
}

function described({ annotations = [] }: Inspected) {
  return annotations.flatMap(({ annotations: { title = '', custom = {} }, location, path }) => {
    const [, , , ...rest] = path.map(({ value }) => value);
    const [kind, id] = rest.slice(rest[0] === 'own' ? 2 : 1);
    return kind === 'rulings' ? [{ id: id ?? '', title, custom, location: `${fileOf(location)}:${location.row}` }] : [];
  });
}

function checkModule(file: string, module: Module, rules: ReadonlyMap<string, string>): readonly string[] {
  const imports = (module.imports ?? []).map(({ path }) => path.value.map(({ value }) => String(value)).join('.'));
  return [
    ...checkPackage(file, module),
    ...(imports.includes('rego.v2') ? [] : [`${file}:1: import rego.v2 is missing: without it a forbid fails open on a missing fact`]),
    ...checkReferences(file, module),
    ...(file === COLLECTOR ? [] : checkHeads(file, module.rules ?? [], new Set(rules.keys()))),
  ];
}

function checkPackage(file: string, module: Module): readonly string[] {
  if (file.startsWith(OWN) && file.slice(OWN.length).includes('/')) return []; // its place is told
  const [, own, name] = /^egress\/rules\/(own\/)?([\w-]+)\.rego$/.exec(file) ?? [];
  if (name === undefined && file !== COLLECTOR) return [`${file}:1: rules stand in egress/rules/<name>.rego, or in policies/rules/<name>.rego (letters, digits, _ and -)`];
  if ((own === undefined ? 'own' : 'rulings') === name) return [`${file}:1: a file of rules can't be called ${name}: that name has a meaning of its own; choose another`];
  const wanted = file === COLLECTOR ? 'egress' : `egress.rules.${own === undefined ? '' : 'own.'}${name}`;
  const found = module.package.path.slice(1).map(({ value }) => String(value)).join('.');
  return found === wanted ? [] : [`${file}:1: the package must be ${wanted}: helpers of two files of one package would OR their exemptions`];
}

function checkMetadata(id: string, title: string, custom: Readonly<Record<string, unknown>>): readonly string[] {
  const known = ['effect', 'code', 'message', 'fix', 'judges', 'obligations', 'review'];
  const { effect = 'forbid', judges = 'both', code, message, fix, review, obligations = [] } = custom;
  const ops: readonly unknown[] = Array.isArray(obligations) ? obligations.map((o: unknown) => (o as { op?: unknown } | null)?.op) : [undefined];
  const rules: readonly (readonly [boolean, string])[] = [
    [/^[a-z0-9][a-z0-9-]*$/.test(id), 'its id is lower-case letters, digits and dashes'],
    [title !== '', 'METADATA lacks a title'],
    [isReasonCode(code), 'METADATA custom.code is no reason code; one of your own begins with x_ and stands in codes.yaml'],
    [typeof message === 'string' && message !== '', 'METADATA lacks custom.message'],
    [typeof fix === 'string' && fix !== '', 'METADATA lacks custom.fix'],
    [[message, fix].every((text) => placeholdersOf(text).every((name) => PLACEHOLDERS.includes(name))), `message and fix may hold ${PLACEHOLDERS.join(', ')} alone in braces`],
    [effect === 'forbid' || effect === 'require', 'METADATA custom.effect is forbid or require'],
    [judges === 'both' || judges === 'result', 'METADATA custom.judges is result, or absent'],
    [ops.every((op) => OBLIGATION_OPS.some((known) => known === op && known !== 'scope_destinations')), 'METADATA custom.obligations names an unknown op'],
    [effect === 'require' ? (review !== undefined) !== (ops.length > 0) : review === undefined && ops.length === 0, 'a require has either custom.obligations or custom.review, a forbid neither'],
    [Object.keys(custom).every((key) => known.includes(key)), `METADATA custom has a key other than ${known.join(', ')}`],
  ];
  return rules.filter(([holds]) => !holds).map(([, problem]) => `rule ${id}: ${problem}`);
}

/** What an answer fills in: see core/decide/reasons.ts. */
const PLACEHOLDERS: readonly string[] = ['{fields}', '{path}', '{rule}'];
const placeholdersOf = (text: unknown): readonly string[] => String(text).match(/\{[^{}]*\}/g) ?? [];

/** As seen from the folder of the rules; opa names it from the bundle's root. */
const fileOf = ({ file }: { readonly file: string }) => file.replace(/^\//, '');
