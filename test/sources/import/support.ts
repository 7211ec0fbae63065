import { importDefinitions, type ImportedEvent } from '../../../src/sources/import/definitions.ts';

export const eventsOf = (text: string, file: string): readonly ImportedEvent[] =>
  importDefinitions(text, { file }).events;

/** One line a field: `path: type|type = enum`. */
export const linesOfEvents = (events: readonly ImportedEvent[]): readonly string[] =>
  events.flatMap(({ fields }) =>
    fields.map(
      ({ path, types, enum: values }) =>
        `${path}: ${types.join('|')}${values === undefined ? '' : ` = ${JSON.stringify(values)}`}`,
    ),
  );

export const linesOf = (schema: unknown, name = 'test.json') => linesOfEvents(eventsOf(JSON.stringify(schema), name));

export const linesOfProperty = (schema: unknown, more: object = {}) =>
  linesOf({ type: 'object', properties: { x: schema }, ...more });

export const warningsOf = (schema: unknown) =>
  eventsOf(JSON.stringify(schema), 'test.json').flatMap((event) => [...event.losses, ...event.notes]);
