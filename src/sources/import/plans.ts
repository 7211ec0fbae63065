type Json = Readonly<Record<string, unknown>>;

/** An event of a tracking plan: its name, version and schema. */
export interface Rule {
  readonly name: string;
  readonly version: string;
  readonly schema: Json;
}

/** A tracking plan. */
export interface Plan {
  readonly rules: readonly Rule[];
  /** Schemas that every event of the plan fits besides its own: they are no events. */
  readonly common: readonly Json[];
  /** What of it is no event that can be taken over, in plain words. */
  readonly left: readonly string[];
}

/**
 * The rules of a tracking plan as Segment's and RudderStack's exports have them: `rules` as a list, or a map with
 * `events`; `events` as a list; any of them below `data`. Undefined for what is none.
 */
export function readPlan(definition: unknown): Plan | undefined {
  const rules = rulesOf(definition);
  if (rules === undefined) return undefined;
  const read = rules.map(readRule);
  return {
    rules: read.flatMap((rule) => (typeof rule === 'object' && 'name' in rule ? rule : [])),
    common: read.flatMap((rule) => (typeof rule === 'object' && 'common' in rule ? [rule.common as Json] : [])),
    left: [...read.filter((rule) => typeof rule === 'string'), ...moreOf(definition)],
  };
}

function rulesOf(definition: unknown): readonly unknown[] | undefined {
  if (Array.isArray(definition)) return definition.length > 0 && definition.every(isRule) ? definition : undefined;
  if (!isObject(definition)) return undefined;
  const { rules, events, data } = definition;
  if (Array.isArray(rules)) return rules;
  if (isObject(rules) && (Array.isArray(rules.events) || rules.global !== undefined || rules.identify !== undefined))
    return configRules(rules);
  if (Array.isArray(events)) return events;
  return isObject(data) || Array.isArray(data) ? rulesOf(data) : undefined;
}

/** Schemas of calls stand beside the events' there, and are empty where nobody wrote one. */
function configRules({ events, global, identify, group }: Json): readonly unknown[] {
  const calls = Object.entries({ COMMON: global, identify, group }).filter(
    ([, schema]) => isObject(schema) && Object.keys(schema).length > 0,
  );
  return [...(Array.isArray(events) ? events : []), ...calls.map(([type, jsonSchema]) => ({ type, jsonSchema }))];
}

/** An export of one page names the next. */
function moreOf(definition: unknown): readonly string[] {
  const pages = [definition, isObject(definition) ? definition.data : undefined]
    .filter(isObject)
    .map(({ pagination }) => pagination);
  return pages.some((page) => isObject(page) && isText(page.next))
    ? ['this is one page of a tracking plan: the rules of the next ones are not here']
    : [];
}

const isRule = (value: unknown) =>
  isObject(value) &&
  [value.jsonSchema, value.rules].some(isObject) &&
  [value.key, value.name, value.type, value.eventType].some(isText);

/** Calls other than track have no name of their own; theirs is the call's. */
function readRule(rule: unknown, index: number): Rule | { readonly common: Json } | string {
  const where = `rule ${index + 1}`;
  if (!isObject(rule)) return `${where} is no object`;
  const own = [rule.key, rule.name].find(isText);
  const type = [rule.type, rule.eventType].find(isText);
  const schema = [rule.jsonSchema, rule.rules].find(isObject);
  const called = own === undefined ? where : `${where} (${JSON.stringify(own.slice(0, 100))})`;
  if (schema === undefined) return `${called} has no schema (jsonSchema, or rules)`;
  if (type?.toUpperCase() === 'COMMON') return { common: schema };
  const name = own ?? type?.toLowerCase();
  if (name === undefined) return `${called} has no name (key, or name) and no type`;
  const version = [rule.version].find((value) => isText(value) || typeof value === 'number');
  return { name, version: version === undefined ? '1' : String(version), schema };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
