// The parts that the document is made of. They keep to what generators of clients understand: every schema has a type,
// null is one of its types, and what must be together stands in `dependentSchemas`, which they pass over.

export type Schema = Readonly<Record<string, unknown>>;

export const TEXT = { type: 'string' } as const;
export const TEXTS = { type: 'array', items: TEXT } as const;
export const COUNT = { type: 'integer', format: 'int64', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
export const NUMBER = { type: 'number' } as const;
export const YES_OR_NO = { type: 'boolean' } as const;
export const DIGEST = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } as const;

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const content = (schema: Schema) => ({ 'application/json': { schema } });
export const listOf = (items: Schema) => ({ type: 'array', items }) as const;
export const named = (values: readonly string[]) => ({ type: 'string', enum: values }) as const;
export const only = (number: number) => ({ type: 'integer', enum: [number] }) as const;

/** Of an answer, which may gain members within v1: whoever reads it must let others pass, and is told so. */
export const answer = (required: readonly string[], properties: Readonly<Record<string, Schema>>) =>
  ({ type: 'object', required, additionalProperties: true, properties }) as const;

/** Of a request: a member that is not named here is refused. */
export const closed = (required: readonly string[], properties: Readonly<Record<string, Schema>>) =>
  ({ type: 'object', ...(required.length > 0 && { required }), additionalProperties: false, properties }) as const;

/** Any members with any values. */
export const ANY_OBJECT = { type: 'object', additionalProperties: true } as const;

/** By name: what stands under each. */
export const mapOf = (schema: Schema) => ({ type: 'object', additionalProperties: schema }) as const;

/** The same or null. @param schema has one type. */
export const nullable = ({ type, enum: values, ...schema }: Schema): Schema => ({
  ...schema,
  type: [type, 'null'],
  ...(Array.isArray(values) && { enum: [...(values as unknown[]), null] }),
});

/** A name for what is described in place, which generators take for their types. */
export const titled = (title: string, schema: Schema): Schema => ({ title, ...schema });
