import type { RequestHandler } from 'express';
import { toAction } from '../../core/permit-names.ts';
import type { AuthorizedUsers, VendorPermissions } from '../../service/drop-in/lists.ts';
import { BODY_LIMIT, readJson } from '../body.ts';
import { stateOf } from '../reply.ts';
import type { PermitDeps } from './allowed.ts';
import { readAsked, readContext, readNames, readObject, readPurpose, readUser } from './read.ts';

const BODY = ['body'] as const;

/** By vendor, as Permit tells of resource instances. Nothing is told of a tenant as a whole: without a vendor nothing is allowed. */
export function postUserPermissions({ dropIn, credentials, rate, reply }: PermitDeps): RequestHandler {
  return async function userPermissions(req, res) {
    const { caller, environment } = credentials.ofHeader(req);
    rate.take(caller, 1);
    const members = readObject(await readJson(req, BODY_LIMIT, 'permit'), BODY);
    const { purpose, ...context } = readContext(members, BODY);
    const [tenants, resources, types] = [readNames(members, 'tenants'), readNames(members, 'resources'), readNames(members, 'resource_types')];
    const found = await dropIn.permissions({
      user: readUser(members, BODY), context,
      ...readPurpose(purpose, BODY), ...(tenants !== undefined && { tenants }), ...(resources !== undefined && { resources }), ...(types !== undefined && { types }),
    }, { caller, environment, requestId: stateOf(res).requestId });
    reply(res, 200, JSON.stringify(Object.fromEntries(found.map(permissionsOf))));
  };
}

/** A bare list of the tenants of whatever the user may send something to. */
export function postUserTenants({ dropIn, credentials, rate, reply }: PermitDeps): RequestHandler {
  return async function userTenants(req, res) {
    const { caller, environment } = credentials.ofHeader(req);
    rate.take(caller, 1);
    const members = readObject(await readJson(req, BODY_LIMIT, 'permit'), BODY);
    const { purpose, ...context } = readContext(members, BODY);
    const asking = { caller, environment, requestId: stateOf(res).requestId };
    const asked = { user: readUser(members, BODY), context, ...readPurpose(purpose, BODY) };
    const tenants = await dropIn.userTenants(asked, asking);
    reply(res, 200, JSON.stringify(tenants.map((key) => ({ key, attributes: {} }))));
  };
}

function permissionsOf({ vendor: { id, attributes = {} }, tenant, categories, roles }: VendorPermissions) {
  return [`vendor:${id}`, {
    tenant: { key: tenant, attributes: {} },
    resource: { type: 'vendor', key: id, attributes },
    permissions: categories.map((category) => `vendor:${toAction(category)}`),
    roles,
  }] as const;
}

/** Who may do it with one vendor; of no vendor, nobody. */
export function postAuthorizedUsers({ dropIn, credentials, rate, reply }: PermitDeps): RequestHandler {
  return async function authorizedUsers(req, res) {
    const { caller, environment } = credentials.ofHeader(req);
    rate.take(caller, 1);
    const asked = readAsked(readObject(await readJson(req, BODY_LIMIT, 'permit'), BODY), BODY);
    const found = await dropIn.authorized(asked, { caller, environment, requestId: stateOf(res).requestId });
    reply(res, 200, JSON.stringify(authorizedOf(`${asked.resource.type}:${asked.resource.key ?? '*'}`, found)));
  };
}

/** A user has one entry for each role that permits it; where none does, as in shadow, none. */
function authorizedOf(resource: string, { tenant, users }: AuthorizedUsers) {
  return { resource, tenant, users: Object.fromEntries(users.map(([user, roles]) => [user, roles.map((role) => ({ user, tenant, resource, role }))])) };
}
