import type { Decision, Effect } from '../core/answer.ts';
import { isFreer, isUnmoved, movedBy, outcomeOf, type DecidedOutcome, type Moved, type Told } from './moved.ts';
import type { AskedRecord } from './recorded.ts';
import type { Judgement, Rejudge } from './rejudge.ts';
import type { Group } from './scan.ts';

const MAX_CHANGES = 10_000;
const MAX_EXAMPLES = 3;

interface Tally {
  records: number;
  rows: number;
}

/** What would change of one event's records. */
export interface Flips extends Tally {
  newlyAllowed: number;
  newlyRefused: number;
  unchanged: number;
}

/** Fields of one category that another policy judges otherwise, for one identity at one vendor. */
export interface Change extends Tally, Omit<Moved, 'path'> {
  readonly identity: string;
  readonly examples: { readonly index: number; readonly decisionId: string; readonly environment: string; readonly event: string; readonly field: string }[];
}

/** What another policy would have decided of the questions in the log. */
export interface Impact {
  readonly report: 'impact';
  readonly v: 1;
  readonly method: Rejudge['method'];
  readonly questions: number;
  readonly records: number;
  readonly unchanged: number;
  /**
   * Records of which a field would be let out that stayed, in a form or by steps that may tell more, or to somebody who did
   * not get it: as asked, or where that is refused once its fix is applied.
   */
  readonly newlyAllowed: Tally;
  /** Records of which a field would be kept that left, or kept from somebody; likewise. */
  readonly newlyRefused: Tally;
  readonly decisions: readonly ({ readonly from: Effect; readonly to: Effect } & Tally)[];
  readonly changes: readonly Change[];
  /** Events of which anything would change (R70). */
  readonly byEvent: readonly (Flips & { readonly event: string })[];
  /** Answers to /permitted, which let nothing out and are not asked again. */
  readonly onlyAsked: number;
  /** Records that can't be asked again, by why. */
  readonly notReplayed: Readonly<Record<string, number>>;
  /** Records with names that nobody knew: they stay unknown, though the new catalogue may know them. */
  readonly withHashedNames: number;
  /** Records of questions whose answer time alone would change within their time; they are judged as the first of them. */
  readonly crossedInTime: number;
  /** Of these: records of questions that would let out what stayed from a later moment on. They are not in `newlyAllowed`. */
  readonly newlyAllowedInTime: number;
  /** More than 10,000 kinds of change: the rest is counted, and not listed. */
  readonly incomplete: boolean;
}

export interface ImpactCollector {
  add(group: Group): Decision | undefined;
  result(): Impact;
}

export function createImpact(rejudge: Rejudge): ImpactCollector {
  const counts = { questions: 0, records: 0, unchanged: 0, onlyAsked: 0, withHashedNames: 0, crossedInTime: 0, newlyAllowedInTime: 0 };
  const [newlyAllowed, newlyRefused]: [Tally, Tally] = [none(), none()];
  const decisions = new Map<string, Tally>();
  const events = new Map<string, Flips>();
  const changes = new Map<string, Change>();
  const notReplayed: Record<string, number> = {};
  let incomplete = false;

  function note(group: Group, before: Told<AskedRecord>, after: Told<DecidedOutcome>): boolean {
    const { record } = group;
    const isSame = isUnmoved(before, after);
    const moved = isSame ? [] : movedBy(before, after);
    const freer = !isSame && isFreer(before, after);
    const stricter = !isSame && isFreer(after, before);
    const event = flipsOf(record.event ?? '(no event)');
    if (moved.length === 0 && record.decision === after.outcome.decision && !freer && !stricter) {
      counts.unchanged += group.count;
      event.unchanged += group.count;
      return freer;
    }
    if (freer) add(newlyAllowed, group);
    if (freer) event.newlyAllowed += group.count;
    if (stricter) add(newlyRefused, group);
    if (stricter) event.newlyRefused += group.count;
    add(tallyOf(decisions, `${record.decision} ${after.outcome.decision}`), group);
    add(event, group);
    for (const change of moved) noteChange(group, change);
    return freer;
  }

  function flipsOf(name: string): Flips {
    const known = events.get(name) ?? { ...none(), newlyAllowed: 0, newlyRefused: 0, unchanged: 0 };
    events.set(name, known);
    return known;
  }

  function noteChange(group: Group, { path, ...moved }: Moved): void {
    const { identity, environment, event = '(no event)' } = group.record;
    const key = JSON.stringify([identity, moved]);
    const change = changes.get(key) ?? { identity, ...moved, ...none(), examples: [] };
    if (changes.size >= MAX_CHANGES && !changes.has(key)) {
      incomplete = true;
      return;
    }
    changes.set(key, change);
    add(change, group);
    const { firstIndex: index, decisionId } = group;
    if (change.examples.length < MAX_EXAMPLES) change.examples.push({ index, decisionId, environment, event, field: path });
  }

  return {
    add(group) {
      if (group.record.kind === 'permitted') {
        counts.onlyAsked += group.count;
        return undefined;
      }
      counts.questions += 1;
      counts.records += group.count;
      const rejudged = rejudge.of(group);
      if ('cannot' in rejudged) {
        notReplayed[rejudged.cannot] = (notReplayed[rejudged.cannot] ?? 0) + group.count;
        return undefined;
      }
      if (rejudged.hashed) counts.withHashedNames += group.count;
      const before = { vendor: group.record.vendor, outcome: group.record, shape: group.shape() };
      const told = ({ decision, shape }: Judgement) => ({ vendor: group.record.vendor, outcome: outcomeOf(decision), shape });
      const freer = note(group, before, told(rejudged));
      if (rejudged.later.length > 0) counts.crossedInTime += group.count;
      if (!freer && rejudged.later.some((one) => isFreer(before, told(one)))) counts.newlyAllowedInTime += group.count;
      return rejudged.decision;
    },
    result: () => ({
      report: 'impact', v: 1, method: rejudge.method, ...counts, newlyAllowed, newlyRefused,
      decisions: [...decisions].map(([key, tally]) => ({ from: key.split(' ')[0] as Effect, to: key.split(' ')[1] as Effect, ...tally })).sort(byRecords),
      changes: [...changes.values()].sort(byRecords),
      byEvent: [...events].map(([event, flips]) => ({ event, ...flips })).filter(({ records }) => records > 0).sort(byRecords),
      notReplayed, incomplete,
    }),
  };
}

export async function impactOf(groups: AsyncIterable<Group>, rejudge: Rejudge): Promise<Impact> {
  const impact = createImpact(rejudge);
  for await (const group of groups) impact.add(group);
  return impact.result();
}

const none = (): Tally => ({ records: 0, rows: 0 });

function add(tally: Tally, { count, rows }: Group): void {
  tally.records += count;
  tally.rows += rows;
}

function tallyOf(tallies: Map<string, Tally>, key: string): Tally {
  const tally = tallies.get(key) ?? none();
  tallies.set(key, tally);
  return tally;
}

/** The most frequent first; of equals in the order of their names. */
function byRecords(a: Tally, b: Tally): number {
  const key = ({ records: _, rows: __, ...names }: Tally & { readonly examples?: unknown }) => JSON.stringify({ ...names, examples: undefined });
  return b.records - a.records || (key(a) < key(b) ? -1 : 1);
}
