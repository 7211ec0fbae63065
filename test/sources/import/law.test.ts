import fc from 'fast-check';
import { compilePatterns } from '../../../src/core/parse/paths.ts';
import { flatten, inspect } from '../../../src/core/parse/payload.ts';
import { importDefinitions } from '../../../src/sources/import/definitions.ts';

/** A schema, and a value that fits it. */
interface Fitting {
  readonly schema: object | true;
  readonly value: unknown;
}

const leaf = fc.constantFrom<Fitting>(
  { schema: { type: 'string' }, value: 'some text that is free' },
  { schema: { type: 'integer' }, value: 3 },
  { schema: { type: 'number' }, value: 0.5 },
  { schema: { type: ['boolean', 'null'] }, value: null },
  { schema: { enum: ['a', 1, null] }, value: 1 },
  { schema: { const: 'b' }, value: 'b' },
  { schema: true, value: 'x' },
  { schema: {}, value: 7 },
  { schema: { type: 'object' }, value: {} },
  { schema: { type: 'array' }, value: [] },
  { schema: { type: 'array' }, value: ['a', 1] },
  { schema: { type: 'string', oneOf: [{ const: 'a' }, { const: 'b' }] }, value: 'a' },
);
// V8 misreads some keys that are one escape and nothing else (nodejs/node#63785): quotes and backslashes stand beside a
// letter.
const key = fc
  .oneof(
    fc.constantFrom('a', 'b', 'a.b', 'a[]', '*', 'a\\b', 'constructor', 'ü'),
    fc.string({ minLength: 1, maxLength: 4 }).filter((k) => !/["\\]/.test(k)),
  )
  .filter((k) => k !== '__proto__');

const { object } = fc.letrec<{ any: Fitting; object: Fitting }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    leaf,
    tie('object'),
    fc.array(tie('any'), { maxLength: 3 }).map(listOf),
    fc
      .array(tie('any'), { minLength: 1, maxLength: 3 })
      .map((all) => ({ schema: { oneOf: all.map((one) => one.schema) }, value: all[0]!.value })),
    tie('object').map(({ schema }) => ({ schema: { ...(schema as object), type: ['object', 'null'] }, value: null })),
  ),
  object: fc
    .record({
      members: fc.uniqueArray(fc.record({ key, of: tie('any'), there: fc.boolean() }), {
        selector: (m) => m.key,
        maxLength: 3,
      }),
      others: fc.option(
        fc.oneof(
          leaf.filter((one) => one.schema !== true),
          tie('object'),
        ),
        { nil: undefined },
      ),
      strict: fc.boolean(),
      split: fc.boolean(),
    })
    .map(objectOf),
}));

function listOf(all: readonly Fitting[]): Fitting {
  return {
    schema: { type: 'array', items: { anyOf: all.map((one) => one.schema) } },
    value: all.map((one) => one.value),
  };
}

interface Parts {
  readonly members: readonly { readonly key: string; readonly of: Fitting; readonly there: boolean }[];
  readonly others: Fitting | undefined;
  /** The members that are there are required. */
  readonly strict: boolean;
  /** The members stand in parts. */
  readonly split: boolean;
}

function objectOf({ members, others, strict, split }: Parts): Fitting {
  const there = members.filter((m) => m.there);
  const properties = members.map((m) => [m.key, m.of.schema] as const);
  const named = split
    ? { allOf: properties.map((one) => ({ properties: Object.fromEntries([one]) })) }
    : { properties: Object.fromEntries(properties) };
  return {
    schema: {
      type: 'object',
      ...named,
      ...(others && { additionalProperties: others.schema }),
      ...(strict && { required: there.map((m) => m.key) }),
    },
    value: Object.fromEntries([
      ...there.map((m) => [m.key, m.of.value] as const),
      ...(others ? [['another', others.value] as const] : []),
    ]),
  };
}

test('a payload that fits its schema has nothing unknown about it, once imported', () => {
  let leaves = 0;
  fc.assert(
    fc.property(object, ({ schema, value }) => {
      fc.pre(Object.keys(value as object).length > 0);
      const {
        events: [event],
      } = importDefinitions(JSON.stringify(schema), { file: 'f.json' });
      const declared = new Map(
        event!.fields.map(({ path, types, enum: values }) => [
          path,
          { ...(types.length > 0 && { types }), ...(values && { enum: values }) },
        ]),
      );
      const match = compilePatterns([...declared.keys()]);
      const found = flatten(value as object);
      const lookup = (path: string) => declared.get(path) ?? declared.get(match(path) ?? '');
      leaves += found.length;
      // Where scalars are listed, an empty object or list beside them is refused with what isn't listed: the safe side.
      const empty = new Set(found.filter(({ kind }) => kind === 'object' || kind === 'array').map((one) => one.path));
      const odd = inspect(found, lookup).filter(({ code, path }) => code !== 'value_not_in_enum' || !empty.has(path));
      expect({ unknown: found.map((one) => one.path).filter((path) => lookup(path) === undefined), odd }).toEqual({
        unknown: [],
        odd: [],
      });
    }),
    { numRuns: 3_000 },
  );
  expect(leaves).toBeGreaterThan(5_000);
});
