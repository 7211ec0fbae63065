import { OBLIGATION_OPS, type Obligation, type ObligationOp } from '../facts.ts';
import type { ResultEdge } from '../prepare/prepared.ts';

/** An obligation and the rule or grant that demands it. */
export interface Demand extends Obligation {
  readonly source: string;
}

export interface Plan {
  /** In the order in which they run; `drop` stands alone. Each with the profile that it leaves. */
  readonly steps: readonly (Demand & { readonly result?: number })[];
  /** The profile that leaves; undefined when the field is dropped. */
  readonly final: number | undefined;
  /** Demands that can't all be done. */
  readonly conflict: readonly Demand[];
}

// Each of these needs the raw value, of one type: after one of them none of the others can be done.
const NEEDS_RAW: ReadonlySet<ObligationOp> = new Set([
  'hmac', 'tokenize', 'coarsen_ip', 'coarsen_geo', 'truncate_time', 'redact_url', 'bucket',
]);

/** Brings demands on one field into an order that can be done (J2), and follows its profile through them (J5). */
export function plan(demands: readonly Demand[], profile: number, results: readonly ResultEdge[]): Plan {
  if (demands.length === 0) return { steps: [], final: profile, conflict: [] };
  const distinct = [...new Map(demands.toSorted(byOrder).toReversed().map((d) => [keyOf(d), d])).values()].toSorted(byOrder);
  const drop = distinct.find((demand) => demand.op === 'drop');
  if (drop !== undefined) return { steps: [drop], final: undefined, conflict: [] };

  let current = profile;
  const steps = distinct.map((demand) => {
    current = results.find((edge) => edge.from === current && matches(edge, demand))?.to ?? current;
    return { ...demand, result: current };
  });
  return { steps, final: current, conflict: conflicting(distinct) };
}

function conflicting(demands: readonly Demand[]): readonly Demand[] {
  const raw = demands.filter((demand) => NEEDS_RAW.has(demand.op));
  if (raw.length > 1) return raw;
  return demands.filter((demand, index) => demands.some((other, at) => at !== index && other.op === demand.op));
}

const matches = (edge: ResultEdge, demand: Demand) => edge.op === demand.op
  && Object.entries(edge.params ?? {}).every(([name, value]) => JSON.stringify(demand.params?.[name]) === JSON.stringify(value));

const keyOf = ({ op, params }: Obligation) => `${op} ${JSON.stringify(Object.entries(params ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))}`;

function byOrder(a: Demand, b: Demand): number {
  const order = OBLIGATION_OPS.indexOf(a.op) - OBLIGATION_OPS.indexOf(b.op);
  if (order !== 0) return order;
  const [left, right] = [`${keyOf(a)} ${a.source}`, `${keyOf(b)} ${b.source}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
