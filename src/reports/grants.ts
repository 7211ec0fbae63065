import type { Catalogue } from '../core/catalogue/catalogue.ts';
import type { Grant } from '../core/facts.ts';
import { canLeave } from '../replay/leaving.ts';
import type { Group } from '../replay/scan.ts';
import { basisText, type Basis } from './basis.ts';

const DAY_MS = 86_400_000;

export interface UnusedGrant {
  readonly grant: string;
  readonly title: string;
  readonly role: string;
  /** Who holds the role: the first 20. */
  readonly identities: readonly string[];
  readonly lastUsed: string | null;
  /** When /permitted last told somebody that it permits; that alone is no use, but somebody may be about to. */
  readonly lastAsked: string | null;
}

/** Grants that permitted nothing for some time: candidates for removal (R37). */
export interface UnusedGrants {
  readonly report: 'unused-grants';
  readonly v: 1;
  readonly days: number;
  readonly since: string;
  readonly basis: Basis;
  /** Whether the log reaches back over all the days. */
  readonly conclusive: boolean;
  readonly unused: readonly UnusedGrant[];
  readonly used: readonly { readonly grant: string; readonly decisions: number; readonly last: string }[];
  /** Not used either, and not in force for all the days: nothing is said of them. */
  readonly tooYoung: readonly { readonly grant: string; readonly starts: string }[];
  readonly notes: readonly string[];
}

interface Use {
  decisions: number;
  lastMs: number;
  askedMs: number;
}

export interface UnusedOptions {
  readonly catalogue: Catalogue;
  readonly basis: Basis;
  readonly days: number;
  readonly nowMs: number;
}

/** @param groups of the whole log, those of /permitted too. */
export async function unusedGrants(groups: AsyncIterable<Group>, { catalogue, basis, days, nowMs }: UnusedOptions): Promise<UnusedGrants> {
  const sinceMs = nowMs - days * DAY_MS;
  const uses = await usesOf(groups);
  const { facts } = catalogue;
  const grants = [...facts.grants.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const useOf = (grant: Grant) => uses.get(grant.name ?? grant.id) ?? uses.get(grant.id);
  const isIdle = (grant: Grant) => (useOf(grant)?.lastMs ?? -Infinity) < sinceMs;
  const isYoung = ({ fromMs = -Infinity, untilMs = Infinity }: Grant) => fromMs > sinceMs && untilMs > nowMs;
  const holders = holdersOf(catalogue);
  const time = (atMs: number | undefined) => (atMs === undefined || !Number.isFinite(atMs) ? null : new Date(atMs).toISOString());
  return {
    report: 'unused-grants', v: 1, days, since: new Date(sinceMs).toISOString(), basis,
    conclusive: basis.first !== null && Date.parse(basis.first.time) <= sinceMs,
    unused: grants.filter((grant) => isIdle(grant) && !isYoung(grant)).map((grant) => ({
      grant: grant.id, title: grant.title ?? grant.id, role: grant.role, identities: holders.get(grant.role) ?? [],
      lastUsed: time(useOf(grant)?.lastMs), lastAsked: time(useOf(grant)?.askedMs),
    })),
    used: grants.filter((grant) => !isIdle(grant)).map((grant) => ({ grant: grant.id, decisions: useOf(grant)!.decisions, last: new Date(useOf(grant)!.lastMs).toISOString() })),
    tooYoung: grants.filter((grant) => isIdle(grant) && isYoung(grant)).map(({ id, fromMs }) => ({ grant: id, starts: new Date(fromMs!).toISOString() })),
    notes: basisText(basis),
  };
}

async function usesOf(groups: AsyncIterable<Group>): Promise<ReadonlyMap<string, Use>> {
  const uses = new Map<string, Use>();
  for await (const { record, count, lastMs } of groups) {
    const isAnswer = record.kind === 'decision';
    if (isAnswer && !canLeave(record)) continue;
    for (const rule of new Set(record.fields.flatMap(({ effect, rules }) => (effect === 'allow' || effect === 'transform' ? rules : [])))) {
      const use = uses.get(rule) ?? { decisions: 0, lastMs: -Infinity, askedMs: -Infinity };
      uses.set(rule, use);
      if (isAnswer) {
        use.decisions += count;
        use.lastMs = Math.max(use.lastMs, lastMs);
      } else use.askedMs = Math.max(use.askedMs, lastMs);
    }
  }
  return uses;
}

const MAX_HOLDERS = 20;

/** By role, the first who have it, by whatever role. */
function holdersOf({ facts, rolesOf }: Catalogue): ReadonlyMap<string, readonly string[]> {
  const holders = new Map<string, string[]>();
  for (const id of [...facts.identities.keys()].sort()) for (const role of rolesOf(id)) {
    const known = holders.get(role) ?? [];
    if (known.length < MAX_HOLDERS) known.push(id);
    holders.set(role, known);
  }
  return holders;
}
