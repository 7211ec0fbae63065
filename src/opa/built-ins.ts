import { createFlow, eachOf, keyOf, makeSet, rootOf, unify, type Flow, type Test } from './flow.ts';
import type { Term } from './references.ts';

/** What a call gives, as far as it is known; on the way it tells what its operands have to do with each other. */
type BuiltIn = (
  flows: readonly Flow[],
  args: readonly Term[],
  step: (flow: Flow, step: Term) => Flow,
) => Flow | undefined;

const same: BuiltIn = ([a, b]) => {
  if (a !== undefined && b !== undefined) unify(a, b);
  return undefined;
};
/** Sets: what is in one is compared with what is in the other. */
const sets: BuiltIn = ([a, b]) => {
  if (a === undefined || b === undefined) return undefined;
  unify(eachOf(a), eachOf(b));
  return a;
};
const comparing =
  (test: Test): BuiltIn =>
  ([text, piece]) => {
    if (text !== undefined && piece !== undefined) rootOf(piece).tests.push({ test, with: text });
    return undefined;
  };

/** What is compared with the text in another case is compared with the text. */
const folding: BuiltIn = ([text]) => {
  const folded = createFlow();
  folded.tests.push({ test: 'folded', with: text! });
  return folded;
};

/** Those that compare: of what others give nothing is known. */
export const BUILT_INS: Readonly<Record<string, BuiltIn>> = {
  eq: same,
  equal: same,
  assign: same,
  neq: same,
  'internal.member_2': ([value, list]) => {
    unify(eachOf(list!), value!);
    return undefined;
  },
  'internal.member_3': ([key, value, list]) => {
    unify(keyOf(list!), key!);
    unify(eachOf(list!), value!);
    return undefined;
  },
  and: sets,
  or: sets,
  minus: sets,
  'array.concat': sets,
  type_name: () => createFlow('JSON type'),
  lower: folding,
  upper: folding,
  startswith: comparing('prefix'),
  endswith: comparing('suffix'),
  contains: comparing('part'),
  'object.keys': ([map]) => {
    const keys = createFlow();
    makeSet(keys);
    unify(eachOf(keys), keyOf(map!));
    return keys;
  },
  // The default stands there when nothing does: whatever else it is, it may be that.
  'object.get': ([map], [, path, otherwise], step) => {
    const steps = path?.type === 'array' ? (path.value as readonly Term[]) : [path!];
    const found = steps.reduce(step, map!);
    if (otherwise?.type === 'string') unify(found, createFlow(`one of ${String(otherwise.value)}`));
    return found;
  },
};
