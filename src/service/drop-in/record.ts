import type { Moment } from '../../core/clock.ts';
import type { Question } from '../../core/question.ts';
import { createDecisionId } from '../../decision-id.ts';
import type { PdpDeps } from '../../pdp.ts';
import type { Snapshot } from '../../snapshot.ts';
import type { PermitAsking } from './drop-in.ts';

/** What was asked for, and what came of it. */
export interface Listed extends Pick<Question, 'environment' | 'channel' | 'context'> {
  readonly list: 'user_permissions' | 'user_tenants' | 'authorized_users';
  readonly identity?: string;
  readonly vendor?: string;
  readonly category?: string;
  /** How many were judged. */
  readonly vendors?: number;
  readonly identities?: number;
  readonly purpose: string;
  readonly permitted: readonly { readonly identity: string; readonly vendor: string; readonly categories: readonly string[] }[];
}

export interface ListContext {
  readonly asking: PermitAsking;
  readonly snapshot: Snapshot;
  readonly moment: Moment;
  readonly startedAtMs: number;
  /** Since the start. */
  readonly seconds: () => number;
}

/** Writes the one record of a list; resolves once it is durable. Names that nobody knows are hashed (J30). @throws {SluiceError} `audit_unavailable` */
export function createListRecord({ log, hash, observer, program }: PdpDeps): (listed: Listed, context: ListContext) => Promise<void> {
  return async (listed, { asking, snapshot, moment, seconds }) => {
    const { facts } = snapshot.world.catalogue;
    const known = (name: string | undefined, names: { has(name: string): boolean }) => (name === undefined || names.has(name) ? name : hash(name));
    const { permitted, ...asked } = listed;
    const record = {
      decisionId: createDecisionId(moment.nowMs),
      requestId: asking.requestId,
      caller: asking.caller.id,
      ...asked,
      identity: known(asked.identity, facts.identities),
      vendor: known(asked.vendor, facts.vendors),
      category: known(asked.category, facts.categories),
      purpose: known(asked.purpose, facts.purposes),
      asserted: ['purpose', 'channel'],
      permitted: grouped(permitted),
      bundle: snapshot.engine.digest,
      revision: { number: snapshot.numbers.get(asked.environment) ?? 0, digest: snapshot.digest },
      program,
      ageMs: snapshot.ageMs(moment.nowMs),
      micros: Math.round(seconds() * 1e6),
    };
    const queuedAt = seconds();
    await log.append({ kind: 'permitted', members: JSON.stringify(record).slice(1, -1) }).durable;
    observer.appended(seconds() - queuedAt);
    observer.decided({
      decision: permitted.length > 0 ? 'allow' : 'deny', reasons: [], vendor: asked.vendor !== undefined && facts.vendors.has(asked.vendor) ? asked.vendor : 'unknown',
      environment: facts.environments.has(asked.environment) ? asked.environment : 'unknown', api: 'permitted', memo: false, seconds: seconds(),
    });
  };
}

/** Most vendors may get the same categories, and most identities may send the same. */
function grouped(permitted: Listed['permitted']) {
  const groups = Map.groupBy(permitted, ({ categories }) => JSON.stringify(categories));
  const unique = (names: readonly string[]) => [...new Set(names)];
  return [...groups.values()].map((group) => ({ identities: unique(group.map(({ identity }) => identity)), vendors: unique(group.map(({ vendor }) => vendor)), categories: group[0]!.categories }));
}
