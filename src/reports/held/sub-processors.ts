import type { Catalogue } from '../../core/catalogue/catalogue.ts';

/** Who else could hold what a vendor got. */
export interface SubProcessor {
  readonly vendor: string;
  readonly name: string;
  /** A shortest way there as the catalogue is now; null: it knows none (any more). */
  readonly path: readonly string[] | null;
  readonly llm: boolean | 'unknown';
  /** Whether the decisions' own facts counted it. */
  readonly recorded: boolean;
  readonly sources: readonly string[];
}

/** @param recorded those whom the decisions' facts name. */
export function subProcessorsOf(vendor: string, recorded: readonly string[], catalogue: Catalogue | undefined): readonly SubProcessor[] {
  const now = catalogue?.vendorGraph.reached(vendor) ?? [];
  const nameOf = (id: string) => catalogue?.facts.vendors.get(id)?.name ?? id;
  const known = now.map(({ vendor: id, path, llm }): SubProcessor => ({
    vendor: id, name: nameOf(id), path, llm, recorded: recorded.includes(id),
    sources: [...new Set((catalogue?.facts.edges ?? []).filter(({ from, to }) => to === id && from === path.at(-2)).flatMap(({ source }) => source ?? []))],
  }));
  const gone = recorded.filter((id) => id !== vendor && !now.some((one) => one.vendor === id)).map((id): SubProcessor => ({ vendor: id, name: nameOf(id), path: null, llm: 'unknown', recorded: true, sources: [] }));
  return [...known, ...gone].sort((a, b) => (a.vendor < b.vendor ? -1 : 1));
}
