import { EFFECTS } from '../../core/answer.ts';
import { REASON_CODES } from '../../core/reason-codes.ts';
import { QUERY_LIMITS, PARAMETERS, RECORD_KINDS } from '../../service/reading.ts';
import { MOMENT } from '../describe/bodies.ts';
import { answer, COUNT, listOf, named, nullable, ref, TEXT, type Schema } from '../describe/parts.ts';
import { errors, ok, REQUEST_ID } from '../describe/responses.ts';

/** What of the log is served. */
export interface Served {
  readonly reading?: boolean;
  readonly proofs?: boolean;
}

/** `components.schemas` of what is read. */
export const READING_SCHEMAS = {
  Record: {
    ...answer(['v', 'index', 'time', 'origin', 'kind'], {
      v: COUNT,
      index: COUNT,
      time: { type: 'string', format: 'date-time' },
      origin: TEXT,
      kind: named(RECORD_KINDS),
    }),
    description: 'with what its kind has besides',
  },
  RecordPage: {
    ...answer(['records', 'next'], {
      records: listOf(ref('Record')),
      next: { ...nullable(TEXT), description: 'what `after` takes for the next page; null after the last' },
    }),
    additionalProperties: false,
  },
} as const;

const VALUE = { type: 'string', minLength: 1, maxLength: QUERY_LIMITS.length } as const;
const DESCRIBED: Readonly<Record<string, { readonly description?: string; readonly schema: Schema }>> = {
  from: { description: 'a date, or a time with its zone: from then on', schema: MOMENT },
  to: { description: 'a time: before it; a date: until its end', schema: MOMENT },
  kind: { description: 'without it: decision, permitted, refused', schema: named([...RECORD_KINDS, 'all']) },
  decision: { schema: named(EFFECTS) },
  reason: {
    description: `one of ${REASON_CODES.join(', ')}, one of your own, or the code of a refusal`,
    schema: VALUE,
  },
  revision: {
    description: 'its number, which counts in one environment, or its digest',
    schema: { type: 'string', pattern: '^(\\d{1,15}|sha256:[0-9a-f]{64})$' },
  },
  field: { description: 'a path, as the event declares it', schema: VALUE },
  rule: { description: 'id of a rule or grant', schema: VALUE },
  order: { schema: { ...named(['newest', 'oldest']), default: 'newest' } },
  limit: {
    description: 'records of one page',
    schema: { type: 'integer', minimum: 1, maximum: QUERY_LIMITS.page, default: 100 },
  },
  after: { description: 'what the page before gave as next', schema: VALUE },
};
const SINGLE = ['from', 'to', 'requestId', 'order', 'limit', 'after'];

const inQuery = (name: string) => {
  const { description, schema } = DESCRIBED[name] ?? { schema: VALUE };
  return {
    name,
    in: 'query',
    required: false,
    ...(description !== undefined && { description }),
    ...(SINGLE.includes(name)
      ? { schema }
      : { explode: true, schema: { ...listOf(schema), maxItems: QUERY_LIMITS.values } }),
  };
};
const format = {
  name: 'format',
  in: 'query',
  required: false,
  description:
    'ndjson and csv give everything, or with a limit one page, whose next is the header X-Next-After; ' +
    'without format, Accept decides',
  schema: named(['json', 'ndjson', 'csv']),
};
const inPath = (name: string, description: string) => ({ name, in: 'path', required: true, description, schema: TEXT });

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly object[];
  readonly content: object;
  readonly also?: readonly number[];
}

function operation(operationId: string, { summary, parameters = [], content, also = [] }: Operation) {
  return {
    get: {
      operationId,
      tags: ['log'],
      summary,
      security: [{ bearer: [] }],
      parameters: [REQUEST_ID, ...parameters],
      responses: {
        200: ok(
          'Read, and the reading recorded',
          content,
          ...(operationId === 'decisions' ? ['X-Next-After' as const] : []),
        ),
        ...errors([400, 401, 403, 405, 408, 413, 429, 431, 500, 503, ...also]),
      },
    },
  };
}

const ID = inPath('id', 'of a decision, or the index of a record');
const TILE_PATH = inPath('path', 'level and number as in C2SP tlog-tiles');
const asText = { 'text/plain': { schema: TEXT } };

export function readingPaths({ reading = false, proofs = false }: Served): Readonly<Record<string, object>> {
  if (!reading) return {};
  return {
    '/decisions': operation('decisions', {
      summary: 'The decision log, for auditors: a page of it, or all that the filters leave',
      parameters: [...PARAMETERS.map(inQuery), format],
      content: {
        'application/json': { schema: ref('RecordPage') },
        'application/x-ndjson': { schema: TEXT },
        'text/csv': { schema: TEXT },
      },
    }),
    '/decisions/{id}': operation('decision', {
      summary: 'One record of the log',
      parameters: [ID],
      content: { 'application/json': { schema: ref('Record') } },
      also: [404],
    }),
    ...(proofs && {
      '/decisions/{id}/proof': operation('proof', {
        summary: 'That the record is in the log, as C2SP tlog-proof',
        parameters: [ID],
        content: asText,
        also: [404],
      }),
      '/log/checkpoint': operation('checkpoint', {
        summary: 'The newest signed checkpoint',
        content: asText,
        also: [404],
      }),
      '/log/tile/{path}': operation('tile', {
        summary: 'A tile of the log, as C2SP tlog-tiles',
        parameters: [TILE_PATH],
        content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
        also: [404],
      }),
    }),
  };
}
