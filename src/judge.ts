import { complete, memoKey, type Completed } from './core/prepare/complete.ts';
import { hasEnded, type Moment } from './core/clock.ts';
import { decide } from './core/decide/decide.ts';
import { listenTo, type Told } from './core/decide/why-not.ts';
import type { Decision, Effect, ReasonCode } from './core/answer.ts';
import type { Caller } from './core/facts.ts';
import { prepare } from './core/prepare/prepare.ts';
import type { Prepared } from './core/prepare/prepared.ts';
import { explainMissing } from './core/prepare/why-not.ts';
import type { Question } from './core/question.ts';
import { decisionRecord, type HashName, type RecordParts } from './core/record.ts';
import type { Rulings } from './core/decide/rulings.ts';
import { textBytes, type Memo } from './memo.ts';
import type { Snapshot } from './snapshot.ts';

/** A decision with all that it came from. */
export interface Judged {
  readonly asked: Completed;
  readonly moment: Moment;
  readonly prepared: Prepared;
  /** One a view: what Rego was given, as JSON text. */
  readonly inputs: readonly string[];
  /** One a view; undefined when an evaluation failed. */
  readonly rulings: readonly Rulings[] | undefined;
  /** Why nothing permits what nothing permits, as far as the decision asked. */
  readonly told: Told;
  /** The next moment at which time alone may change the reasons, though not what is decided. */
  readonly reasonsUntilMs: number | undefined;
  readonly decision: Decision;
}

/** What is counted of a decision. */
export interface Outcome {
  readonly decision: Effect;
  /** Each once, in the order in which reasons are listed. */
  readonly codes: readonly ReasonCode[];
}

export const outcomeOf = ({ decision, reasons }: Decision): Outcome => ({ decision, codes: [...new Set(reasons.map(({ code }) => code))] });

/** What the memo keeps of a judged question: the decision's serialised parts, and no object of it, since texts can be counted. */
export interface Remembered {
  readonly outcome: Outcome;
  readonly expiresAtMs: number | undefined;
  /** When it is forgotten: as it expires, or earlier, when its reasons may change (J28). */
  readonly untilMs: number | undefined;
  /** By the clock that starts are judged by: once it is set back behind this, what had started may not have (J28). */
  readonly judgedMs: number;
  /** The decision's members as JSON text, without braces. */
  readonly json: string;
  readonly record: RecordParts;
}

/** Prepares, evaluates, decides: the straight line without memo and record. Synchronous. */
export function judge(asked: Completed, snapshot: Snapshot, moment: Moment, onFailure: (error: unknown) => void = () => {}): Judged {
  const preparation = prepare(asked, snapshot.world, moment);
  const { prepared } = preparation;
  const inputs = prepared.shape.views.map(({ input }) => JSON.stringify(input));
  const rulings = evaluate(prepared, inputs, snapshot, onFailure);
  const explanation = explainMissing(snapshot.world.catalogue, preparation, rulings ?? []);
  const { whyNot, told } = listenTo(explanation.whyNot);
  const decision = decide(prepared, rulings, whyNot);
  return {
    asked,
    moment,
    prepared,
    inputs,
    rulings,
    told: told(),
    reasonsUntilMs: explanation.changesAtMs(),
    decision,
  };
}

function evaluate({ shape }: Prepared, inputs: readonly string[], { engine }: Snapshot, onFailure: (error: unknown) => void): readonly Rulings[] | undefined {
  try {
    return shape.views.map(({ input }, at) => engine.evaluate(input, inputs[at]));
  } catch (error) {
    onFailure(error);
    return undefined;
  }
}

export interface JudgeDeps {
  readonly memo: Memo<Remembered>;
  readonly hash: HashName;
  readonly program: string;
  readonly onFailure: (error: unknown) => void;
}

export interface Recalled {
  readonly remembered: Remembered;
  readonly hit: boolean;
}

/** The judged question, from the memo where it still holds. An entry dies at its end and with its revision (J29). */
export function recall(asked: Completed, snapshot: Snapshot, moment: Moment, deps: JudgeDeps): Recalled {
  const key = `${snapshot.digest} ${snapshot.numbers.get(asked.environment) ?? 0} ${memoKey(asked)}`;
  const known = deps.memo.get(key);
  if (
    known !== undefined &&
    known.judgedMs <= moment.nowMs &&
    !hasEnded({ ...(known.untilMs !== undefined && { untilMs: known.untilMs }) }, moment)
  )
    return { remembered: known, hit: true };
  let failed = false;
  const judged = judge(asked, snapshot, moment, (error) => {
    failed = true;
    deps.onFailure(error);
  });
  const remembered = remember(judged, snapshot, deps);
  if (!failed) deps.memo.set(key, remembered);
  return { remembered, hit: false };
}

/** The serialised parts of the answer and of the record. */
export function remember(judged: Judged, snapshot: Snapshot, { hash, program }: Pick<JudgeDeps, 'hash' | 'program'>): Remembered {
  const { asked, prepared, decision } = judged;
  const revision = { number: snapshot.numbers.get(asked.environment) ?? 0, digest: snapshot.digest };
  return {
    outcome: outcomeOf(decision),
    expiresAtMs: prepared.expiresAtMs,
    untilMs: earliest(prepared.expiresAtMs, judged.reasonsUntilMs),
    judgedMs: judged.moment.nowMs,
    json: JSON.stringify(decision).slice(1, -1),
    record: decisionRecord(judged, { bundle: snapshot.engine.digest, revision, program }, { catalogue: snapshot.world.catalogue, hash }),
  };
}

/** What the memo holds by it. An input is counted each time, since no two questions share its text. */
export const bytesOf = ({ json, record: { members, input } }: Remembered): number => textBytes(json, members, input.digest, input.members);

const earliest = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Completes a question under this snapshot. @throws {SluiceError} `request_invalid` */
export const completeFor = (question: Question, snapshot: Snapshot, caller: Caller): Completed => complete(question, snapshot.world.catalogue, caller);
