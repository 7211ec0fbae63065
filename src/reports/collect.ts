import type { Shape } from '../core/prepare/prepared.ts';
import { canLeave, destinationsOf, leftBy, type Outcome } from '../replay/leaving.ts';
import { outcomeOf } from '../replay/moved.ts';
import type { AskedRecord, LogLine } from '../replay/recorded.ts';
import type { Rejudge } from '../replay/rejudge.ts';
import { scan, type Group, type ScanOptions } from '../replay/scan.ts';
import { newHolding, noteNatures, noteWithheld, reachedBy, refuse, take, type Holding, type Nature, type Question } from './held/holding.ts';
import { addTo, MAX_NAMES, type Counted } from './tally.ts';

export interface Collected {
  readonly holdings: ReadonlyMap<string, Holding>;
  /** As the catalogue said when it was decided; the last saying counts. */
  readonly natures: ReadonlyMap<string, Nature>;
  /** Records that could not be written, as the log's gaps tell: nobody was answered for them. */
  readonly notWritten: number;
  /** Decisions that let something out, and don't have the input that says to whom it was handed on. */
  readonly withoutInput: number;
}

interface Added {
  readonly counted: Counted;
  readonly shape: () => Shape | undefined;
  /** What another policy refused as it was asked, and lets out once its fix is applied. */
  readonly refusedFirst?: Outcome | undefined;
  /** Enforcement would not have let it out. */
  readonly isShadow?: boolean;
}

export interface Collector {
  add(question: Question, outcome: Outcome & Pick<AskedRecord, 'reasons'>, added: Added): void;
  /** An answer to /permitted. */
  onlyAsked(vendor: string | undefined, counted: Counted): void;
  /** A record that is no answer. */
  other(record: LogLine): void;
  result(): Collected;
}

/** @param maxNames how many names of a kind are kept of a vendor. */
export function createCollector(maxNames: number = MAX_NAMES): Collector {
  const holdings = new Map<string, Holding>();
  const natures = new Map<string, Nature>();
  let [notWritten, withoutInput] = [0, 0];
  const holdingOf = (name: string) => {
    // Of vendors that nobody knew there may be any number; nothing ever went to one.
    const vendor = name.startsWith('?') ? '?' : name;
    const known = holdings.get(vendor) ?? newHolding(vendor, maxNames);
    holdings.set(vendor, known);
    return known;
  };
  return {
    add(question, outcome, { counted, shape: shapeOf, refusedFirst, isShadow = false }) {
      const left = leftBy(outcome);
      if (left.length === 0) return refuse(holdingOf(question.vendor), outcome, counted);
      const shape = shapeOf();
      if (shape === undefined) withoutInput += counted.count;
      else noteNatures(natures, shape);
      const direct = holdingOf(question.vendor);
      const receive = (holding: Holding) => {
        take(holding, question, left, counted);
        if (refusedFirst !== undefined) addTo(holding.afterFix, counted);
        if (isShadow) addTo(holding.inShadow, counted);
      };
      receive(direct);
      // What its fix drops was asked for, too.
      if (refusedFirst !== undefined) noteWithheld(direct, { ...refusedFirst, fields: refusedFirst.fields.filter(({ paths }) => !left.some(({ path }) => paths.includes(path))) }, counted);
      for (const reached of reachedBy(shape)) direct.reaches.add(reached, counted.count);
      for (const destination of destinationsOf(shape, outcome)) {
        const holding = holdingOf(destination);
        receive(holding);
        holding.via.add(question.vendor, counted.count);
      }
    },
    onlyAsked(vendor, counted) {
      if (vendor !== undefined) addTo(holdingOf(vendor).onlyAsked, counted);
    },
    other({ kind, refused }) {
      if (kind === 'gap') notWritten += Number(refused ?? 0);
    },
    result: () => ({ holdings, natures, notWritten, withoutInput }),
  };
}

/** Everything that the groups let out, by vendor. */
export async function collect(groups: AsyncIterable<Group>, collector = createCollector()): Promise<Collected> {
  for await (const group of groups) {
    const { record } = group;
    if (record.kind === 'permitted') collector.onlyAsked(record.vendor, group);
    else collector.add(record, record, { counted: group, shape: group.shape, isShadow: isOnlyInShadow(record) });
  }
  return collector.result();
}

/**
 * What another policy would have let out of the same questions. What it refuses as asked, and lets out once the fields are
 * dropped that its fix names, counts too: so would whoever asks for less from then on.
 * @returns also how many records could not be asked again, and of how many time alone changes what is said.
 */
export async function collectUnder(groups: AsyncIterable<Group>, rejudge: Rejudge, collector = createCollector()): Promise<Collected & { readonly notReplayed: number; readonly crossedInTime: number }> {
  let [notReplayed, crossedInTime] = [0, 0];
  for await (const group of groups) {
    if (group.record.kind === 'permitted') {
      collector.onlyAsked(group.record.vendor, group);
      continue;
    }
    const asked = rejudge.of(group);
    const fix = 'cannot' in asked || canLeave(asked.decision) ? null : asked.decision.fix;
    const rejudged = fix === null ? asked : rejudge.of(group, new Set(fix.drop));
    if ('cannot' in rejudged) {
      notReplayed += group.count;
      continue;
    }
    if ([asked, rejudged].some((one) => 'later' in one && one.later.length > 0)) crossedInTime += group.count;
    collector.add(group.record, outcomeOf(rejudged.decision), {
      counted: group, shape: () => rejudged.shape, isShadow: isOnlyInShadow(rejudged.decision), refusedFirst: fix === null || 'cannot' in asked ? undefined : outcomeOf(asked.decision),
    });
  }
  return { ...collector.result(), notReplayed, crossedInTime };
}

const isOnlyInShadow = ({ wouldBe }: Pick<AskedRecord, 'wouldBe'>) => wouldBe !== undefined && !canLeave(wouldBe);

/** The log's answers of the time, with all else that the collector wants to know. */
export const scanFor = (collector: Collector, options: ScanOptions): AsyncGenerator<Group> => scan({
  ...options, permitted: true,
  other: (record, timeMs) => {
    if (timeMs >= (options.fromMs ?? -Infinity)) collector.other(record);
  },
});

/** Everything that the log's decisions of the time let out. */
export function collectFrom(options: ScanOptions, maxNames?: number): Promise<Collected> {
  const collector = createCollector(maxNames);
  return collect(scanFor(collector, options), collector);
}
