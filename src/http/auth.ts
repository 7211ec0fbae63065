import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from 'express';
import { SluiceError } from '../core/errors.ts';
import type { Caller, Power } from '../core/facts.ts';
import type { Pdp } from '../pdp.ts';

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** Finds out who asks. @throws {SluiceError} `unauthenticated` */
export type Authenticate = (req: Request) => Caller;

/**
 * @param demoCallers whether callers whose token is their id may ask. Checked here too and not only at the start, since
 * a reload may bring new ones.
 */
export function createAuthenticate(pdp: Pick<Pdp, 'callerOf'>, demoCallers: boolean): Authenticate {
  return ({ headers, rawHeaders }) => {
    const { authorization } = headers;
    if (authorization === undefined) throw new SluiceError('unauthenticated', 'a bearer token is required');
    // Node gives the first; a proxy may have looked at the last.
    if (countAuthorizations(rawHeaders) !== 1) throw new SluiceError('unauthenticated', 'exactly one bearer token is required');
    const token = BEARER.exec(authorization)?.[1];
    const caller = token === undefined ? undefined : pdp.callerOf(token);
    if (caller === undefined || (caller.demo && !(demoCallers && isCalledLocal(headers)))) throw new SluiceError('unauthenticated', 'the bearer token is not known here');
    return caller;
  };
}

const LOCAL_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Whether the client calls this machine by a name of its own. A web page may have its name resolve to 127.0.0.1 and is
 * then free to ask here, with a token that is no secret, or none; but it can't choose the name in `Host`.
 */
export const isCalledLocal = ({ host }: IncomingHttpHeaders): boolean => host === undefined || LOCAL_NAME.test(host);

/** @param rawHeaders names and values in turn. */
function countAuthorizations(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 13 && name.toLowerCase() === 'authorization') count += 1;
  }
  return count;
}

/** @throws {SluiceError} `forbidden` */
export function requirePower({ powers }: Caller, power: Power): void {
  if (!powers.includes(power)) throw new SluiceError('forbidden', `the caller lacks the power ${power}`);
}
