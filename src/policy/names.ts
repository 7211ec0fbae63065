import type { Facts } from '../core/facts.ts';
import { isOwnCode, type OwnCode } from '../core/reason-codes.ts';
import { didYouMean, nearest } from '../core/suggest.ts';
import type { Bundle } from '../opa/build.ts';
import { kindOf } from '../opa/domains.ts';
import type { Literal } from '../opa/literals.ts';
import { OWN } from '../opa/sources.ts';

/** What a check found: an error refuses, a warning is told. Each is `file:row: what is wrong, and what to write`. */
export interface Checked {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** The facts that rules judge by. */
export interface Known {
  /** Of the files, and of each environment that is administered in Permit. */
  readonly worlds: readonly Facts[];
  /** Those before a reload: what is gone since is told, and refuses nothing. */
  readonly before?: readonly Facts[];
  /** Whether Permit administers an environment: then the names that it brings come and go. */
  readonly permit: boolean;
}

/** What stands in an input for what nobody knows. */
const NOBODY: ReadonlySet<string> = new Set(['?', 'unknown']);

/**
 * Names in rules that nothing is called: such a rule never hits, so that its forbid fails open. Of what the shipped
 * rules name a world need not have all: their own list of names counts too.
 */
export function checkNames(
  { literals, taxonomy }: Pick<Bundle, 'literals' | 'taxonomy'>,
  { worlds, before = [], permit }: Known,
): Checked {
  const [now, then] = [createLookup(worlds), createLookup(before)];
  const shipped = new Set(taxonomy);
  const errors: string[] = [];
  const warnings: string[] = [];
  for (const literal of literals) {
    if (
      NOBODY.has(literal.name) ||
      now.fits(literal) ||
      (!literal.location.startsWith(OWN) && shipped.has(literal.name))
    )
      continue;
    const kinds = literal.domains.flatMap((domain) => kindOf(domain) ?? []);
    const comesAndGoes = kinds.some((kind) => kind.loose === true || (permit && kind.permit === true));
    if (comesAndGoes || then.fits(literal)) warnings.push(describe(literal, now, then.fits(literal)));
    else errors.push(describe(literal, now, false));
  }
  return { errors: [...new Set(errors)], warnings: [...new Set(warnings)] };
}

type Lookup = ReturnType<typeof createLookup>;

/** By kind of name, what these facts have. */
function createLookup(worlds: readonly Facts[]) {
  const listed = new Map<string, ReadonlySet<string> | undefined>();
  const namesOf = (domain: string): ReadonlySet<string> | undefined => {
    if (!listed.has(domain)) {
      const lists = worlds.map((facts) => kindOf(domain)?.names(facts));
      listed.set(domain, lists.includes(undefined) ? undefined : new Set(lists.flatMap((names) => [...names!])));
    }
    return listed.get(domain);
  };
  return {
    namesOf,
    /** Whether something is called so; of what can't be listed nothing is known to be wrong. */
    fits: ({ name, domains, test }: Literal) =>
      worlds.length > 0 &&
      domains.some((domain) => {
        const names = namesOf(domain);
        return (
          names === undefined ||
          (test === 'equals' ? names.has(name) : names.values().some((known) => TESTS[test](known, name)))
        );
      }),
  };
}

const TESTS: Readonly<Record<Literal['test'], (known: string, piece: string) => boolean>> = {
  equals: (known, piece) => known === piece,
  folded: (known, piece) => known.toLowerCase() === piece.toLowerCase(),
  prefix: (known, piece) => known.startsWith(piece),
  suffix: (known, piece) => known.endsWith(piece),
  part: (known, piece) => known.includes(piece),
};

const HOW: Readonly<Record<Literal['test'], string>> = {
  equals: 'called',
  folded: 'called',
  prefix: 'whose name begins with',
  suffix: 'whose name ends with',
  part: 'whose name has in it',
};

function describe({ name, location, domains, test }: Literal, { namesOf }: Lookup, left: boolean): string {
  const title = [...new Set(domains.flatMap((domain) => kindOf(domain)?.title ?? []))].join(' or ');
  const known = [...new Set(domains.flatMap((domain) => [...(namesOf(domain) ?? [])]))];
  const called = `${HOW[test]} ${name}${left ? ' any more' : ''}${adviceOn(name, domains, known)}`;
  return `${location}: there is no ${title} ${called}: the rule would never hit`;
}

function adviceOn(name: string, domains: Literal['domains'], known: readonly string[]): string {
  if (name.endsWith('.*') && known.includes(name.slice(0, -2)))
    return ` (write ${name.slice(0, -2)}: below it is what has it as an ancestor)`;
  if (domains.includes('category') && known.some((other) => other.startsWith(`${name}.`)))
    return ` (it is a parent: write profile.ancestors["${name}"])`;
  const meant = nearest(name, known);
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}

/** Rules whose code is one of the authors' own (`x_…`) that no codes.yaml declares, as `file:row: what is wrong`. */
export function undeclaredCodes({
  facts,
  bundle,
}: {
  readonly facts: Pick<Facts, 'codes'>;
  readonly bundle: Pick<Bundle, 'rules'>;
}): readonly string[] {
  const declared = [...(facts.codes ?? new Map<OwnCode, string>()).keys()];
  return [...bundle.rules.values()]
    .filter(({ code }) => isOwnCode(code) && !declared.includes(code))
    .map(
      ({ id, code, location }) =>
        `${location}: rule ${id}: the code ${code} stands in no codes.yaml${didYouMean(code, declared)}: ` +
        'write it there, under codes:, with what it means',
    );
}
