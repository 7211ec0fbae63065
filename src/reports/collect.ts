import type { Shape } from '../core/prepare/prepared.ts';
import { canLeave, destinationsOf, leftBy, UNCLASSIFIED, type Form, type Left, type Outcome } from '../replay/leaving.ts';
import { outcomeOf } from '../replay/moved.ts';
import type { AskedRecord, LogLine } from '../replay/recorded.ts';
import type { Rejudge } from '../replay/rejudge.ts';
import { scan, type Group, type ScanOptions } from '../replay/scan.ts';
import { addTo, createNames, noAmount, type Amount, type Counted, type Names } from './tally.ts';

export const NO_EVENT = '(no event)';
export const NO_PURPOSE = '(none)';

/** One category in one form at one vendor. */
export interface Held {
  readonly category: string;
  readonly from: string | undefined;
  readonly form: Form;
  readonly amount: Amount;
  readonly fields: Names;
  readonly events: Names;
  readonly ops: Set<string>;
}

/** All that one vendor was permitted to receive. */
export interface Holding {
  readonly vendor: string;
  /** Decisions that let something out. */
  readonly permitted: Amount;
  /** Decisions that let nothing out. */
  readonly refused: Amount;
  readonly held: Map<string, Held>;
  readonly identities: Names;
  readonly environments: Names;
  readonly events: Names;
  readonly purposes: Names;
  readonly callers: Names;
  readonly revisions: Names;
  readonly refusedFor: Names;
  /** Categories that were asked for and stayed. */
  readonly withheld: Names;
  /** Vendors that it came through: customer-data platforms. */
  readonly via: Names;
  /** Those to which the vendor hands on, as the catalogue knew when it was decided. */
  readonly reaches: Names;
  /** Sets of categories that left in one message, sorted and joined by a space. */
  readonly sets: Names;
  /** What the data was about, as callers named it. */
  readonly objects: Names;
  /** Detectors of secrets that kept a question back. */
  readonly secrets: Names;
  readonly byPurpose: Map<string, ForPurpose>;
  /** Answers to /permitted, by which nothing leaves. */
  readonly onlyAsked: Amount;
  /** Of `permitted`: what another policy refuses as it was asked, and lets out once its own fix is applied. */
  readonly afterFix: Amount;
}

/** What left for one purpose. */
export interface ForPurpose {
  readonly amount: Amount;
  readonly categories: Set<string>;
  readonly forms: Set<string>;
  readonly events: Names;
}

export interface Nature {
  readonly sensitivity: string;
  readonly identifiability: string;
}

export interface Collected {
  readonly holdings: ReadonlyMap<string, Holding>;
  /** As the catalogue said when it was decided; the last saying counts. */
  readonly natures: ReadonlyMap<string, Nature>;
  /** Records that could not be written, as the log's gaps tell: nobody was answered for them. */
  readonly notWritten: number;
  /** Decisions that let something out, and don't have the input that says to whom it was handed on. */
  readonly withoutInput: number;
}

/** What an outcome of a question adds; `record` says whose question it was. */
export type Question = Pick<AskedRecord, 'identity' | 'vendor' | 'environment' | 'purpose' | 'event' | 'caller' | 'revision' | 'onBehalfOf' | 'about'>;

interface Added {
  readonly counted: Counted;
  readonly shape: () => Shape | undefined;
  /** It left only as the fix said. */
  readonly isFixed?: boolean;
}

export interface Collector {
  add(question: Question, outcome: Outcome & Pick<AskedRecord, 'reasons'>, added: Added): void;
  /** An answer to /permitted. */
  onlyAsked(vendor: string | undefined, counted: Counted): void;
  /** A record that is no answer. */
  other(record: LogLine): void;
  result(): Collected;
}

export function createCollector(): Collector {
  const holdings = new Map<string, Holding>();
  const natures = new Map<string, Nature>();
  let [notWritten, withoutInput] = [0, 0];
  const holdingOf = (name: string) => {
    // Of vendors that nobody knew there may be any number; nothing ever went to one.
    const vendor = name.startsWith('?') ? '?' : name;
    const known = holdings.get(vendor) ?? newHolding(vendor);
    holdings.set(vendor, known);
    return known;
  };
  return {
    add(question, outcome, { counted, shape: shapeOf, isFixed = false }) {
      const left = leftBy(outcome);
      if (left.length === 0) return refuse(holdingOf(question.vendor), outcome, counted);
      const shape = shapeOf();
      if (shape === undefined) withoutInput += counted.count;
      else noteNatures(natures, shape);
      const direct = holdingOf(question.vendor);
      take(direct, question, left, counted);
      if (isFixed) addTo(direct.afterFix, counted);
      for (const reached of reachedBy(shape)) direct.reaches.add(reached, counted.count);
      for (const destination of destinationsOf(shape, outcome)) {
        const holding = holdingOf(destination);
        take(holding, question, left, counted);
        if (isFixed) addTo(holding.afterFix, counted);
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
    else collector.add(record, record, { counted: group, shape: group.shape });
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
    collector.add(group.record, outcomeOf(rejudged.decision), { counted: group, shape: () => rejudged.shape, isFixed: fix !== null });
  }
  return { ...collector.result(), notReplayed, crossedInTime };
}

/** The log's answers of the time, with all else that the collector wants to know. */
export const scanFor = (collector: Collector, options: ScanOptions): AsyncGenerator<Group> => scan({
  ...options, permitted: true,
  other: (record, timeMs) => {
    if (timeMs >= (options.fromMs ?? -Infinity)) collector.other(record);
  },
});

/** Everything that the log's decisions of the time let out. */
export function collectFrom(options: ScanOptions): Promise<Collected> {
  const collector = createCollector();
  return collect(scanFor(collector, options), collector);
}

export const newHolding = (vendor: string): Holding => ({
  vendor, permitted: noAmount(), refused: noAmount(), held: new Map(), identities: createNames(), environments: createNames(), events: createNames(), purposes: createNames(),
  callers: createNames(), revisions: createNames(), refusedFor: createNames(), withheld: createNames(), via: createNames(), reaches: createNames(), sets: createNames(),
  objects: createNames(), secrets: createNames(), byPurpose: new Map(), onlyAsked: noAmount(), afterFix: noAmount(),
});

function refuse(holding: Holding, { reasons, fields }: Outcome & Pick<AskedRecord, 'reasons'>, counted: Counted): void {
  addTo(holding.refused, counted);
  for (const code of new Set(reasons.map((reason) => reason.code))) holding.refusedFor.add(code, counted.count);
  for (const detector of new Set(reasons.flatMap((reason) => reason.detector ?? []))) holding.secrets.add(detector, counted.count);
  for (const category of new Set(fields.map((field) => field.category ?? UNCLASSIFIED))) holding.withheld.add(category, counted.count);
}

function take(holding: Holding, question: Question, left: readonly Left[], counted: Counted): void {
  addTo(holding.permitted, counted);
  const { count } = counted;
  holding.identities.add(question.onBehalfOf === undefined ? question.identity : `${question.identity} for ${question.onBehalfOf}`, count);
  holding.environments.add(question.environment, count);
  holding.events.add(question.event ?? NO_EVENT, count);
  if (question.purpose !== undefined) holding.purposes.add(question.purpose, count);
  if (question.about !== undefined) holding.objects.add(question.about, count);
  noteTowards(holding.byPurpose, question, { left, counted });
  holding.callers.add(question.caller, count);
  if (question.revision !== undefined) holding.revisions.add(question.revision.digest, count);
  holding.sets.add([...new Set(left.map(({ category }) => category))].sort().join(' '), count);
  const touched = new Set<Held>();
  for (const one of left) {
    const held = heldOf(holding, one);
    if (!touched.has(held)) {
      addTo(held.amount, counted);
      held.events.add(question.event ?? NO_EVENT, count);
      touched.add(held);
    }
    held.fields.add(one.path, count);
    for (const op of one.ops) held.ops.add(op);
  }
}

function noteTowards(byPurpose: Holding['byPurpose'], { purpose = NO_PURPOSE, event = NO_EVENT }: Question, { left, counted }: { readonly left: readonly Left[]; readonly counted: Counted }): void {
  const one = byPurpose.get(purpose) ?? { amount: noAmount(), categories: new Set(), forms: new Set(), events: createNames() };
  byPurpose.set(purpose, one);
  addTo(one.amount, counted);
  one.events.add(event, counted.count);
  for (const { category, form } of left) {
    one.categories.add(category);
    one.forms.add(form);
  }
}

function heldOf({ held }: Holding, { category, from, form }: Left): Held {
  const key = `${category} ${form} ${from ?? ''}`;
  const known = held.get(key) ?? { category, from, form, amount: noAmount(), fields: createNames(), events: createNames(), ops: new Set<string>() };
  held.set(key, known);
  return known;
}

const reachedBy = (shape: Shape | undefined) => [...new Set((shape?.views ?? []).filter(({ destination }) => destination === undefined).flatMap(({ input }) => input.vendor.reaches.vendors))];

function noteNatures(natures: Map<string, Nature>, shape: Shape): void {
  for (const { category, known, sensitivity, identifiability } of shape.views[0]?.input.profiles ?? []) {
    if (known) natures.set(category, { sensitivity, identifiability });
  }
}
