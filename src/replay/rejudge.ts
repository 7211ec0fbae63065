import type { Decision } from '../core/answer.ts';
import type { Shape } from '../core/prepare/prepared.ts';
import type { HashName } from '../core/record.ts';
import { SluiceError } from '../core/errors.ts';
import { judge, type Judged } from '../judge.ts';
import type { Engine } from '../opa/engine.ts';
import type { Snapshot } from '../snapshot.ts';
import { askAgain, createResolve, unresolved } from './ask-again.ts';
import { redecide } from './redecide.ts';
import type { Group } from './scan.ts';

export interface Judgement {
  readonly decision: Decision;
  /** What the policy was given. */
  readonly shape: Shape;
}

/** What another policy says of a recorded question. */
export type Rejudged =
  | Judgement & {
    readonly hashed: boolean;
    /** What it would have said at later moments while the question was asked again, where time alone changes that. */
    readonly later: readonly Judgement[];
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
      return { decision: redecide(asked, shape, engine).decision, shape, hashed: false, later: [] };
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
        const at = (atMs: number) => judge(asked, then, { nowMs: atMs, latestMs: atMs });
        const { decision, prepared } = at(firstMs);
        return { decision, shape: prepared.shape, hashed, later: laterOf({ decision, prepared }, at, lastMs) };
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return { cannot: error.message };
      }
    },
  };
}

type Timed = Pick<Judged, 'decision' | 'prepared'>;

/** A date that is passed mostly changes nothing: only what says something else is given. */
function laterOf(first: Timed, at: (atMs: number) => Timed, lastMs: number): readonly Judgement[] {
  if ((first.prepared.expiresAtMs ?? Infinity) > lastMs) return [];
  const said = new Map([[JSON.stringify(first.decision), undefined as Judgement | undefined]]);
  for (let { expiresAtMs } = first.prepared; expiresAtMs !== undefined && expiresAtMs <= lastMs;) {
    const { decision, prepared } = at(expiresAtMs);
    const text = JSON.stringify(decision);
    if (!said.has(text)) said.set(text, { decision, shape: prepared.shape });
    ({ expiresAtMs } = prepared);
  }
  return [...said.values()].flatMap((one) => one ?? []);
}
