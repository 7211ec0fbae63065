import { hash as digest, timingSafeEqual } from 'node:crypto';
import type { Answer, Revision } from './core/answer.ts';
import type { Moment } from './core/clock.ts';
import { complete, type Completed } from './core/prepare/complete.ts';
import { SluiceError, type ErrorCode } from './core/errors.ts';
import type { Caller, VendorState } from './core/facts.ts';
import { markStale } from './core/prepare/stale.ts';
import type { PermittedQuestion, Question } from './core/question.ts';
import { questionRecord, type HashName } from './core/record.ts';
import type { Clock } from './clock.ts';
import { createDecisionId } from './decision-id.ts';
import { judge, outcomeOf, recall, remember, type Remembered } from './judge.ts';
import type { DecisionLog } from './log/types.ts';
import type { Memo } from './memo.ts';
import { createDropIn, type DropIn } from './service/drop-in/drop-in.ts';
import { observe, type Observer } from './service/observer.ts';
import type { PdpStatus } from './service/pdp-status.ts';
import { createTogether, readySnapshot, type Together } from './service/ready.ts';
import type { SyncControl } from './service/sync-control.ts';
import type { Snapshot, Snapshots } from './snapshot.ts';

export type { Observer } from './service/observer.ts';
export type { PdpStatus } from './service/pdp-status.ts';
export type { Together } from './service/ready.ts';

/** An answer whose record is durable. */
export interface Answered {
  readonly answer: Answer;
  /** The same answer as JSON text; cheaper than serialising it again. */
  readonly json: string;
}

/** Of the answer to `POST /permitted`: as `/check`, without `decision` and `fix`. */
export type PermittedAnswered = { readonly json: string };

export interface Asked {
  readonly caller: Caller;
  /** Recorded; echoed by HTTP. */
  readonly requestId?: string;
  /** The questions that it is asked with. */
  readonly together?: Together;
  /** Called as soon as it is judged, with the bytes of its answer; its record is on the way then, and its answer not. */
  readonly onJudged?: (bytes: number) => void;
}

export interface Pdp {
  /**
   * Decides, records, answers. Nothing is answered before its record is durable.
   * @throws {SluiceError} `request_invalid`, `too_large`, `not_your_identity`, `environment_mismatch` (both leave a
   * record of kind `refused`), `stale_revision`, `audit_unavailable`.
   */
  check(question: Question, asked: Asked): Promise<Answered>;
  /** What the identity may send the vendor: each category, or each field of the event, judged for itself. */
  permitted(question: PermittedQuestion, asked: Asked): Promise<PermittedAnswered>;
  /** J17; recorded, kept in the data directory, a new revision. @throws {SluiceError} `request_invalid`, `not_found`. */
  setVendorState(vendor: string, state: VendorState, asked: Asked): Promise<{ readonly state: VendorState }>;
  /** Rebuilds policy and facts; on any error the last good ones stay. Never throws for a bad policy: says it. */
  reload(): Promise<{ readonly ok: boolean; readonly errors: readonly string[]; readonly digest: string }>;
  /** Begins a batch: its questions are judged by one snapshot, which is the present one. */
  together(): Together;
  /** Resolves a bearer token; compares SHA-256 in constant time. `undefined`: unknown, or past its end. */
  callerOf(token: string): Caller | undefined;
  /** For `/readyz` and metrics. */
  status(): PdpStatus;
  /** Absent where no environment is administered in Permit. */
  readonly sync?: SyncControl;
  /** What Permit's SDKs ask. */
  readonly dropIn?: DropIn;
}

export interface PdpDeps {
  readonly snapshots: () => Snapshots;
  /** Resolves once `holds`, which is asked after every activation, or after a short while. */
  readonly revised: (holds: () => boolean) => Promise<void>;
  readonly clock: Clock;
  readonly log: DecisionLog;
  readonly memo: Memo<Remembered>;
  readonly hash: HashName;
  readonly observer: Observer;
  /** Name and version of this program, for the record. */
  readonly program: string;
  readonly onFailure: (error: unknown) => void;
}

/** The part of the PDP that answers questions: bind, judge, record, answer. Nothing is answered that is not recorded. */
export function createPdp(deps: PdpDeps): Pick<Pdp, 'check' | 'permitted' | 'callerOf' | 'together' | 'dropIn'> {
  const { log, observer, clock } = deps;

  /** One record, one answer; `members` is what the memo kept of both. */
  async function answer(kind: 'decision' | 'permitted', a: Answering): Promise<{ readonly head: string; readonly tail: Tail }> {
    const { remembered, snapshot, moment, asked, caller } = a;
    const decisionId = createDecisionId(moment.nowMs);
    const revision = revisionOf(snapshot, asked.environment, moment);
    const expiresAtMs = earliest(remembered.expiresAtMs, a.staleAtMs);
    const expiresAt = expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString();
    const members = [
      `"decisionId":"${decisionId}"`,
      ...(caller.requestId === undefined ? [] : [`"requestId":${JSON.stringify(caller.requestId)}`]),
      `"caller":${JSON.stringify(caller.caller.id)}`,
      ...(asked.rows === undefined ? [] : [`"rows":${asked.rows}`]),
      remembered.record.members,
      `"expiresAt":${JSON.stringify(expiresAt)},"ageMs":${revision.ageMs},"memo":${a.hit},"micros":${Math.round((performance.now() - a.startedAt) * 1000)}`,
    ].join(',');
    const queuedAt = performance.now();
    const { input } = remembered.record;
    const index = await log.append({ kind, members, input: { digest: input.digest, members: () => input.members, bytes: input.members.length } }).durable;
    observer.appended((performance.now() - queuedAt) / 1000);
    return { head: `"decisionId":"${decisionId}"`, tail: { decisionId, revision, expiresAt, log: { origin: log.origin, index } } };
  }

  const snapshotsOf = ({ together }: Asked) => (together ?? deps).snapshots();

  /** Waits for the revision that the question asks for, if the environment is still to come to it (J27); one that has none never will. */
  function whenRevised({ environment, minRevision }: Pick<Question, 'environment' | 'minRevision'>, asking: Asked): Promise<void> | undefined {
    const isAhead = (among: Snapshots) => {
      const number = among.of(environment)?.numbers.get(environment);
      return minRevision !== undefined && number !== undefined && number < minRevision;
    };
    return isAhead(snapshotsOf(asking)) ? (asking.together ?? deps).revised(() => !isAhead(deps.snapshots())) : undefined;
  }

  function begin(question: Question, asking: Asked): Begun {
    const snapshot = readySnapshot(snapshotsOf(asking), question.environment);
    const asked = complete(question, snapshot.world.catalogue, asking.caller);
    bind(asked, asking, snapshot);
    const number = snapshot.numbers.get(asked.environment);
    if (asked.minRevision !== undefined && (number ?? -1) < asked.minRevision) {
      refuse('stale_revision', `the environment is at revision ${number ?? 'none'}, older than minRevision asks for`, { asked, asking, snapshot });
    }
    const moment = clock.moment();
    const stale = markStale(asked, snapshot.world.catalogue, snapshot.ageMs(moment.latestMs));
    return { snapshot, moment, asked: stale.asked, staleAtMs: stale.nextMs === undefined ? undefined : moment.latestMs + stale.nextMs };
  }

  /** @throws {SluiceError} when the caller's credential is not bound to the identity or the environment; recorded. */
  function bind(asked: Completed, asking: Asked, snapshot: Snapshot): void {
    const { identities, environments } = asking.caller;
    const may = (list: readonly string[], name: string) => list.includes('*') || list.includes(name);
    const foreign = [asked.identity, asked.onBehalfOf].find((identity) => identity !== undefined && !may(identities, identity));
    if (foreign !== undefined) refuse('not_your_identity', 'the credential may not speak for this identity', { asked, asking, snapshot });
    if (!may(environments, asked.environment)) refuse('environment_mismatch', 'the credential is not bound to this environment', { asked, asking, snapshot });
  }

  function refuse(code: ErrorCode, message: string, r: { readonly asked: Completed; readonly asking: Asked; readonly snapshot: Snapshot }): never {
    observer.refused(code);
    const record = {
      code, caller: r.asking.caller.id, requestId: r.asking.requestId,
      ...questionRecord(r.asked, r.snapshot.world.catalogue, deps.hash),
    };
    // The refusal stands whether or not it can be recorded: it lets nothing out.
    try {
      log.append({ kind: 'refused', members: JSON.stringify(record).slice(1, -1) }).durable.catch(() => {});
    } catch {
      // The log says itself that it failed, to /readyz and to whoever asks next.
    }
    throw new SluiceError(code, message);
  }

  const pdp: Pick<Pdp, 'check' | 'permitted' | 'callerOf' | 'together'> = {
    together: () => createTogether(deps),

    async check(question, asking) {
      const revised = whenRevised(question, asking);
      if (revised !== undefined) await revised;
      const startedAt = performance.now();
      const begun = begin(question, asking);
      const { snapshot, asked } = begun;
      const { remembered, hit } = recall(asked, snapshot, begun.moment, deps);
      asking.onJudged?.(Buffer.byteLength(remembered.json));
      const { tail } = await answer('decision', { ...begun, remembered, caller: asking, hit, startedAt });
      observe(deps.observer, 'check', { asked, outcome: remembered.outcome, snapshot, hit, startedAt });
      const json = `{"decisionId":"${tail.decisionId}",${remembered.json},"revision":${JSON.stringify(tail.revision)},"expiresAt":${JSON.stringify(tail.expiresAt)},"log":${JSON.stringify(tail.log)}}`;
      // A copy, made when somebody wants it: the memo's own objects are nobody's to change.
      return { json, get answer() { return JSON.parse(json) as Answer; } };
    },

    async permitted(question, asking) {
      await whenRevised(question, asking);
      const startedAt = performance.now();
      const { catalogue } = readySnapshot(snapshotsOf(asking), question.environment).world;
      const event = question.event === undefined ? undefined : catalogue.event(question.event);
      const fields = event?.fields.map(({ declared }) => declared).filter((path) => path !== '$event') ?? [];
      const begun = begin(fields.length > 0 ? { ...question, fields } : { ...question, categories: catalogue.leaves }, asking);
      const { snapshot, asked, moment } = begun;
      // Each field for itself: what would be dangerous together is not judged here.
      const alone = { ...snapshot, world: { ...snapshot.world, catalogue: { ...snapshot.world.catalogue, combinations: [] } } };
      const judged = judge(asked, alone, moment, deps.onFailure);
      const remembered = remember(judged, snapshot, deps);
      const { tail } = await answer('permitted', { ...begun, remembered, caller: asking, hit: false, startedAt });
      observe(deps.observer, 'permitted', { asked, outcome: outcomeOf(judged.decision), snapshot, hit: false, startedAt });
      const { decision: _, fix: __, wouldBe: ___, ...rest } = judged.decision;
      return { json: JSON.stringify({ decisionId: tail.decisionId, ...rest, revision: tail.revision, expiresAt: tail.expiresAt, log: tail.log }) };
    },

    callerOf(token) {
      const hash = digest('sha256', token, 'buffer');
      const found = deps.snapshots().callers.get(hash.toString('hex'));
      if (found === undefined || !timingSafeEqual(Buffer.from(found.token.sha256, 'hex'), hash)) return undefined;
      const { caller, token: { untilMs } } = found;
      return untilMs === undefined || clock.moment().latestMs < untilMs ? caller : undefined;
    },
  };
  return { ...pdp, dropIn: createDropIn(deps, pdp.check) };
}

/** A question that may be asked, as it will be judged. */
interface Begun {
  readonly snapshot: Snapshot;
  readonly moment: Moment;
  readonly asked: Completed;
  /** When the next field is denied for the age of its facts. */
  readonly staleAtMs: number | undefined;
}

interface Answering extends Begun {
  readonly remembered: Remembered;
  readonly caller: Asked;
  readonly hit: boolean;
  readonly startedAt: number;
}

interface Tail {
  readonly decisionId: string;
  readonly revision: Revision;
  readonly expiresAt: string | null;
  readonly log: { readonly origin: string; readonly index: number };
}

function revisionOf(snapshot: Snapshot, environment: string, { nowMs }: Moment): Revision {
  return { number: snapshot.numbers.get(environment) ?? 0, digest: snapshot.digest, ageMs: snapshot.ageMs(nowMs) };
}

const earliest = (...atMs: readonly (number | undefined)[]) => {
  const known = atMs.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};
