import { MAX_ITEMS } from '../../core/parse/parse.ts';

// The part of the document that is served only where there are keys of Permit's.

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const content = (schema: object) => ({ 'application/json': { schema } });
const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
const object = (required: readonly string[], properties: object) => ({ type: 'object', required, properties });
const listOf = (items: object) => ({ type: 'array', items });
const NAME = { type: 'string', minLength: 1, maxLength: 256 } as const;
const PARAMETERS = [{ $ref: '#/components/parameters/RequestId' }] as const;

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
const errors = (statuses: readonly number[]) => Object.fromEntries(statuses.map((status) => [status, { description: TITLES[status]!, content: content(ref('PermitError')) }]));

function posting({ id, summary, body, answer }: { readonly id: string; readonly summary: string; readonly body: object; readonly answer: object }) {
  return {
    post: {
      operationId: id, summary, security: [{ permitKey: [] }], parameters: PARAMETERS,
      requestBody: { required: true, content: content(body) },
      responses: { 200: { description: 'Answered', content: content(answer) }, ...errors(Object.keys(TITLES).map(Number)) },
    },
  };
}

const health = (id: string) => ({
  get: {
    operationId: id, summary: 'As /readyz, as Permit\'s PDP tells it', security: [], parameters: PARAMETERS,
    responses: { 200: { description: 'Yes', content: content(ref('PermitHealth')) }, 503: { description: 'No', content: content(ref('PermitHealth')) }, ...errors([405, 500]) },
  },
});

export const PERMIT_PATHS = {
  '/allowed': posting({ id: 'permitAllowed', summary: 'permit.check; true only for the decision allow', body: ref('PermitQuestion'), answer: ref('PermitAllowed') }),
  '/allowed/bulk': posting({ id: 'permitBulk', summary: 'permit.bulkCheck: as many answers, in their order', body: { ...listOf({ type: 'object' }), maxItems: MAX_ITEMS }, answer: object(['allow'], { allow: listOf(ref('PermitAllowed')) }) }),
  '/allowed/all-tenants': posting({ id: 'permitAllTenants', summary: 'permit.checkAllTenants: those in which it is allowed; the key may stand in the body', body: { type: 'object' }, answer: ref('PermitTenants') }),
  '/allowed_url': posting({ id: 'permitAllowedUrl', summary: 'permit.checkUrl: of the vendor that has the host; what is sent is named in the context', body: ref('PermitUrlQuestion'), answer: ref('PermitAllowed') }),
  '/user-permissions': posting({ id: 'permitUserPermissions', summary: 'permit.getUserPermissions: what would be allowed, by vendor', body: ref('PermitPermissionsQuestion'), answer: { type: 'object', additionalProperties: ref('PermitPermissions') } }),
  '/user-tenants': posting({ id: 'permitUserTenants', summary: 'The tenants of the vendors to which something would be allowed', body: ref('PermitUserTenantsQuestion'), answer: listOf(ref('PermitTenant')) }),
  '/authorized_users': posting({ id: 'permitAuthorizedUsers', summary: 'Who would be allowed to', body: ref('PermitAuthorizedQuestion'), answer: ref('PermitAuthorized') }),
  '/health': health('permitHealth'),
  '/healthy': health('permitHealthy'),
  '/ready': health('permitReady'),
} as const;

const RESOURCE = object(['type'], { type: { ...NAME, description: 'vendor' }, key: nullable({ type: 'string', maxLength: 256, description: 'a vendor\'s id' }), tenant: nullable({ type: 'string', maxLength: 256, description: 'absent: default' }) });
const CONTEXT = nullable({ type: 'object', description: '`purpose`, else analytics.reporting; and names that context.yaml declares', properties: { purpose: nullable(NAME) } });
const USER = object(['key'], { key: { ...NAME, description: '`service|telemetry` or `service:telemetry`' } });
const ACTION = { ...NAME, description: '`send-` and a category, its dots as dashes' } as const;
const NAMES = nullable({ type: 'array', maxItems: 1000, items: { type: 'string', maxLength: 512 } });
const DETAIL = object(['key', 'attributes'], { key: { type: 'string' }, attributes: { type: 'object' } });
const TENANTS = listOf(object(['allow', 'result', 'tenant'], { allow: { const: true }, result: { const: true }, tenant: DETAIL }));

export const PERMIT_SCHEMAS = {
  PermitQuestion: { ...object(['user', 'action', 'resource'], { user: USER, action: ACTION, resource: RESOURCE, context: CONTEXT }), description: 'Members beside these are passed over: what is stored of user and vendor counts' },
  PermitUrlQuestion: object(['user', 'url'], {
    user: USER, url: { type: 'string', maxLength: 8192, description: 'only its host is used, and whether the way there is encrypted' },
    http_method: { type: 'string', description: 'passed over: it does not say what is sent' },
    tenant: nullable({ type: 'string', maxLength: 256, description: 'absent: default' }),
    context: nullable({ type: 'object', description: 'as elsewhere; `action` says what is sent, and without it nothing is allowed', properties: { purpose: nullable(NAME), action: nullable(ACTION) } }),
  }),
  PermitUserTenantsQuestion: object(['user'], { user: USER, context: CONTEXT }),
  PermitTenant: DETAIL,
  PermitAllowed: object(['allow', 'result', 'debug'], {
    allow: { type: 'boolean' }, result: { type: 'boolean' },
    query: { type: 'object', description: 'user, action and resource as they were asked with: names alone; absent where they could not be read' },
    debug: object([], { code: { type: 'string' }, reason: { type: 'string' }, decision: { type: 'string' }, decisionId: { type: 'string' }, reasons: listOf({ type: 'object' }) }),
  }),
  PermitTenants: object(['allowedTenants', 'allowed_tenants'], { allowedTenants: TENANTS, allowed_tenants: TENANTS }),
  PermitPermissionsQuestion: object(['user'], { user: USER, tenants: NAMES, resources: NAMES, resource_types: NAMES, context: CONTEXT }),
  PermitPermissions: object(['tenant', 'resource', 'permissions', 'roles'], {
    tenant: DETAIL, resource: object(['type', 'key', 'attributes'], { type: { const: 'vendor' }, key: { type: 'string' }, attributes: { type: 'object' } }),
    permissions: listOf({ type: 'string', pattern: '^vendor:send-' }), roles: listOf({ type: 'string' }),
  }),
  PermitAuthorizedQuestion: object(['action', 'resource'], { action: ACTION, resource: RESOURCE, context: CONTEXT }),
  PermitAuthorized: object(['resource', 'tenant', 'users'], {
    resource: { type: 'string' }, tenant: { type: 'string' },
    users: { type: 'object', additionalProperties: listOf(object(['user', 'tenant', 'resource', 'role'], { user: { type: 'string' }, tenant: { type: 'string' }, resource: { type: 'string' }, role: { type: 'string' } })) },
  }),
  PermitHealth: object(['status', 'components'], { status: { enum: ['ok', 'error'] }, components: { type: 'object' } }),
  PermitError: object(['detail'], {
    detail: { anyOf: [{ type: 'string' }, listOf(object(['loc', 'msg', 'type'], { loc: listOf({ type: ['string', 'integer'] }), msg: { type: 'string' }, type: { type: 'string' } }))] },
  }),
} as const;

export const PERMIT_SECURITY = { permitKey: { type: 'http', scheme: 'bearer', description: 'The API key of a Permit environment' } } as const;
