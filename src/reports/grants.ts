import type { Catalogue } from '../core/catalogue/catalogue.ts';
import type { Group } from '../replay/scan.ts';

const DAY_MS = 86_400_000;

export interface UnusedGrant {
  readonly grant: string;
  readonly title: string;
  readonly role: string;
  /** Who holds the role. */
  readonly identities: readonly string[];
  readonly lastUsed: string | null;
}

/** Grants that permitted nothing for some time: candidates for removal (R37). */
export interface UnusedGrants {
  readonly report: 'unused-grants';
  readonly v: 1;
  readonly days: number;
  readonly since: string;
  /** The log's first decision in the time: when it is later than `since`, nothing before it can be told. */
  readonly logBegins: string | null;
  /** Whether the log reaches back over all the days. */
  readonly conclusive: boolean;
  readonly unused: readonly UnusedGrant[];
  readonly used: readonly { readonly grant: string; readonly decisions: number; readonly last: string }[];
}

export async function unusedGrants(groups: AsyncIterable<Group>, { catalogue, days, nowMs }: { readonly catalogue: Catalogue; readonly days: number; readonly nowMs: number }): Promise<UnusedGrants> {
  const sinceMs = nowMs - days * DAY_MS;
  const used = new Map<string, { decisions: number; lastMs: number }>();
  let firstMs = Infinity;
  for await (const { record, count, firstMs: atMs, lastMs } of groups) {
    firstMs = Math.min(firstMs, atMs);
    const rules = record.fields.flatMap(({ effect, rules: named }) => (effect === 'allow' || effect === 'transform' ? named : []));
    for (const rule of new Set(rules)) {
      const before = used.get(rule) ?? { decisions: 0, lastMs: -Infinity };
      used.set(rule, { decisions: before.decisions + count, lastMs: Math.max(before.lastMs, lastMs) });
    }
  }
  const { facts } = catalogue;
  const grants = [...facts.grants.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const usage = (grant: (typeof grants)[number]) => used.get(grant.name ?? grant.id) ?? used.get(grant.id);
  const isOld = (grant: (typeof grants)[number]) => (usage(grant)?.lastMs ?? -Infinity) < sinceMs;
  return {
    report: 'unused-grants', v: 1, days, since: new Date(sinceMs).toISOString(),
    logBegins: Number.isFinite(firstMs) ? new Date(firstMs).toISOString() : null, conclusive: firstMs <= sinceMs,
    unused: grants.filter(isOld).map((grant) => {
      const last = usage(grant)?.lastMs;
      return {
        grant: grant.id, title: grant.title ?? grant.id, role: grant.role,
        identities: [...facts.identities.values()].filter(({ roles }) => roles.includes(grant.role)).map(({ id }) => id).sort(),
        lastUsed: last === undefined ? null : new Date(last).toISOString(),
      };
    }),
    used: grants.filter((grant) => !isOld(grant)).map((grant) => ({ grant: grant.id, decisions: usage(grant)!.decisions, last: new Date(usage(grant)!.lastMs).toISOString() })),
  };
}
