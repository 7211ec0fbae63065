import { SluiceError } from '../../core/errors.ts';
import { leavesOf, type ImportedField } from './leaves.ts';
import { readSchema } from './schema.ts';

/** An event definition from elsewhere: its name, version and leaves. Nothing is classified yet, so all of it is denied. */
export interface ImportedEvent {
  readonly name: string;
  readonly version: string;
  /** The file that it comes from. */
  readonly source: string;
  readonly fields: readonly ImportedField[];
  /** What could not be taken over, in plain words. */
  readonly warnings: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** What a JSON Schema may have at its top; anything else is some other file. */
const SCHEMA_KEYS = ['$schema', 'properties', 'patternProperties', 'allOf', 'anyOf', 'oneOf', '$ref', '$defs', 'definitions'];

/**
 * Reads the event definitions in a file: a Segment tracking plan (`rules`: one event each, named by its key), a
 * Snowplow Iglu schema (`self`: named `vendor/name`), or a plain JSON Schema (named as the file). Paths are the
 * schema's own: a rule that describes the whole message gives `properties.x`, one that describes its properties `x`.
 *
 * @param name the file's path; it becomes the event's `source`.
 * @throws {SluiceError} `request_invalid` for text that is none of these.
 */
export function importDefinitions(text: string, name: string): readonly ImportedEvent[] {
  const definition = parseJson(text, name);
  if (Array.isArray(definition.rules)) return definition.rules.flatMap((rule, i) => fromRule(rule, `rule ${i + 1} of ${name}`, name));
  if (isObject(definition.self)) return [fromIglu(definition, definition.self, name)];
  if (definition.type === 'object' || SCHEMA_KEYS.some((key) => Object.hasOwn(definition, key))) {
    return [toEvent({ name: baseName(name), version: '1', source: name }, definition)];
  }
  throw new SluiceError('request_invalid', `${name}: neither a JSON Schema, nor an Iglu schema, nor a Segment tracking plan`);
}

function parseJson(text: string, name: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new SluiceError('request_invalid', `${name}: not JSON`, { cause });
  }
  if (!isObject(value)) throw new SluiceError('request_invalid', `${name}: not a JSON object`);
  return value;
}

function fromIglu(schema: Json, self: Json, source: string): ImportedEvent {
  const { vendor, name, version } = self;
  if (!isText(vendor) || !isText(name) || !isText(version)) {
    throw new SluiceError('request_invalid', `${source}: self needs vendor, name and version`);
  }
  return toEvent({ name: `${vendor}/${name}`, version, source }, schema);
}

// Calls other than track have no name of their own; theirs is the call's.
function fromRule(rule: unknown, where: string, source: string): readonly ImportedEvent[] {
  if (!isObject(rule) || !isObject(rule.jsonSchema)) throw new SluiceError('request_invalid', `${where}: no jsonSchema`);
  const name = [rule.key, rule.type].find(isText);
  if (name === undefined) throw new SluiceError('request_invalid', `${where}: neither key nor type`);
  const version = isText(rule.version) || typeof rule.version === 'number' ? String(rule.version) : '1';
  return [toEvent({ name: name === rule.key ? name : name.toLowerCase(), version, source }, rule.jsonSchema)];
}

function toEvent(head: Pick<ImportedEvent, 'name' | 'version' | 'source'>, schema: unknown): ImportedEvent {
  const { shape, warnings } = readSchema(schema);
  const leaves = leavesOf(shape);
  return { ...head, name: head.name.toWellFormed(), fields: leaves.fields, warnings: [...warnings, ...leaves.warnings] };
}

const baseName = (path: string) => path.slice(path.search(/[^/\\]*$/)).replace(/(?:\.schema)?\.json$/i, '') || path;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
