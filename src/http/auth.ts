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
  return ({ headers }) => {
    const { authorization } = headers;
    if (authorization === undefined) throw new SluiceError('unauthenticated', 'a bearer token is required');
    const token = BEARER.exec(authorization)?.[1];
    const caller = token === undefined ? undefined : pdp.callerOf(token);
    if (caller === undefined || (caller.demo && !demoCallers)) throw new SluiceError('unauthenticated', 'the bearer token is not known here');
    return caller;
  };
}

/** @throws {SluiceError} `forbidden` */
export function requirePower({ powers }: Caller, power: Power): void {
  if (!powers.includes(power)) throw new SluiceError('forbidden', `the caller lacks the power ${power}`);
}
