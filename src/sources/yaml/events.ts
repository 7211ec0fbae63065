import type { EventFact, FieldFact } from '../../core/facts.ts';
import type { Collector } from './collect.ts';
import { definedOf } from './defined.ts';
import type { FieldSource, Value } from './schemas.ts';

/** By `name@version`, and the newest by its name alone. */
export function toEvents(collector: Collector): ReadonlyMap<string, EventFact> {
  const envelopes = new Map(collector.entries('envelopes').map(({ id, value }) => [id, value.fields]));
  const events = collector.values('events').map((value) => toEvent(value, envelopes));
  return new Map([...Map.groupBy(events, ({ name }) => name)].flatMap(([name, versions]) => {
    const newest = versions.reduce((best, event) => (compareVersions(event.version, best.version) > 0 ? event : best));
    return [[name, newest] as const, ...versions.map((event) => [`${name}@${event.version}`, event] as const)];
  }));
}

/** An envelope that is listed later overrides one before it, and the event's own entry all of them. */
function toEvent(source: Value<'events'>, envelopes: ReadonlyMap<string, Readonly<Record<string, FieldSource>>>): EventFact {
  const { event, version, kind, minCell, defaultPurpose, purposes, app, owner, about, countField } = source;
  const layers = [...source.envelopes.map((envelope) => envelopes.get(envelope) ?? {}), source.fields];
  const fields = new Map(layers.flatMap((layer) => Object.entries(layer)));
  return {
    name: event,
    version,
    kind,
    minCell,
    purposes: purposes ?? (defaultPurpose === undefined ? [] : [defaultPurpose]),
    ...definedOf({ defaultPurpose, app, owner, about, countField }),
    fields: [...fields].map(([path, field]) => toField(path, field)),
  };
}

export function toField(path: string, source: FieldSource): FieldFact {
  if (source === null || typeof source === 'string') return { path, category: source ?? undefined, role: 'dimension', labels: {} };
  const { category, role, labels, type, enum: values, nullable } = source;
  const types = type === undefined ? undefined : Array.isArray(type) ? type : [type];
  return { path, category: category ?? undefined, role, labels, ...definedOf({ types, enum: values, nullable: nullable === false ? nullable : undefined }) };
}

/** By the parts between dots and dashes: a number by its size, before it none, before that a word (`1.0-rc` comes before `1.0`). */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split(/[.-]/), b.split(/[.-]/)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = comparePart(left[index], right[index]);
    if (order !== 0) return order;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparePart(a: string | undefined, b: string | undefined): number {
  const rank = (part: string | undefined) => (part === undefined ? 1 : /^\d+$/.test(part) ? 2 : 0);
  if (a === undefined || b === undefined || rank(a) !== rank(b)) return rank(a) - rank(b);
  if (rank(a) === 2) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}
