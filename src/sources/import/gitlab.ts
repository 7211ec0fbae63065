type Json = Readonly<Record<string, unknown>>;

/** What only an event definition of GitLab has beside `action`. */
const MARKS = [
  'identifiers',
  'internal_events',
  'extra_properties',
  'additional_properties',
  'label_description',
  'product_group',
];

/** What Snowplow's structured events have, in the old form of a definition said by a key of its own. */
const SLOTS: Readonly<Record<string, string>> = { label: 'string', property: 'string', value: 'number' };

/**
 * GitLab's event definition as a name and a schema; undefined for what is none. In the old form the category is a part
 * of the name.
 */
export function readGitlab(definition: Json): { readonly name: string; readonly schema: Json } | undefined {
  const { action, category, internal_events: isInternal } = definition;
  if (!isText(action) || !MARKS.some((mark) => Object.hasOwn(definition, mark))) return undefined;
  return {
    name: isInternal === true || !isText(category) ? action : `${category}/${action}`,
    schema: { type: 'object', properties: Object.fromEntries(propertiesOf(definition)) },
  };
}

function propertiesOf(definition: Json): Map<string, Json> {
  const { identifiers, extra_properties: extra, additional_properties: additional } = definition;
  const properties = new Map<string, Json>();
  for (const name of Array.isArray(identifiers) ? identifiers.filter(isText) : []) properties.set(name, {});
  for (const [slot, type] of Object.entries(SLOTS))
    if (isText(definition[`${slot}_description`])) properties.set(slot, { type });
  for (const [name, property] of [extra, additional].filter(isObject).flatMap((named) => Object.entries(named))) {
    const stated = isObject(property) && isText(property.type) ? property.type : SLOTS[name];
    properties.set(name, stated === undefined ? {} : { type: stated });
  }
  return properties;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
