import { MAX_ITEMS } from '../../core/parse/parse.ts';
import { BATCH_LIMIT, BODY_LIMIT } from '../body.ts';
import {
  ANY_OBJECT,
  answer,
  content,
  listOf,
  mapOf,
  named,
  nullable,
  ref,
  TEXT,
  TEXTS,
  titled,
  YES_OR_NO,
  type Schema,
} from '../describe/parts.ts';
import { errors as described, ok, REQUEST_ID, sent } from '../describe/responses.ts';

// The part of the document that is served only where there are keys of Permit's. Members that are not named are passed
// over, so that the bodies here let others pass as the answers do.

const NAME = { type: 'string', minLength: 1, maxLength: 256 } as const;
/** Empty is as good as absent. */
const OPTIONAL = nullable({ type: 'string', maxLength: 256 });

const TITLES: Readonly<Record<number, string>> = {
  401: 'No Authorization header, or several',
  403: 'The bearer token is no key of an environment that is served here',
  405: 'Another method is needed: see Allow',
  413: 'Larger than the limits',
  415: 'Not application/json in UTF-8',
  422: 'The body is not one that can be understood',
  429: 'More lists at once than are made: see Retry-After',
  500: 'A fault in Sluice; nothing was decided',
  503: 'Nothing can be recorded, or the facts are not verified yet: see Retry-After',
};
const errors = (statuses: readonly number[]) =>
  described(statuses, { titles: TITLES, schema: (status) => ref(status === 422 ? 'PermitInvalid' : 'PermitError') });

interface Posting extends Readonly<Record<'id' | 'summary', string> & Record<'body' | 'answer', Schema>> {
  readonly limit?: number;
}

function posting({ id, summary, body, answer: answered, limit = BODY_LIMIT }: Posting) {
  return {
    post: {
      operationId: id,
      tags: ['permit'],
      summary,
      security: [{ permitKey: [] }],
      parameters: [REQUEST_ID],
      requestBody: sent(content(body), limit),
      responses: { 200: ok('Answered', content(answered)), ...errors(Object.keys(TITLES).map(Number)) },
    },
  };
}

const health = (id: string) => ({
  get: {
    operationId: id,
    tags: ['permit'],
    summary: "As /readyz, as Permit's PDP tells it",
    security: [],
    parameters: [REQUEST_ID],
    responses: {
      200: ok('Yes', content(ref('PermitHealth'))),
      503: ok('No', content(ref('PermitHealth'))),
      ...errors([405, 500]),
    },
  },
});

export const PERMIT_PATHS = {
  '/allowed': posting({
    id: 'permitAllowed',
    summary: 'permit.check; true only for the decision allow',
    body: ref('PermitQuestion'),
    answer: ref('PermitAllowed'),
  }),
  '/allowed/bulk': posting({
    id: 'permitBulk',
    summary: 'permit.bulkCheck: as many answers, in their order',
    body: { ...listOf(ref('PermitQuestion')), maxItems: MAX_ITEMS },
    answer: ref('PermitBulk'),
    limit: BATCH_LIMIT,
  }),
  '/allowed/all-tenants': posting({
    id: 'permitAllTenants',
    summary: 'permit.checkAllTenants: those in which it is allowed; the key may stand in the body',
    body: ref('PermitQuestion'),
    answer: ref('PermitTenants'),
  }),
  '/allowed_url': posting({
    id: 'permitAllowedUrl',
    summary: 'permit.checkUrl: of the vendor that has the host; what is sent is named in the context',
    body: ref('PermitUrlQuestion'),
    answer: ref('PermitAllowed'),
  }),
  '/user-permissions': posting({
    id: 'permitUserPermissions',
    summary: 'permit.getUserPermissions: what would be allowed, by vendor',
    body: ref('PermitPermissionsQuestion'),
    answer: mapOf(ref('PermitPermissions')),
  }),
  '/user-tenants': posting({
    id: 'permitUserTenants',
    summary: 'The tenants of the vendors to which something would be allowed',
    body: ref('PermitUserTenantsQuestion'),
    answer: listOf(ref('PermitTenant')),
  }),
  '/authorized_users': posting({
    id: 'permitAuthorizedUsers',
    summary: 'Who would be allowed to',
    body: ref('PermitAuthorizedQuestion'),
    answer: ref('PermitAuthorized'),
  }),
  '/health': health('permitHealth'),
  '/healthy': health('permitHealthy'),
  '/ready': health('permitReady'),
} as const;

const PURPOSE = { purpose: nullable(NAME) } as const;
const contextOf = (description: string, properties: Readonly<Record<string, Schema>>) =>
  nullable({ ...answer([], properties), description });
const CONTEXT = ref('PermitContext');
const ACTION = { ...NAME, description: '`send-` and a category, its dots as dashes' } as const;
const NAMES = nullable({ ...listOf({ type: 'string', maxLength: 512 }), maxItems: 1000 });

export const PERMIT_SCHEMAS = {
  PermitUser: answer(['key'], { key: { ...NAME, description: '`service|telemetry` or `service:telemetry`' } }),
  PermitResource: answer(['type'], {
    type: { ...NAME, description: 'vendor' },
    key: { ...OPTIONAL, description: "a vendor's id" },
    tenant: { ...OPTIONAL, description: 'absent: default' },
  }),
  PermitContext: contextOf('`purpose`, else analytics.reporting; and names that context.yaml declares', PURPOSE),
  PermitQuestion: {
    ...answer(['user', 'action', 'resource'], {
      user: ref('PermitUser'),
      action: ACTION,
      resource: ref('PermitResource'),
      context: CONTEXT,
    }),
    description: 'Members beside these are passed over: what is stored of user and vendor counts',
  },
  PermitUrlQuestion: answer(['user', 'url'], {
    user: ref('PermitUser'),
    url: {
      type: 'string',
      maxLength: 8192,
      pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^/]',
      description: 'only its host is used, and whether the way there is encrypted',
    },
    http_method: { ...nullable(TEXT), description: 'passed over: it does not say what is sent' },
    tenant: { ...OPTIONAL, description: 'absent: default' },
    context: titled(
      'PermitUrlContext',
      contextOf('as elsewhere; `action` says what is sent, and without it nothing is allowed', {
        ...PURPOSE,
        action: nullable(ACTION),
      }),
    ),
  }),
  PermitAllowed: answer(['allow', 'result', 'debug'], {
    allow: YES_OR_NO,
    result: YES_OR_NO,
    query: {
      ...ANY_OBJECT,
      description:
        'user, action and resource as they were asked with: names alone; absent where they could not be read',
    },
    debug: titled(
      'PermitDebug',
      answer([], { code: TEXT, reason: TEXT, decision: TEXT, decisionId: TEXT, reasons: listOf(ANY_OBJECT) }),
    ),
  }),
  PermitBulk: answer(['allow'], {
    allow: { ...listOf(ref('PermitAllowed')), maxItems: MAX_ITEMS, description: 'in the order of the questions' },
  }),
  PermitTenant: answer(['key', 'attributes'], { key: TEXT, attributes: ANY_OBJECT }),
  // The Node SDK reads `allowedTenants`, which isn't described: most languages take one name in two spellings for one.
  PermitTenants: {
    ...answer(['allowed_tenants'], {
      allowed_tenants: listOf(
        titled(
          'PermitAllowedTenant',
          answer(['allow', 'result', 'tenant'], { allow: YES_OR_NO, result: YES_OR_NO, tenant: ref('PermitTenant') }),
        ),
      ),
    }),
    description: 'the same stands under a second spelling, which permitio reads',
  },
  PermitPermissionsQuestion: answer(['user'], {
    user: ref('PermitUser'),
    tenants: NAMES,
    resources: NAMES,
    resource_types: NAMES,
    context: CONTEXT,
  }),
  PermitUserTenantsQuestion: answer(['user'], { user: ref('PermitUser'), context: CONTEXT }),
  PermitPermissions: answer(['tenant', 'resource', 'permissions', 'roles'], {
    tenant: ref('PermitTenant'),
    resource: titled(
      'PermitVendor',
      answer(['type', 'key', 'attributes'], { type: named(['vendor']), key: TEXT, attributes: ANY_OBJECT }),
    ),
    permissions: listOf({ type: 'string', pattern: '^vendor:send-' }),
    roles: TEXTS,
  }),
  PermitAuthorizedQuestion: answer(['action', 'resource'], {
    action: ACTION,
    resource: ref('PermitResource'),
    context: CONTEXT,
  }),
  PermitAuthorized: answer(['resource', 'tenant', 'users'], {
    resource: TEXT,
    tenant: TEXT,
    users: mapOf(
      listOf(
        titled(
          'PermitAuthorizedUser',
          answer(['user', 'tenant', 'resource', 'role'], { user: TEXT, tenant: TEXT, resource: TEXT, role: TEXT }),
        ),
      ),
    ),
  }),
  PermitHealth: answer(['status', 'components'], { status: named(['ok', 'error']), components: ANY_OBJECT }),
  PermitError: answer(['detail'], { detail: TEXT }),
  PermitInvalid: answer(['detail'], {
    detail: {
      ...listOf(
        titled(
          'PermitMistake',
          answer(['loc', 'msg', 'type'], {
            loc: listOf(titled('PermitPlace', { anyOf: [TEXT, { type: 'integer' }] })),
            msg: TEXT,
            type: TEXT,
          }),
        ),
      ),
      minItems: 1,
    },
  }),
} as const;

export const PERMIT_SECURITY = {
  permitKey: { type: 'http', scheme: 'bearer', description: 'The API key of a Permit environment' },
} as const;
