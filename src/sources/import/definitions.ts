import { SluiceError } from '../../core/errors.ts';
import { readGitlab } from './gitlab.ts';
import { leavesOf, type ImportedField } from './leaves.ts';
import { nameOf, type Head, type Place } from './names.ts';
import { readPlan, type Plan } from './plans.ts';
import { readSchema, type ReadSchema } from './schema.ts';
import { both } from './shape.ts';
import { readText } from './text.ts';

/**
 * An event definition from elsewhere: its name, version and leaves. Nothing is classified yet, so all of it is denied.
 */
export interface ImportedEvent {
  readonly name: string;
  readonly version: string;
  /** The file that it comes from. */
  readonly source: string;
  readonly fields: readonly ImportedField[];
  /** What was left out of it, in plain words. */
  readonly losses: readonly string[];
  /** What was taken over otherwise than it stands there. */
  readonly notes: readonly string[];
}

/** What a file has. */
export interface Definitions {
  readonly events: readonly ImportedEvent[];
  /** Definitions that could not be taken over, each in plain words. */
  readonly left: readonly string[];
  /** What was read otherwise than it stands there. */
  readonly notes: readonly string[];
}

type Found = Omit<Definitions, 'notes'>;

/** The file is something else than a definition: nothing is lost by leaving it out of a folder. */
export class OtherFile extends SluiceError {}

type Json = Readonly<Record<string, unknown>>;

/** What says that an object is a JSON Schema, where its value is of this type; anything else is some other file. */
const SCHEMA_KEYS: Readonly<Record<string, (value: unknown) => boolean>> = {
  properties: isObject,
  patternProperties: isObject,
  additionalProperties: isObject,
  allOf: Array.isArray,
  anyOf: Array.isArray,
  oneOf: Array.isArray,
  $ref: isText,
};

/** Whole documents of other formats, which may have schemas somewhere inside. */
const OTHERS: Readonly<Record<string, string>> = {
  openapi: 'an OpenAPI document',
  swagger: 'an OpenAPI document',
  asyncapi: 'an AsyncAPI document',
};

/**
 * Reads the event definitions in a file of JSON or YAML: a tracking plan of Segment or RudderStack (an event a rule,
 * named by its key), a Snowplow Iglu schema (`self`: named `vendor/name`), an event definition of GitLab (named by its
 * action), a JSON Schema (named as `nameOf` says), or a list of them. Paths are the schema's own: a rule that describes
 * the whole message gives `properties.x`, one that describes its properties `x`.
 *
 * @throws {TextError} for text that is neither JSON nor YAML, with the place.
 * @throws {SluiceError} `request_invalid` for what is none of these; {@link OtherFile} where it is plainly something
 * else.
 */
export function importDefinitions(text: string, place: Place): Definitions {
  const { value, notes } = readText(text, place.file);
  return { ...fromValue(value, place), notes };
}

function fromValue(value: unknown, place: Place): Found {
  const plan = readPlan(value);
  if (plan !== undefined) return fromPlan(plan, place);
  if (isObject(value)) return { events: [fromObject(value, place)], left: [] };
  if (!Array.isArray(value)) throw refused('not an object');
  // A list, as a schema registry gives it: each names itself, since the file's name can't be that of all.
  const read = value.map((item: unknown, index) => {
    const event = isObject(item) ? fromNamed(item, place) : undefined;
    return event ?? `item ${index + 1} of the list says no name of its own (self): not imported`;
  });
  return {
    events: read.filter((item) => typeof item !== 'string'),
    left: read.filter((item) => typeof item === 'string'),
  };
}

function fromPlan({ rules, common, left }: Plan, place: Place): Found {
  const shared = common.map((schema) => readSchema(schema, place.origin));
  if (rules.length === 0 && left.length === 0)
    throw refused(`a tracking plan without an event${common.length > 0 ? ': its common rule is none' : ''}`);
  return { events: rules.map(({ schema, ...head }) => toEvent(head, schema, { place, shared })), left };
}

function fromObject(definition: Json, place: Place): ImportedEvent {
  const named = fromNamed(definition, place);
  if (named !== undefined) return named;
  const other = Object.keys(OTHERS).find((key) => Object.hasOwn(definition, key));
  if (other !== undefined) throw refused(`${OTHERS[other]}: give the schemas of its events in files of their own`);
  const { type, event, kind, data, trackingPlan } = definition;
  if (isText(event) && isText(kind)) throw new OtherFile('request_invalid', 'an event file of Sluice itself');
  if (isObject(trackingPlan) || (isObject(data) && isObject(data.trackingPlan)))
    throw refused('a tracking plan without its rules: export them too');
  if (isSchemaOfObject(definition, [type].flat())) return toEvent(nameOf(definition, place), definition, { place });
  if (isSomethingElse(definition))
    throw new OtherFile('request_invalid', 'no event definition: its $schema is none of JSON Schema');
  if (Object.hasOwn(definition, 'definitions') || Object.hasOwn(definition, '$defs')) {
    throw refused('definitions alone: which of them is an event, nothing says');
  }
  throw refused(
    'neither a JSON Schema of an object, nor an Iglu schema, nor a tracking plan (Segment, RudderStack), ' +
      'nor an event definition of GitLab',
  );
}

/** What says itself how it is called. */
function fromNamed(definition: Json, place: Place): ImportedEvent | undefined {
  const { self } = definition;
  if (isObject(self)) {
    const { vendor, name, version } = self;
    if (!isText(vendor) || !isText(name) || !isText(version)) throw refused('self needs vendor, name and version');
    return toEvent({ name: `${vendor}/${name}`, version }, definition, { place });
  }
  const event = readGitlab(definition);
  return event === undefined ? undefined : toEvent({ name: event.name, version: '1' }, event.schema, { place });
}

function isSchemaOfObject(definition: Json, types: readonly unknown[]): boolean {
  if (types.includes('object') || (types.includes('array') && Object.hasOwn(definition, 'items'))) return true;
  if (Object.entries(SCHEMA_KEYS).some(([key, fits]) => Object.hasOwn(definition, key) && fits(definition[key])))
    return true;
  return (
    isMetaSchema(definition.$schema) &&
    !['type', 'enum', 'definitions', '$defs'].some((key) => Object.hasOwn(definition, key))
  );
}

const isMetaSchema = (name: unknown) =>
  isText(name) && /json-schema\.org|jsonschema|com\.snowplowanalytics\.self-desc/.test(name);

/** A `$schema` that this file follows, as a configuration does. */
const isSomethingElse = ({ $schema }: Json) => isText($schema) && !isMetaSchema($schema);

interface Context {
  readonly place: Place;
  /** Schemas that the event fits besides its own. */
  readonly shared?: readonly ReadSchema[];
}

function toEvent({ name, version }: Head, schema: unknown, { place, shared = [] }: Context): ImportedEvent {
  const parts = [readSchema(schema, place.origin), ...shared];
  const leaves = leavesOf(parts.map(({ shape }) => shape).reduce(both));
  const losses = [...parts.flatMap((part) => part.losses), ...leaves.losses];
  return {
    name: name.toWellFormed(),
    version,
    source: place.file,
    fields: leaves.fields,
    losses: [...new Set(losses)],
    notes: leaves.notes,
  };
}

const refused = (message: string) => new SluiceError('request_invalid', message);

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
