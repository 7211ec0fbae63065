import { excludedBy, leftBy, type Form, type Left, type Outcome } from '../replay/leaving.ts';
import type { AskedRecord, RecordedShape } from '../replay/recorded.ts';
import { outcomeOf } from '../replay/impact.ts';
import type { Rejudge } from '../replay/rejudge.ts';
import type { Group } from '../replay/scan.ts';
import { addTo, createNames, noAmount, type Amount, type Counted, type Names } from './tally.ts';

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
}

export interface Nature {
  readonly sensitivity: string;
  readonly identifiability: string;
}

export interface Collected {
  readonly holdings: ReadonlyMap<string, Holding>;
  /** As the catalogue said when it was decided; the last saying counts. */
  readonly natures: ReadonlyMap<string, Nature>;
  readonly seen: Amount;
}

/** What an outcome of a question adds; `record` says whose question it was. */
export type Question = Pick<AskedRecord, 'identity' | 'vendor' | 'environment' | 'purpose' | 'event' | 'caller' | 'revision' | 'onBehalfOf'>;

export interface Collector {
  add(question: Question, outcome: Outcome & Pick<AskedRecord, 'reasons'>, counted: Counted, shape: () => RecordedShape | undefined): void;
  result(): Collected;
}

export function createCollector(): Collector {
  const holdings = new Map<string, Holding>();
  const natures = new Map<string, Nature>();
  const seen = noAmount();
  const holdingOf = (name: string) => {
    // Of vendors that nobody knew there may be any number; nothing ever went to one.
    const vendor = name.startsWith('?') ? '?' : name;
    const known = holdings.get(vendor) ?? newHolding(vendor);
    holdings.set(vendor, known);
    return known;
  };
  return {
    add(question, outcome, counted, shapeOf) {
      addTo(seen, counted);
      const left = leftBy(outcome);
      if (left.length === 0) return refuse(holdingOf(question.vendor), outcome, counted);
      const shape = shapeOf();
      if (shape !== undefined) noteNatures(natures, shape);
      const direct = holdingOf(question.vendor);
      take(direct, question, left, counted);
      for (const reached of reachedBy(shape)) direct.reaches.add(reached, counted.count);
      const excluded = excludedBy(outcome);
      for (const destination of destinationsOf(shape).filter((id) => !excluded.includes(id))) {
        const holding = holdingOf(destination);
        take(holding, question, left, counted);
        holding.via.add(question.vendor, counted.count);
      }
    },
    result: () => ({ holdings, natures, seen }),
  };
}

/** Everything that the groups let out, by vendor. */
export async function collect(groups: AsyncIterable<Group>): Promise<Collected> {
  const collector = createCollector();
  for await (const group of groups) collector.add(group.record, group.record, group, group.shape);
  return collector.result();
}

/**
 * What another policy would have let out of the same questions; destinations and sub-processors are those that were recorded.
 * @returns also how many records could not be asked again.
 */
export async function collectUnder(groups: AsyncIterable<Group>, rejudge: Rejudge): Promise<Collected & { readonly notReplayed: number }> {
  const collector = createCollector();
  let notReplayed = 0;
  for await (const group of groups) {
    const rejudged = rejudge.of(group);
    if ('cannot' in rejudged) notReplayed += group.count;
    else collector.add(group.record, outcomeOf(rejudged.decision), group, group.shape);
  }
  return { ...collector.result(), notReplayed };
}

export const newHolding = (vendor: string): Holding => ({
  vendor, permitted: noAmount(), refused: noAmount(), held: new Map(), identities: createNames(), environments: createNames(), events: createNames(), purposes: createNames(),
  callers: createNames(), revisions: createNames(), refusedFor: createNames(), withheld: createNames(), via: createNames(), reaches: createNames(), sets: createNames(),
});

function refuse(holding: Holding, { reasons, fields }: Outcome & Pick<AskedRecord, 'reasons'>, counted: Counted): void {
  addTo(holding.refused, counted);
  for (const code of new Set(reasons.map((reason) => reason.code))) holding.refusedFor.add(code, counted.count);
  for (const category of new Set(fields.map((field) => field.category ?? 'unclassified'))) holding.withheld.add(category, counted.count);
}

function take(holding: Holding, question: Question, left: readonly Left[], counted: Counted): void {
  addTo(holding.permitted, counted);
  const { count } = counted;
  holding.identities.add(question.onBehalfOf === undefined ? question.identity : `${question.identity} for ${question.onBehalfOf}`, count);
  holding.environments.add(question.environment, count);
  holding.events.add(question.event ?? '(no event)', count);
  if (question.purpose !== undefined) holding.purposes.add(question.purpose, count);
  holding.callers.add(question.caller, count);
  if (question.revision !== undefined) holding.revisions.add(question.revision.digest, count);
  holding.sets.add([...new Set(left.map(({ category }) => category))].sort().join(' '), count);
  const touched = new Set<Held>();
  for (const one of left) {
    const held = heldOf(holding, one);
    if (!touched.has(held)) {
      addTo(held.amount, counted);
      held.events.add(question.event ?? '(no event)', count);
      touched.add(held);
    }
    held.fields.add(one.path, count);
    for (const op of one.ops) held.ops.add(op);
  }
}

function heldOf({ held }: Holding, { category, from, form }: Left): Held {
  const key = `${category} ${form} ${from ?? ''}`;
  const known = held.get(key) ?? { category, from, form, amount: noAmount(), fields: createNames(), events: createNames(), ops: new Set<string>() };
  held.set(key, known);
  return known;
}

const destinationsOf = (shape: RecordedShape | undefined) => [...new Set((shape?.views ?? []).flatMap(({ destination }) => destination ?? []))];

const reachedBy = (shape: RecordedShape | undefined) => [...new Set((shape?.views ?? []).filter(({ destination }) => destination === undefined).flatMap(({ input }) => input.vendor.reaches.vendors))];

function noteNatures(natures: Map<string, Nature>, shape: RecordedShape): void {
  for (const { category, known, sensitivity, identifiability } of shape.views[0]?.input.profiles ?? []) {
    if (known) natures.set(category, { sensitivity, identifiability });
  }
}
