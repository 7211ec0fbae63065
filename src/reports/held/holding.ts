import type { Shape } from '../../core/prepare/prepared.ts';
import { UNCLASSIFIED, type Form, type Left, type Outcome } from '../../replay/leaving.ts';
import type { AskedRecord } from '../../replay/recorded.ts';
import { addTo, createNames, noAmount, type Amount, type Counted, type Names } from '../tally.ts';

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
  /** How many names each list of this may have. */
  readonly maxNames: number;
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
  /** Of `permitted`: what shadow let pass, and enforcement would not have. */
  readonly inShadow: Amount;
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

/** Whose question it was, and of what. */
export type Question = Pick<AskedRecord, 'identity' | 'vendor' | 'environment' | 'purpose' | 'event' | 'caller' | 'revision' | 'onBehalfOf' | 'about'>;

/** @param maxNames how many names each of its lists may have. */
export function newHolding(vendor: string, maxNames: number): Holding {
  const names = () => createNames(maxNames);
  return {
    vendor, maxNames, permitted: noAmount(), refused: noAmount(), held: new Map(), identities: names(), environments: names(), events: names(), purposes: names(),
    callers: names(), revisions: names(), refusedFor: names(), withheld: names(), via: names(), reaches: names(), sets: names(),
    objects: names(), secrets: names(), byPurpose: new Map(), onlyAsked: noAmount(), afterFix: noAmount(), inShadow: noAmount(),
  };
}

export function refuse(holding: Holding, { reasons, fields }: Outcome & Pick<AskedRecord, 'reasons'>, counted: Counted): void {
  addTo(holding.refused, counted);
  for (const code of new Set(reasons.map((reason) => reason.code))) holding.refusedFor.add(code, counted.count);
  for (const detector of new Set(reasons.flatMap((reason) => reason.detector ?? []))) holding.secrets.add(detector, counted.count);
  noteWithheld(holding, { fields }, counted);
}

export function noteWithheld({ withheld }: Holding, { fields }: Pick<Outcome, 'fields'>, { count }: Counted): void {
  for (const category of new Set(fields.map((field) => field.category ?? UNCLASSIFIED))) withheld.add(category, count);
}

export function take(holding: Holding, question: Question, left: readonly Left[], counted: Counted): void {
  addTo(holding.permitted, counted);
  const { count } = counted;
  holding.identities.add(question.onBehalfOf === undefined ? question.identity : `${question.identity} for ${question.onBehalfOf}`, count);
  holding.environments.add(question.environment, count);
  holding.events.add(question.event ?? NO_EVENT, count);
  if (question.purpose !== undefined) holding.purposes.add(question.purpose, count);
  if (question.about !== undefined) holding.objects.add(question.about, count);
  noteTowards(holding, question, { left, counted });
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

function noteTowards({ byPurpose, maxNames }: Holding, { purpose = NO_PURPOSE, event = NO_EVENT }: Question, { left, counted }: { readonly left: readonly Left[]; readonly counted: Counted }): void {
  const one = byPurpose.get(purpose) ?? { amount: noAmount(), categories: new Set(), forms: new Set(), events: createNames(maxNames) };
  byPurpose.set(purpose, one);
  addTo(one.amount, counted);
  one.events.add(event, counted.count);
  for (const { category, form } of left) {
    one.categories.add(category);
    one.forms.add(form);
  }
}

function heldOf({ held, maxNames }: Holding, { category, from, form }: Left): Held {
  const key = `${category} ${form} ${from ?? ''}`;
  const known = held.get(key) ?? { category, from, form, amount: noAmount(), fields: createNames(maxNames), events: createNames(maxNames), ops: new Set<string>() };
  held.set(key, known);
  return known;
}

export const reachedBy = (shape: Shape | undefined) => [...new Set((shape?.views ?? []).filter(({ destination }) => destination === undefined).flatMap(({ input }) => input.vendor.reaches.vendors))];

export function noteNatures(natures: Map<string, Nature>, shape: Shape): void {
  for (const { category, known, sensitivity, identifiability } of shape.views[0]?.input.profiles ?? []) {
    if (known) natures.set(category, { sensitivity, identifiability });
  }
}
