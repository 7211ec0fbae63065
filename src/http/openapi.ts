import { VERSION } from '../version.ts';
import { BATCH_LIMIT, BODY_LIMIT } from './body.ts';
import { readingPaths, READING_SCHEMAS, type Served } from './decisions/openapi.ts';
import { ANSWER_SCHEMAS } from './describe/answers.ts';
import { BODY_SCHEMAS } from './describe/bodies.ts';
import { ANY_OBJECT, content, ref, TEXT, type Schema } from './describe/parts.ts';
import { errors, ok, REQUEST_ID, sent } from './describe/responses.ts';
import { PERMIT_PATHS, PERMIT_SCHEMAS, PERMIT_SECURITY } from './permit/openapi.ts';
import { reportPaths, REPORT_SCHEMAS } from './reports/openapi.ts';

// Any request may meet these: its body and headers have limits, and Sluice may fail.
const ALWAYS = [400, 405, 408, 413, 431, 500] as const;
const ASKING = [...ALWAYS, 401, 403, 415, 429] as const;

interface Posting {
  readonly id: string;
  readonly tag?: string;
  readonly summary: string;
  readonly body: Schema;
  readonly answer: string;
  readonly also: readonly number[];
  readonly needsBody?: boolean;
  readonly inPath?: string;
  /** Bytes. */
  readonly limit?: number;
}

function posting({
  id,
  tag = 'admin',
  summary,
  body,
  answer,
  also,
  needsBody = true,
  inPath,
  limit = BODY_LIMIT,
}: Posting) {
  return {
    post: {
      operationId: id,
      tags: [tag],
      summary,
      security: [{ bearer: [] }],
      parameters: [
        REQUEST_ID,
        ...(inPath === undefined ? [] : [{ name: inPath, in: 'path', required: true, schema: TEXT }]),
      ],
      requestBody: sent(content(body), limit, needsBody),
      responses: { 200: ok('Answered', content(ref(answer))), ...errors([...ASKING, ...also]) },
    },
  };
}

function getting(id: string, summary: string, responses: object) {
  return {
    get: {
      operationId: id,
      tags: ['state'],
      summary,
      security: [],
      parameters: [REQUEST_ID],
      responses: { ...responses, ...errors(ALWAYS) },
    },
  };
}

const PATHS = {
  '/check': posting({
    id: 'check',
    tag: 'questions',
    summary: 'May these fields leave? Every decision is 200, a denial included',
    body: ref('Question'),
    answer: 'Answer',
    also: [409, 503],
  }),
  '/check/batch': posting({
    id: 'checkBatch',
    tag: 'questions',
    summary:
      'Up to 1,000 questions; each has its own decision or error, after 20,000 fields or 16 MiB of answer too_large',
    body: ref('Batch'),
    answer: 'BatchAnswer',
    also: [],
    limit: BATCH_LIMIT,
  }),
  '/permitted': posting({
    id: 'permitted',
    tag: 'questions',
    summary: 'What may the identity send the vendor: every category, or every field of the event',
    body: ref('PermittedQuestion'),
    answer: 'Permitted',
    also: [409, 503],
  }),
  '/admin/reload': posting({
    id: 'reload',
    summary: 'Load policy and facts anew; ok false: the last good ones stay',
    body: ref('Nothing'),
    answer: 'Reloaded',
    also: [],
    needsBody: false,
  }),
  '/admin/vendors/{id}/state': posting({
    id: 'setVendorState',
    summary: "Set a vendor's state: the kill switch",
    body: ref('VendorStateBody'),
    answer: 'VendorState',
    also: [404, 503],
    inPath: 'id',
  }),
  '/admin/sync': {
    get: {
      operationId: 'sync',
      tags: ['admin'],
      summary: 'State of the environments that are administered in Permit',
      security: [{ bearer: [] }],
      parameters: [REQUEST_ID],
      responses: { 200: ok('Answered', content(ref('Sync'))), ...errors([...ALWAYS, 401, 403, 404]) },
    },
  },
  '/admin/sync/{environment}': posting({
    id: 'actOnSync',
    summary: 'Ask Permit now, go back to a kept generation, or on to the newest',
    body: ref('SyncAct'),
    answer: 'Sync',
    also: [404, 503],
    inPath: 'environment',
  }),
  '/admin/sync/{environment}/poll': posting({
    id: 'pollNow',
    summary: 'A hint that something has changed in Permit; the body is not believed',
    body: { description: 'any JSON' },
    answer: 'Ok',
    also: [404],
    needsBody: false,
    inPath: 'environment',
  }),
  '/livez': getting('live', 'Does the process answer?', { 200: ok('Yes', content(ref('Live'))) }),
  '/readyz': getting('ready', 'Can questions be answered? State only', {
    200: ok('Yes; degraded: the last reload failed and the last good policy serves', content(ref('Ready'))),
    503: ok('No', content(ref('NotReady'))),
  }),
  '/openapi.json': getting('openapi', 'This document', { 200: ok('OpenAPI 3.1', content(ANY_OBJECT)) }),
  '/metrics': getting('metrics', 'For Prometheus; on loopback, or on a port of its own', {
    200: ok('Metrics', { 'text/plain': { schema: TEXT } }),
    ...errors([404]),
  }),
};

const LOG_PATHS = {
  '/admin/log/prune': posting({
    id: 'pruneLog',
    summary: 'Take whole segments from before a date out of the log, by a record',
    body: ref('PruneBody'),
    answer: 'Pruned',
    also: [503],
    needsBody: false,
  }),
  '/admin/log/rotate-key': posting({
    id: 'rotateLogKey',
    summary: 'Sign with a new key from now on; the old one signs the record that says so',
    body: ref('Nothing'),
    answer: 'Vkey',
    also: [503],
    needsBody: false,
  }),
  '/admin/log/rotate-names-key': posting({
    id: 'rotateNamesKey',
    summary: 'Hash names that nobody knows with a new key from now on',
    body: ref('Nothing'),
    answer: 'Ok',
    also: [503],
    needsBody: false,
  }),
};
const LOG_SCHEMAS = ['PruneBody', 'Pruned', 'Vkey'];

const TAGS = {
  questions: 'May this leave?',
  admin: 'For those who administer: each needs its power',
  state: 'How the server is; needs no token',
  log: 'The decision log, and reports from it, for auditors',
  permit: "What Permit's SDKs ask of its PDP, with the key of an environment",
} as const;

/**
 * The whole HTTP interface as OpenAPI 3.1; a test compares it with the routes and with real answers.
 *
 * @param reports whether there are any of the log.
 * @param logAdmin whether acts on the log are served.
 * @param permit whether Permit's SDKs may ask.
 */
export function createOpenApi({
  permit = false,
  reports = false,
  logAdmin = false,
  ...served
}: Served & { readonly permit?: boolean; readonly reports?: boolean; readonly logAdmin?: boolean } = {}) {
  const isUsed = (name: string) => logAdmin || !LOG_SCHEMAS.includes(name);
  const tags = Object.entries(TAGS).filter(([name]) =>
    name === 'log' ? served.reading === true || reports : name !== 'permit' || permit,
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version: VERSION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      summary: 'May identity X send field set F to vendor V in environment E? Whoever gets no 200 must send nothing.',
    },
    servers: [
      { url: '/', description: 'the server that gives this document' },
      { url: 'http://127.0.0.1:8181', description: 'as it is started by hand' },
    ],
    tags: tags.map(([name, description]) => ({ name, description })),
    paths: {
      ...PATHS,
      ...(logAdmin && LOG_PATHS),
      ...readingPaths(served),
      ...(reports && reportPaths()),
      ...(permit && PERMIT_PATHS),
    },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, ...(permit && PERMIT_SECURITY) },
      // Whatever it is, it is no mistake: what doesn't fit is replaced.
      parameters: {
        RequestId: {
          name: 'X-Request-ID',
          in: 'header',
          required: false,
          description: 'echoed when it has 1 to 64 letters, digits, dots, dashes and underscores, else replaced',
          schema: TEXT,
        },
      },
      schemas: {
        ...Object.fromEntries(Object.entries({ ...BODY_SCHEMAS, ...ANSWER_SCHEMAS }).filter(([name]) => isUsed(name))),
        ...(served.reading && READING_SCHEMAS),
        ...(reports && REPORT_SCHEMAS),
        ...(permit && PERMIT_SCHEMAS),
      },
    },
  };
}
