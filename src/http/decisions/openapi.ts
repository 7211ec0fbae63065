import { EFFECTS, REASON_CODES } from '../../core/answer.ts';
import { PARAMETERS, RECORD_KINDS } from '../../service/reading.ts';

/** What of the log is served. */
export interface Served {
  readonly reading?: boolean;
  readonly proofs?: boolean;
}

const RECORD = { type: 'object', required: ['v', 'index', 'time', 'origin', 'kind'], properties: { index: { type: 'integer', minimum: 0 }, time: { type: 'string' }, kind: { enum: RECORD_KINDS } } };
const PAGE = {
  type: 'object', required: ['records', 'next'], additionalProperties: false,
  properties: { records: { type: 'array', items: RECORD }, next: { type: ['string', 'null'], description: 'what `after` takes for the next page; null after the last' } },
};

const TEXT = { type: 'string' };
const DESCRIBED: Readonly<Record<string, { readonly description?: string; readonly schema: object }>> = {
  from: { description: 'a date, or a time with its zone: from then on', schema: TEXT },
  to: { description: 'a time: before it; a date: until its end', schema: TEXT },
  kind: { description: 'without it: decision, permitted, refused', schema: { enum: [...RECORD_KINDS, 'all'] } },
  decision: { schema: { enum: EFFECTS } },
  reason: { description: `one of ${REASON_CODES.join(', ')}, one of codes.yaml, or the code of a refusal`, schema: TEXT },
  revision: { description: 'its number, which counts in one environment, or its digest', schema: TEXT },
  field: { description: 'a path, as the event declares it', schema: TEXT },
  rule: { description: 'id of a rule or grant', schema: TEXT },
  order: { schema: { enum: ['newest', 'oldest'], default: 'newest' } },
  limit: { description: 'records of one page', schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } },
  after: { description: 'what the page before gave as next', schema: TEXT },
};
const SINGLE = ['from', 'to', 'requestId', 'order', 'limit', 'after'];

const requestId = { $ref: '#/components/parameters/RequestId' };
const inQuery = (name: string) => {
  const { description, schema } = DESCRIBED[name] ?? { schema: TEXT };
  return { name, in: 'query', required: false, ...(description !== undefined && { description }), ...(SINGLE.includes(name) ? { schema } : { explode: true, schema: { type: 'array', items: schema } }) };
};
const format = { name: 'format', in: 'query', required: false, description: 'ndjson and csv give everything, or with a limit one page, whose next is the header X-Next-After; without format, Accept decides', schema: { enum: ['json', 'ndjson', 'csv'] } };
const inPath = (name: string, description: string) => ({ name, in: 'path', required: true, description, schema: TEXT });

function operation(operationId: string, { summary, parameters = [], content, errors }: { readonly summary: string; readonly parameters?: readonly object[]; readonly content: object; readonly errors: object }) {
  return { get: { operationId, summary, security: [{ bearer: [] }], parameters: [requestId, ...parameters], responses: { 200: { description: 'Read, and the reading recorded', content }, ...errors } } };
}

const ID = inPath('id', 'of a decision, or the index of a record');
const TILE_PATH = inPath('path', 'level and number as in C2SP tlog-tiles');
const asText = { 'text/plain': { schema: TEXT } };

/** @param errors gives the descriptions of these statuses. */
export function readingPaths({ reading = false, proofs = false }: Served, errors: (statuses: readonly number[]) => object): Readonly<Record<string, object>> {
  const usual = errors([400, 401, 403, 405, 408, 413, 429, 431, 500, 503]);
  const one = { ...usual, ...errors([404]) };
  if (!reading) return {};
  return {
    '/decisions': operation('decisions', {
      summary: 'The decision log, for auditors: a page of it, or all that the filters leave', parameters: [...PARAMETERS.map(inQuery), format], errors: usual,
      content: { 'application/json': { schema: PAGE }, 'application/x-ndjson': { schema: TEXT }, 'text/csv': { schema: TEXT } },
    }),
    '/decisions/{id}': operation('decision', { summary: 'One record of the log', parameters: [ID], content: { 'application/json': { schema: RECORD } }, errors: one }),
    ...(proofs && {
      '/decisions/{id}/proof': operation('proof', { summary: 'That the record is in the log, as C2SP tlog-proof', parameters: [ID], content: asText, errors: one }),
      '/log/checkpoint': operation('checkpoint', { summary: 'The newest signed checkpoint', content: asText, errors: one }),
      '/log/tile/{path}': operation('tile', { summary: 'A tile of the log, as C2SP tlog-tiles', parameters: [TILE_PATH], content: { 'application/octet-stream': { schema: TEXT } }, errors: one }),
    }),
  };
}
