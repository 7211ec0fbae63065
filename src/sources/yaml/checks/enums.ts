import type { Scalar, ValueType } from '../../../core/facts.ts';
import type { Collector } from '../collect.ts';
import { membersOf } from '../names.ts';
import type { At, Problem } from '../problems.ts';
import type { Kind } from '../schemas.ts';
import type { Source } from '../shape.ts';
import { fitsType } from './types.ts';

/** Where maps of fields stand in a kind of file: `*` is every member. */
const FIELDS: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  fields: ['fields'],
  events: ['fields'],
  envelopes: ['envelopes', '*', 'fields'],
};

/** Values of an enum that the field's own types exclude: no payload ever has them. */
export function checkEnums(collector: Collector): readonly Problem[] {
  return Object.entries(FIELDS).flatMap(([kind, pattern]) => (
    collector.sources(kind as Kind).flatMap((source) => (
      mapsOf(source.raw, pattern).flatMap((map) => checkFields(source, map))
    ))
  ));
}

interface Fields {
  readonly at: At;
  readonly fields: unknown;
}

function mapsOf(raw: unknown, pattern: readonly string[]): readonly Fields[] {
  return pattern.reduce<readonly Fields[]>((found, step) => found.flatMap(({ at, fields }) => (
    Object.entries(membersOf(fields)).filter(([key]) => step === '*' || key === step)
      .map(([key, member]) => ({ at: [...at, key], fields: member }))
  )), [{ at: [], fields: raw }]);
}

function checkFields({ report }: Source, { at, fields }: Fields): readonly Problem[] {
  return Object.entries(membersOf(fields)).flatMap(([path, field]) => {
    const { type, enum: values } = membersOf(field);
    const types = [type].flat().filter((one): one is ValueType => typeof one === 'string');
    if (types.length === 0 || !Array.isArray(values)) return [];
    // null may stand wherever it is listed (core, payload.ts).
    const fits = (value: Scalar | null) => value === null || types.some((one) => fitsType(value, one));
    return values.flatMap((value: Scalar, index) => (
      fits(value) ? [] : [report([...at, path, 'enum', index], objection(value, types))]
    ));
  });
}

function objection(value: Scalar, types: readonly ValueType[]): string {
  const which = `the field is of type ${types.join(' or ')}`;
  if (typeof value === 'string') return `${JSON.stringify(value)} is a string, and ${which}: no payload has it`;
  const hint = types.includes('string') ? `write '${value}' in quotes` : 'no payload has it';
  return `${value} is ${typeof value === 'number' ? 'a number' : 'true or false'}, and ${which}: ${hint}`;
}
