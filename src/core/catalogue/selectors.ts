/** Category selectors (J4): `a.b` is exact, `a.b.*` is it and all below, `*` is every category. By dotted segment. */
export interface Selectors {
  readonly exact: readonly string[];
  readonly below: readonly string[];
}

export function toSelectors(selectors: readonly string[]): Selectors {
  return {
    exact: selectors.filter((s) => !s.endsWith('*')),
    below: selectors.filter((s) => s.endsWith('*')).map((s) => (s === '*' ? '*' : s.slice(0, -2))),
  };
}

/** The names that `below` may hold for this one: itself, its dotted prefixes, and `*`. */
export function ancestorsOf(name: string): readonly string[] {
  const parts = name.split('.');
  return ['*', ...parts.map((_, index) => parts.slice(0, index + 1).join('.'))];
}

/** @param ancestors of the category, as `ancestorsOf` gives them. */
export function covers(selectors: Selectors, category: string, ancestors: ReadonlySet<string>): boolean {
  return selectors.exact.includes(category) || selectors.below.some((name) => ancestors.has(name));
}

/** Only the selectors that may cover something here. @param names the ancestors of everything there is. */
export const narrow = ({ exact, below }: Selectors, names: ReadonlySet<string>): Selectors => ({
  exact: exact.filter((name) => names.has(name)), below: below.filter((name) => names.has(name)),
});

/** Whether `name` is `above` or stands below it. */
export const isBelow = (name: string, above: string): boolean => name === above || name.startsWith(`${above}.`);

/** How many leading segments of the category the nearest of these selectors names. */
export function nearness({ exact, below }: Selectors, category: string): number {
  const segments = category.split('.');
  const shared = (name: string) => {
    const parts = name.split('.');
    const end = parts.findIndex((part, index) => part !== segments[index]);
    return end < 0 ? parts.length : end;
  };
  return Math.max(0, ...exact.map(shared), ...below.map(shared));
}
