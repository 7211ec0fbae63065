import { VENDOR_STATES } from '../core/facts.ts';
import { MAX_ITEMS, PERMITTED_SCHEMA, QUESTION_SCHEMA } from '../core/parse/parse.ts';
import { VERSION } from '../version.ts';
import { ANSWER_SCHEMAS } from './answer-schema.ts';
import { readingPaths, type Served } from './decisions/openapi.ts';
import { reportPaths } from './reports/openapi.ts';
import { STATUS } from './errors.ts';
import { PERMIT_PATHS, PERMIT_SCHEMAS, PERMIT_SECURITY } from './permit/openapi.ts';

type Schema = Readonly<Record<string, unknown>>;

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const content = (schema: Schema) => ({ 'application/json': { schema } });

// Any request may meet these: its body and headers have limits, and Sluice may fail.
const ALWAYS = [400, 405, 408, 413, 431, 500] as const;
const ASKING = [...ALWAYS, 401, 403, 415, 429] as const;

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not one that can be understood',
  401: 'No known bearer token',
  403: 'The caller may not ask this, or lacks the power',
  404: 'Nothing has this name',
  405: 'Another method is needed: see Allow',
  408: 'The request took too long to arrive',
  409: 'No revision as new as minRevision asks for',
  413: 'Larger than the limits',
  415: 'Not application/json in UTF-8',
  429: 'Faster than the caller\'s rate: see Retry-After',
  431: 'The headers are too large',
  500: 'A fault in Sluice; nothing was decided',
  503: 'The decision can not be recorded, so there is none: see Retry-After',
};

const errors = (statuses: readonly number[]) => Object.fromEntries(statuses.toSorted((a, b) => a - b).map((status) => [
  status, { description: TITLES[status]!, content: content(ref('Error')) },
]));

function posting({ id, summary, body, answer, also, needsBody = true }: {
  readonly id: string; readonly summary: string; readonly body: Schema; readonly answer: string; readonly also: readonly number[]; readonly needsBody?: boolean;
}) {
  return {
    post: {
      operationId: id,
      summary,
      security: [{ bearer: [] }],
      parameters: [{ $ref: '#/components/parameters/RequestId' }],
      requestBody: { required: needsBody, content: content(body) },
      responses: { 200: { description: 'Answered', content: content(ref(answer)) }, ...errors([...ASKING, ...also]) },
    },
  };
}

function getting(id: string, summary: string, responses: object) {
  return { get: { operationId: id, summary, security: [], parameters: [{ $ref: '#/components/parameters/RequestId' }], responses: { ...responses, ...errors(ALWAYS) } } };
}

const PATHS = {
  '/check': posting({ id: 'check', summary: 'May these fields leave? Every decision is 200, a denial included', body: ref('Question'), answer: 'Answer', also: [409, 503] }),
  '/check/batch': posting({ id: 'checkBatch', summary: 'Up to 1,000 questions; each has its own decision or error', body: ref('Batch'), answer: 'BatchAnswer', also: [] }),
  '/permitted': posting({ id: 'permitted', summary: 'What may the identity send the vendor: every category, or every field of the event', body: ref('PermittedQuestion'), answer: 'Permitted', also: [409, 503] }),
  '/admin/reload': posting({ id: 'reload', summary: 'Load policy and facts anew; ok false: the last good ones stay', body: { type: 'object', maxProperties: 0 }, answer: 'Reloaded', also: [], needsBody: false }),
  '/admin/vendors/{id}/state': withParameter('id', posting({ id: 'setVendorState', summary: 'Set a vendor\'s state: the kill switch', body: ref('VendorStateBody'), answer: 'VendorState', also: [404, 503] })),
  '/admin/sync': { get: { ...getting('sync', 'State of the environments that are administered in Permit', { 200: { description: 'Answered', content: content(ref('Sync')) } }).get, security: [{ bearer: [] }], responses: { 200: { description: 'Answered', content: content(ref('Sync')) }, ...errors([...ALWAYS, 401, 403, 404]) } } },
  '/admin/sync/{environment}': withParameter('environment', posting({ id: 'actOnSync', summary: 'Ask Permit now, go back to a kept generation, or on to the newest', body: ref('SyncAct'), answer: 'Sync', also: [404, 503] })),
  '/admin/sync/{environment}/poll': withParameter('environment', posting({ id: 'pollNow', summary: 'A hint that something has changed in Permit; the body is not believed', body: { type: 'object' }, answer: 'Ok', also: [404], needsBody: false })),
  '/livez': getting('live', 'Does the process answer?', { 200: { description: 'Yes', content: content(ref('Live')) } }),
  '/readyz': getting('ready', 'Can questions be answered? State only', {
    200: { description: 'Yes; degraded: the last reload failed and the last good policy serves', content: content(ref('Ready')) },
    503: { description: 'No', content: content(ref('NotReady')) },
  }),
  '/openapi.json': getting('openapi', 'This document', { 200: { description: 'OpenAPI 3.1', content: content({ type: 'object' }) } }),
  '/metrics': getting('metrics', 'For Prometheus; on loopback, or on a port of its own', {
    200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } }, ...errors([404]),
  }),
};

const LOG_PATHS = {
  '/admin/log/prune': posting({ id: 'pruneLog', summary: 'Take whole segments from before a date out of the log, by a record', body: ref('PruneBody'), answer: 'Pruned', also: [503], needsBody: false }),
  '/admin/log/rotate-key': posting({ id: 'rotateLogKey', summary: 'Sign with a new key from now on; the old one signs the record that says so', body: { type: 'object', maxProperties: 0 }, answer: 'Vkey', also: [503], needsBody: false }),
  '/admin/log/rotate-names-key': posting({ id: 'rotateNamesKey', summary: 'Hash names that nobody knows with a new key from now on', body: { type: 'object', maxProperties: 0 }, answer: 'Ok', also: [503], needsBody: false }),
};

function withParameter<T extends { readonly post: { readonly parameters: readonly object[] } }>(name: string, path: T) {
  return { post: { ...path.post, parameters: [...path.post.parameters, { name, in: 'path', required: true, schema: { type: 'string' } }] } };
}

/** Items and defaults are parts of a question; what an item lacks in the end is its own error. */
const Batch = {
  type: 'object',
  additionalProperties: false,
  required: ['items'],
  properties: {
    defaults: { type: 'object', description: 'members of a question; an item overlays them, null unsets' },
    items: { type: 'array', minItems: 1, maxItems: MAX_ITEMS, items: { type: 'object' } },
  },
};

const ErrorSchema = {
  type: 'object',
  required: ['code', 'message', 'requestId'],
  additionalProperties: false,
  properties: { code: { enum: Object.keys(STATUS) }, message: { type: 'string' }, requestId: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' } },
};

/**
 * The whole HTTP interface as OpenAPI 3.1; a test compares it with the routes and with real answers.
 *
 * @param reports whether there are any of the log.
 * @param logAdmin whether acts on the log are served.
 * @param permit whether Permit's SDKs may ask.
 */
export function createOpenApi({ permit = false, reports = false, logAdmin = false, ...served }: Served & { readonly permit?: boolean; readonly reports?: boolean; readonly logAdmin?: boolean } = {}) {
  return {
    openapi: '3.1.0',
    info: { title: 'Sluice', version: VERSION, summary: 'May identity X send field set F to vendor V in environment E? Whoever gets no 200 must send nothing.' },
    paths: { ...PATHS, ...(logAdmin && LOG_PATHS), ...readingPaths(served, errors), ...(reports && reportPaths(errors)), ...(permit && PERMIT_PATHS) },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, ...(permit && PERMIT_SECURITY) },
      parameters: { RequestId: { name: 'X-Request-ID', in: 'header', required: false, description: 'echoed when it fits, else replaced', schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' } } },
      schemas: {
        Question: QUESTION_SCHEMA,
        PermittedQuestion: PERMITTED_SCHEMA,
        Batch,
        SyncAct: { type: 'object', additionalProperties: false, required: ['action'], properties: { action: { enum: ['poll', 'rollback', 'resume'] }, generation: { type: 'integer', minimum: 1 } } },
        VendorStateBody: { type: 'object', additionalProperties: false, required: ['state'], properties: { state: { enum: VENDOR_STATES } } },
        PruneBody: { type: 'object', additionalProperties: false, properties: { before: { type: 'string', description: 'a date, or a time in UTC; default: SLUICE_LOG_KEEP_DAYS ago' } } },
        Error: ErrorSchema,
        ...ANSWER_SCHEMAS,
        ...(permit && PERMIT_SCHEMAS),
      },
    },
  };
}
