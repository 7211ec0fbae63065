import type { Decision } from '../core/answer.ts';
import { decide } from '../core/decide/decide.ts';
import type { Rulings } from '../core/decide/rulings.ts';
import { retell } from '../core/decide/why-not.ts';
import type { AskedField, Prepared } from '../core/prepare/prepared.ts';
import type { Engine } from '../opa/engine.ts';
import type { AskedRecord, RecordedShape } from './recorded.ts';

export interface Redecided {
  /** One a view; undefined when an evaluation failed. */
  readonly rulings: readonly Rulings[] | undefined;
  readonly decision: Decision;
}

/** Decides by the recorded input alone: no fact of today has a part in it. */
export function redecide(record: AskedRecord, shape: RecordedShape, engine: Engine): Redecided {
  const rulings = evaluate(shape, engine);
  return { rulings, decision: decide(preparedOf(record, shape), rulings, retell(shape.whyNot ?? [])) };
}

function evaluate({ views }: RecordedShape, engine: Engine): readonly Rulings[] | undefined {
  try {
    return views.map(({ input }) => engine.evaluate(input));
  } catch {
    return undefined;
  }
}

/** The prepared question as it was, but for the order of its fields and the names that are hashed. */
function preparedOf(record: AskedRecord, { whyNot: _, ...shape }: RecordedShape): Prepared {
  return {
    // To /permitted each field was judged for itself, and its record has no combinations.
    shape,
    fields: record.fields.flatMap(({ paths, profile, category, findings = [] }) => (
      paths.map((path): AskedField => ({ path, profile, ...(category !== undefined && { category }), findings }))
    )),
    findings: record.findings ?? [],
    scope: scopeOf(record),
  };
}

function scopeOf({ identity, onBehalfOf, vendor, environment, purpose, channel, event, eventVersion }: AskedRecord): Prepared['scope'] {
  return {
    identity, ...(onBehalfOf !== undefined && { onBehalfOf }), vendor, environment, ...(purpose !== undefined && { purpose }), channel,
    ...(event !== undefined && eventVersion !== undefined && { event, eventVersion }),
  };
}
