import type { Decision } from '../core/answer.ts';
import type { Shape } from '../core/prepare/prepared.ts';
import type { HashName } from '../core/record.ts';
import { SluiceError } from '../core/errors.ts';
import { judge } from '../judge.ts';
import type { Engine } from '../opa/engine.ts';
import type { Snapshot } from '../snapshot.ts';
import { askAgain, createResolve, unresolved } from './ask-again.ts';
import { redecide } from './redecide.ts';
import type { Group } from './scan.ts';

/** What another policy says of a recorded question. */
export type Rejudged =
  | {
    readonly decision: Decision;
    /** What the policy was given. */
    readonly shape: Shape;
    readonly hashed: boolean;
    /** Time alone would have changed the answer while it was asked again. */
    readonly crossed: boolean;
  }
  | { readonly cannot: string };

export interface Rejudge {
  /** What stood for the recorded facts. */
  readonly method: 'recorded input' | 'prepared again';
  /** @param without names of fields that are not asked for this time, as a decision names them. */
  of(group: Group, without?: ReadonlySet<string>): Rejudged;
}

const NONE: ReadonlySet<string> = new Set();
const NO_INPUT = { cannot: 'its input is not in the log, or not what its digest says' } as const;

/** Other rules over what was recorded: exact, whatever the facts are today. */
export function byRules(engine: Engine): Rejudge {
  return {
    method: 'recorded input',
    of({ record, shape: shapeOf }, without = NONE) {
      const shape = shapeOf();
      if (shape === undefined) return NO_INPUT;
      const asked = without.size === 0 ? record : { ...record, fields: record.fields.map((group) => ({ ...group, paths: group.paths.filter((path) => !without.has(path)) })) };
      return { decision: redecide(asked, shape, engine).decision, shape, hashed: false, crossed: false };
    },
  };
}

export interface ByFactsOptions {
  /** Other facts, and rules. */
  readonly snapshot: Snapshot;
  /** By the data directory's keys; without any, names that were hashed stay unknown. */
  readonly hashes?: readonly HashName[];
}

/** Other facts: each recorded question is prepared again, at its own time. */
export function byFacts({ snapshot, hashes = [] }: ByFactsOptions): Rejudge {
  const { catalogue } = snapshot.world;
  const resolve = hashes.length === 0 ? unresolved : createResolve(catalogue, hashes);
  return {
    method: 'prepared again',
    of({ record, shape: shapeOf, vendorStates, firstMs, lastMs }, without = NONE) {
      const shape = shapeOf();
      if (shape === undefined) return NO_INPUT;
      try {
        const { asked, hashed } = askAgain(record, shape, { catalogue, resolve, without });
        const then = { ...snapshot, world: { ...snapshot.world, vendorStates } };
        const { decision, prepared } = judge(asked, then, { nowMs: firstMs, latestMs: firstMs });
        return { decision, shape: prepared.shape, hashed, crossed: prepared.expiresAtMs !== undefined && prepared.expiresAtMs <= lastMs };
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return { cannot: error.message };
      }
    },
  };
}
