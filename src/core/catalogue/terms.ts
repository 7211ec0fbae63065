import type { Facts, Grant, Term } from '../facts.ts';
import type { KnownGrant } from './catalogue.ts';
import { mayName, namesVendor, vendorKey, type NamedVendor } from './grant-index.ts';
import { narrow, type Limit } from './narrow.ts';
import { ancestorsOf, covers, toSelectors, type Selectors } from './selectors.ts';

/** Grants as they are for one vendor: what terms and closures leave of them. */
export interface Narrowed {
  grantsOf(role: string, vendor: NamedVendor): readonly KnownGrant[];
  /** Of all roles, by the name that answers use. */
  all(vendor: NamedVendor): readonly KnownGrant[];
  exclusivesOf(vendor: NamedVendor): Exclusives;
}

/** What closes a vendor (J3). */
export interface Exclusives {
  /** Of every exclusive grant and term that names the vendor, whoever holds it; sorted. */
  readonly ids: readonly string[];
  /** The same, each with the categories that it is for. */
  readonly closing: readonly { readonly id: string; readonly covers: Selectors }[];
  /** The grants that may permit there all the same. */
  readonly grants: readonly KnownGrant[];
}

interface KnownLimit<T extends Limit> {
  readonly limit: T;
  readonly covers: Selectors;
  readonly spares: Selectors;
}

const known = <T extends Limit>(limit: T): KnownLimit<T> => ({ limit, covers: toSelectors(limit.categories), spares: toSelectors(limit.except) });

/** What is known of one vendor, or one kind of vendor. Filled as it is asked for. */
interface AtVendor {
  readonly terms: readonly KnownLimit<Term>[];
  readonly closures: readonly KnownLimit<Grant>[];
  /** Whether an exclusive grant that isn't set aside names it. */
  readonly granted: boolean;
  readonly closing: Exclusives['closing'];
  readonly ids: readonly string[];
  readonly byRole: Map<string, readonly KnownGrant[]>;
  all?: readonly KnownGrant[];
}

interface Leaf {
  readonly id: string;
  readonly ancestors: ReadonlySet<string>;
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
export const nameOf = ({ id, name }: Pick<Grant, 'id' | 'name'>): string => name ?? id;
const byName = (a: Grant, b: Grant) => byText(nameOf(a), nameOf(b)) || byText(a.id, b.id);

export function createNarrowed(grants: ReadonlyMap<string, KnownGrant>, { terms, closures }: Pick<Facts, 'terms' | 'closures'>, leaves: readonly string[]): Narrowed {
  const limits = { terms: [...terms.values()].sort(byRolesFirst).map(known), closures: [...closures.values()].map(known) };
  const exclusive = [...grants.values()].filter((grant) => grant.exclusive);
  const byRole = Map.groupBy(grants.values(), ({ role }) => role);
  const named = new Set([...grants.values(), ...terms.values(), ...closures.values()].flatMap(({ vendors }) => vendors.flatMap(({ vendor }) => vendor ?? [])));
  const each: readonly Leaf[] = leaves.map((id) => ({ id, ancestors: new Set(ancestorsOf(id)) }));
  const places = new Map<string, AtVendor>();

  const place = (vendor: NamedVendor): AtVendor => {
    const key = vendorKey(vendor, named);
    const before = places.get(key);
    if (before !== undefined) return before;
    const here = <T extends Limit>(all: readonly KnownLimit<T>[]) => all.filter(({ limit }) => mayName(limit.vendors, vendor));
    const at = { terms: here(limits.terms), closures: here(limits.closures) };
    const granted = exclusive.filter(({ vendors }) => mayName(vendors, vendor));
    const limiting = [...at.terms, ...at.closures].filter(({ limit }) => limit.exclusive);
    const closing = [
      ...granted.map(({ id, covers: by }) => ({ id, covers: by })),
      ...limiting.map(({ limit: { id }, covers: by }) => ({ id, covers: by })),
    ];
    const found: AtVendor = {
      ...at,
      granted: granted.length > 0,
      closing,
      ids: [...new Set(closing.map(({ id }) => id))].sort(),
      byRole: new Map(),
    };
    places.set(key, found);
    return found;
  };
  const grantsOf = (role: string, vendor: NamedVendor): readonly KnownGrant[] => {
    const at = place(vendor);
    if (at.terms.length === 0 && at.ids.length === 0) return byRole.get(role) ?? [];
    let found = at.byRole.get(role);
    // A grant that doesn't name the vendor has nothing to say here, not even why not (J7).
    if (found === undefined) at.byRole.set(role, found = join((byRole.get(role) ?? []).filter((grant) => namesVendor(grant, vendor)).flatMap((grant) => pieces(grant, at, each))));
    return found;
  };
  const all = (vendor: NamedVendor) => (place(vendor).all ??= [...byRole.keys()].flatMap((role) => grantsOf(role, vendor)).filter((grant) => namesVendor(grant, vendor)).sort(byName));

  return {
    grantsOf,
    all,
    exclusivesOf(vendor) {
      const { ids, closing } = place(vendor);
      return { ids, closing, grants: ids.length === 0 ? [] : all(vendor).filter((grant) => grant.exclusive) };
    },
  };
}

// A permission gets its name from a term that is meant for its role, before one for every role.
const byRolesFirst = (a: Term, b: Term) => Number(a.roles === undefined) - Number(b.roles === undefined) || byText(a.id, b.id);

/** A part of a grant that the same terms and the same closure cover. */
interface Piece {
  readonly grant: KnownGrant;
  readonly name: string;
  /** Whether no grant of another role can have that name. */
  readonly own: boolean;
  readonly leaves: readonly string[];
  readonly whole: boolean;
}

interface Cut {
  readonly terms: readonly Term[];
  readonly closure: Grant | undefined;
  readonly leaves: string[];
}

function pieces(grant: KnownGrant, at: AtVendor, leaves: readonly Leaf[]): readonly Piece[] {
  const covered = leaves.filter((leaf) => coversLeaf(grant, leaf));
  return cutsOf(grant, at, covered).map(({ terms, closure, leaves: left }) => {
    const limits: readonly Limit[] = closure === undefined ? terms : [...terms, closure];
    const term = grant.defaultPurposeOnly === true ? terms[0] : undefined;
    return {
      grant: { ...limits.reduce(narrow, grant), id: [grant.id, ...limits.map(({ id }) => id)].join('+'), exclusive: passes(grant, at, terms, closure) },
      name: term?.id ?? nameOf(grant),
      own: term === undefined ? grant.name === undefined : term.roles?.length === 1,
      leaves: left,
      whole: left.length === covered.length,
    };
  });
}

function cutsOf(grant: KnownGrant, at: AtVendor, leaves: readonly Leaf[]): readonly Cut[] {
  const terms = at.terms.filter(({ limit: { roles } }) => roles === undefined || roles.includes(grant.role));
  const closures = at.closures.filter(({ limit: { role } }) => role === grant.role);
  const cuts = new Map<string, Cut>();
  for (const leaf of leaves) {
    const covering = terms.filter((term) => coversLeaf(term, leaf)).map(({ limit }) => limit);
    const within = closures.filter((closure) => coversLeaf(closure, leaf)).map(({ limit }) => limit);
    for (const closure of within.length === 0 ? [undefined] : within) {
      const key = JSON.stringify([covering.map(({ id }) => id), closure?.id]);
      const cut = cuts.get(key);
      if (cut === undefined) cuts.set(key, { terms: covering, closure, leaves: [leaf.id] });
      else cut.leaves.push(leaf.id);
    }
  }
  return [...cuts.values()];
}

const coversLeaf = (by: { readonly covers: Selectors; readonly spares: Selectors }, { id, ancestors }: Leaf) => covers(by.covers, id, ancestors) && !covers(by.spares, id, ancestors);

/** Whether all that closes the vendor lets it pass. Terms only narrow: each exclusive one must cover it. */
function passes(grant: KnownGrant, at: AtVendor, covering: readonly Term[], closure: Grant | undefined): boolean {
  return at.ids.length > 0
    && (!at.granted || grant.exclusive)
    && (at.closures.length === 0 || closure !== undefined)
    && at.terms.every(({ limit }) => !limit.exclusive || covering.includes(limit));
}

/** Pieces that differ in categories alone are one grant again, and called by its name where no other is: Rego gets few of them. */
function join(cut: readonly Piece[]): readonly KnownGrant[] {
  const alike = [...Map.groupBy(cut, ({ name, grant: { id: _, name: _n, categories: _c, except: _e, covers: _o, spares: _s, title: _t, vendors: _v, ...rest } }) => JSON.stringify([name, rest])).values()];
  const named = Map.groupBy(alike, ([piece]) => piece!.name);
  return alike.map((group) => {
    const [
      {
        grant: { name: _, ...grant },
        name,
        own,
        whole,
      },
    ] = group as [Piece];
    const joined =
      group.length === 1 && whole
        ? grant
        : {
            ...grant,
            ...only(group.flatMap(({ leaves }) => leaves)),
            written: union(group.map((piece) => piece.grant.covers)),
          };
    return own && named.get(name)!.length === 1 ? { ...joined, id: name } : { ...joined, name };
  });
}

const union = (all: readonly Selectors[]): Selectors => ({
  exact: [...new Set(all.flatMap(({ exact }) => exact))], below: [...new Set(all.flatMap(({ below }) => below))],
});

const only = (leaves: readonly string[]) => {
  const categories = [...new Set(leaves)].sort();
  return { categories, except: [], covers: toSelectors(categories), spares: toSelectors([]) };
};
