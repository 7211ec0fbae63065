import type { Express, RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Pdp } from '../../pdp.ts';
import { createOnError, onlyMethods } from '../errors.ts';
import type { Rate } from '../rate.ts';
import type { Reply } from '../reply.ts';
import { postAllowed, postAllowedUrl, postBulk, type BulkDeps } from './allowed.ts';
import { createCredentials, type PermitCredentials } from './credential.ts';
import { PERMIT_FORM } from './errors.ts';
import { getHealth } from './health.ts';
import { postAuthorizedUsers, postUserPermissions, postUserTenants } from './lists.ts';
import { postAllTenants } from './tenants.ts';
import { refuseUnsupported } from './unsupported.ts';

export interface PermitRoutesDeps extends Pick<BulkDeps, 'turns' | 'together' | 'observer'> {
  readonly pdp: Pick<Pdp, 'dropIn' | 'status'>;
  readonly keys: PermitCredentials;
  readonly rate: Rate;
  readonly reply: Reply;
  readonly logger: Logger;
  readonly isDraining: () => boolean;
}

/** What Permit's SDKs ask of its PDP, at the paths and in the forms of that PDP. */
export function addPermitRoutes(app: Express, { pdp, keys, ...shared }: PermitRoutesDeps): void {
  const { dropIn } = pdp;
  if (dropIn === undefined) return;
  const deps = { ...shared, dropIn, credentials: createCredentials(keys) };
  const onError = createOnError({ ...shared, form: PERMIT_FORM });
  const answering = (handler: RequestHandler): RequestHandler => async function permit(req, res, next) {
    try {
      await handler(req, res, next);
    } catch (error) {
      await onError(error, req, res, next);
    }
  };
  const post = (path: string, handler: RequestHandler) => app.route(path).post(answering(handler)).all(answering(onlyMethods('POST')));

  const get = (path: string, handler: RequestHandler) => app.route(path).get(answering(handler)).all(answering(onlyMethods('GET, HEAD')));

  post('/allowed', postAllowed(deps));
  post('/allowed/bulk', postBulk(deps));
  post('/allowed/all-tenants', postAllTenants(deps));
  post('/allowed_url', postAllowedUrl(deps));
  post('/user-permissions', postUserPermissions(deps));
  post('/user-tenants', postUserTenants(deps));
  post('/authorized_users', postAuthorizedUsers(deps));
  for (const path of ['/health', '/healthy', '/ready']) get(path, getHealth({ ...shared, pdp }));
  app.use(refuseUnsupported(shared.reply));
}
