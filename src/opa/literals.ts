import { BUILT_INS } from './built-ins.ts';
import { membersIn, type Domain } from './domains.ts';
import {
  createFlow,
  domainsOf,
  eachOf,
  keyOf,
  makeSet,
  memberOf,
  rootOf,
  unify,
  type Flow,
  type Test,
} from './flow.ts';
import type { RuleNode } from './heads.ts';
import { INPUT_SHAPE } from './input-shape.ts';
import type { Term } from './references.ts';

/** A string that a rule compares with names of the catalogue or of a closed list. */
export interface Literal {
  readonly name: string;
  /** `file:row` */
  readonly location: string;
  /** Any of these kinds of names, as `KINDS` calls them. */
  readonly domains: readonly Domain[];
  readonly test: Test;
}

interface Module {
  readonly imports?: readonly { readonly path: { readonly value: readonly Term[] }; readonly alias?: string }[];
  readonly rules?: readonly RuleNode[];
}

/** Of what a clause's variables are, besides the file's rules. */
interface Scope {
  readonly file: ReadonlyMap<string, Flow>;
  readonly variables: Map<string, Flow>;
  readonly literals: Flow[];
}

/**
 * The strings of a file that are compared, by `==`, `!=`, `in`, a reference or the beginning of a text, with what the
 * input names; also through constants, variables and helpers of the file. Two values that a rule compares are taken for
 * one, so that what is known of either is known of both.
 */
export function literalsOf(file: string, module: unknown): readonly Literal[] {
  const { imports = [], rules = [] } = module as Module;
  const names = new Map<string, Flow>();
  const literals: Flow[] = [];
  for (const { path, alias } of imports) {
    const [root, ...steps] = path.value;
    const name = alias ?? String(path.value.at(-1)?.value);
    const flow = root?.value === 'input' ? createFlow(INPUT_SHAPE) : createFlow();
    names.set(
      name,
      steps.reduce((at, step) => memberOf(at, String(step.value)), flow),
    );
  }
  for (const { head } of rules) {
    const name = String(head.ref[0]?.value);
    if (!names.has(name)) names.set(name, createFlow());
  }
  for (const rule of rules) readRule(rule, names, literals);
  return found(file, literals);
}

function found(file: string, literals: readonly Flow[]): readonly Literal[] {
  const bySpot = new Map<string, Literal>();
  for (const root of new Set(literals.map(rootOf))) {
    const tests: readonly { readonly test: Test; readonly with: Flow }[] = [
      { test: 'equals', with: root },
      ...root.tests,
    ];
    for (const { test, with: other } of tests) {
      const domains = [...new Set(domainsOf(other))].sort();
      if (domains.length === 0) continue;
      // The members that there are need not be kept: there are many, and no fact changes them.
      const written = root.written.filter(({ value }) => !domains.some((domain) => membersIn(domain)?.includes(value)));
      for (const { value, row } of written)
        bySpot.set(JSON.stringify([row, value, test, domains]), {
          name: value,
          location: `${file}:${row}`,
          domains,
          test,
        });
    }
  }
  return [...bySpot.values()];
}

function readRule(rule: RuleNode, file: ReadonlyMap<string, Flow>, literals: Flow[]): void {
  const scope: Scope = { file, variables: new Map(), literals };
  const { head } = rule;
  const result = file.get(String(head.ref[0]?.value))!;
  readBody(rule.body ?? [], scope);
  // The ids of `rulings` are names of their own, and "*" is every profile.
  if (head.ref[0]?.value !== 'rulings') {
    const at = head.ref.slice(1).reduce((flow, step) => stepInto(flow, step, scope), result);
    head.args?.forEach((term, index) => unify(memberOf(result, `argument ${index}`), flowOf(term, scope)));
    if (head.key !== undefined && head.value === undefined) {
      makeSet(at);
      unify(eachOf(at), flowOf(head.key, scope));
    } else if (head.value !== undefined) {
      if (head.key !== undefined) unify(keyOf(at), flowOf(head.key, scope));
      unify(
        head.args === undefined ? (head.key === undefined ? at : eachOf(at)) : memberOf(result, 'result'),
        flowOf(head.value, scope),
      );
    }
  }
  if (rule.else !== undefined)
    readRule(
      { ...rule.else, head: { ...rule.else.head, ref: head.ref, ...(head.args !== undefined && { args: head.args }) } },
      file,
      literals,
    );
}

function readBody(body: readonly unknown[], scope: Scope): void {
  for (const expression of body) {
    const { terms, with: mocks } = expression as {
      readonly terms: unknown;
      readonly with?: readonly { readonly value: Term }[];
    };
    readTerms(terms, scope);
    for (const { value } of mocks ?? []) flowOf(value, scope);
  }
}

function readTerms(terms: unknown, scope: Scope): void {
  if (Array.isArray(terms)) return void call(terms as readonly Term[], scope);
  const { symbols, body, domain, key, value, type } = terms as {
    readonly symbols?: readonly Term[];
    readonly body?: readonly unknown[];
    readonly domain?: Term;
    readonly key?: Term | null;
    readonly value?: Term;
    readonly type?: string;
  };
  if (symbols !== undefined) return symbols.forEach((term) => void (term.type === 'call' && flowOf(term, scope)));
  if (domain !== undefined) {
    const flow = flowOf(domain, scope);
    if (key !== undefined && key !== null) unify(keyOf(flow), flowOf(key, scope));
    if (value !== undefined) unify(eachOf(flow), flowOf(value, scope));
    return readBody(body ?? [], scope);
  }
  if (body !== undefined && type === 'not') return readBody(body, scope);
  flowOf(terms as Term, scope);
}

/** What a term is, as far as it is known. */
function flowOf(term: Term, scope: Scope): Flow {
  const value = term.value as never;
  const read = READERS[term.type];
  return read === undefined ? createFlow() : read(value, scope, term);
}

const createWhole = () => Object.assign(createFlow(), { whole: true });

type Reader = (value: never, scope: Scope, term: Term) => Flow;

const READERS: Readonly<Record<string, Reader>> = {
  string(value: string, { literals }, { location }) {
    const flow = createFlow();
    flow.written.push({ value, row: location?.row ?? 1 });
    literals.push(flow);
    return flow;
  },
  var: (value: string, scope) => variable(value, scope),
  ref(value: readonly Term[], scope) {
    const [root, ...steps] = value;
    if (root === undefined) return createFlow();
    return steps.reduce((flow, step) => stepInto(flow, step, scope), flowOf(root, scope));
  },
  call: (value: readonly Term[], scope) => call(value, scope),
  array: (value: readonly Term[], scope) => {
    const flow = createWhole();
    value.forEach((term, index) => unify(memberOf(flow, String(index)), flowOf(term, scope)));
    return flow;
  },
  set(value: readonly Term[], scope) {
    const flow = createFlow();
    makeSet(flow);
    for (const term of value) unify(eachOf(flow), flowOf(term, scope));
    return flow;
  },
  object(value: readonly (readonly [Term, Term])[], scope) {
    const flow = createWhole();
    value.forEach(([key, member], index) => {
      unify(memberOf(flow, key.type === 'string' ? String(key.value) : `member ${index}`), flowOf(member, scope));
      unify(keyOf(flow), flowOf(key, scope));
    });
    return flow;
  },
  setcomprehension(value: { readonly term: Term; readonly body: readonly unknown[] }, scope) {
    const flow = createFlow();
    makeSet(flow);
    readBody(value.body, scope);
    unify(eachOf(flow), flowOf(value.term, scope));
    return flow;
  },
  arraycomprehension(value: { readonly term: Term; readonly body: readonly unknown[] }, scope) {
    const flow = createFlow();
    readBody(value.body, scope);
    unify(eachOf(flow), flowOf(value.term, scope));
    return flow;
  },
  objectcomprehension(value: { readonly key: Term; readonly value: Term; readonly body: readonly unknown[] }, scope) {
    const flow = createFlow();
    readBody(value.body, scope);
    unify(keyOf(flow), flowOf(value.key, scope));
    unify(eachOf(flow), flowOf(value.value, scope));
    return flow;
  },
};

function variable(name: string, { file, variables }: Scope): Flow {
  if (name === 'input') return createFlow(INPUT_SHAPE); // anew: what one comparison says of it, another need not
  const present = variables.get(name) ?? file.get(name);
  if (present !== undefined) return present;
  const fresh = createFlow();
  variables.set(name, fresh);
  return fresh;
}

function stepInto(flow: Flow, step: Term, scope: Scope): Flow {
  if (step.type !== 'string') {
    const key = flowOf(step, scope);
    if (step.type === 'number') return memberOf(flow, String(step.value));
    unify(keyOf(flow), key);
    return eachOf(flow);
  }
  unify(keyOf(flow), flowOf(step, scope));
  return memberOf(flow, String(step.value));
}

const callName = (operator: Term) => (operator.value as readonly Term[]).map(({ value }) => String(value)).join('.');

function call([operator, ...args]: readonly Term[], scope: Scope): Flow {
  if (operator?.type !== 'ref') return operator === undefined ? createFlow() : flowOf(operator, scope);
  const name = callName(operator);
  const flows = args.map((term) => flowOf(term, scope));
  const helper = scope.file.get(name);
  if (helper !== undefined) {
    flows.forEach((flow, index) => unify(flow, memberOf(helper, `argument ${index}`)));
    return memberOf(helper, 'result');
  }
  return BUILT_INS[name]?.(flows, args, (flow, step) => stepInto(flow, step, scope)) ?? createFlow();
}
