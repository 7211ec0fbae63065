/** A term of `opa parse`, with its place. */
export interface Term {
  readonly type: string;
  readonly value: unknown;
  readonly location?: { readonly row: number };
}

/** One evaluator for all conditions, by the paths that the conditions name; the host knows those from the grants. */
const READS_BY_PATH = 'egress/rules/conditions.rego';

/**
 * What a module reads in a way that fails open: of `data` there is nothing but the rules at run time, and of `input` the
 * host gives those attributes alone that rules name (J30).
 */
export function checkReferences(file: string, module: unknown): readonly string[] {
  return termsOf(module).filter(({ type }) => type === 'ref').flatMap(({ value, location }) => {
    const [root, ...steps] = value as readonly Term[];
    const problem = root?.type === 'var' ? problemOf(String(root.value), steps, file) : undefined;
    return problem === undefined ? [] : [`${file}:${location?.row ?? 1}: ${problem}`];
  });
}

function problemOf(root: string, [first, second]: readonly Term[], file: string): string | undefined {
  const named = first?.type === 'string';
  if (root === 'input' && !named && file !== READS_BY_PATH) return 'a rule names what it reads, as in input.identity.attributes.team: of the whole input it would not get every attribute';
  if (root !== 'data' || (named && first.value === 'egress' && second?.value === 'rules')) return undefined;
  return `data${named ? `.${String(first.value)}` : ''} is empty when a question is judged: a rule reads input alone, and facts stand in policies/`;
}

/** Every term of the module's imports and rules, in their order. */
function termsOf(module: unknown): readonly Term[] {
  const { imports = [], rules = [] } = module as { readonly imports?: readonly object[]; readonly rules?: readonly object[] };
  const found: Term[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isTerm(node)) found.push(node);
    for (const member of Object.values(node)) walk(member);
  };
  for (const part of [...imports, ...rules]) walk(part);
  return found;
}

const isTerm = (node: object): node is Term => typeof (node as { type?: unknown }).type === 'string' && 'value' in node;
