import type { Request, RequestHandler } from 'express';
import { SluiceError } from '../../core/errors.ts';
import { BODY_LIMIT, readJson } from '../body.ts';
import { stateOf } from '../reply.ts';
import type { PermitDeps } from './allowed.ts';
import { headersOf, type Credentials, type PermitCaller } from './credential.ts';
import { readLooseQuestion } from './read.ts';

/**
 * In which tenants it would be allowed: clients take every one that is listed for allowed. The Node SDK sends what it
 * means as headers and parameters inside the body, and reads another name of the list than everybody else.
 */
export function postAllTenants({ dropIn, credentials, rate, reply }: PermitDeps): RequestHandler {
  return async function allTenants(req, res) {
    const { body, caller, environment } = await readBoth(req, credentials);
    rate.take(caller, 1);
    const nested = isObject(body) && !Object.hasOwn(body, 'user') && Object.hasOwn(body, 'params');
    const asked = nested ? readLooseQuestion(body['params'], ['body', 'params']) : readLooseQuestion(body, ['body']);
    const tenants = await dropIn.tenants(asked, { caller, environment, requestId: stateOf(res).requestId });
    const listed = tenants.map((key) => ({ allow: true, result: true, tenant: { key, attributes: {} } }));
    reply(res, 200, JSON.stringify({ allowedTenants: listed, allowed_tenants: listed }));
  };
}

/** Bytes of a body from somebody who is not known yet. */
const STRANGERS_LIMIT = 64 * 1024;

/** Who asks is known before the body is looked at, unless only the body says it. @throws {SluiceError} */
async function readBoth(req: Request, credentials: Credentials): Promise<PermitCaller & { readonly body: unknown }> {
  if (headersOf(req).length > 0) {
    const known = credentials.ofHeader(req);
    return { ...known, body: await readJson(req, BODY_LIMIT, 'permit') };
  }
  const body = await readJson(req, STRANGERS_LIMIT, 'permit').catch((error: unknown) => {
    // From nobody nothing is wrong with a body but that it says not who asks.
    if (error instanceof SluiceError && error.code === 'request_invalid') return undefined;
    throw error;
  });
  const headers = isObject(body) && Object.hasOwn(body, 'headers') ? body['headers'] : undefined;
  const authorization = isObject(headers) && Object.hasOwn(headers, 'Authorization') ? headers['Authorization'] : undefined;
  return { ...(typeof authorization === 'string' ? credentials.ofText(authorization) : credentials.ofHeader(req)), body };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
