import type { IncomingMessage } from 'node:http';
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
  return (req) => {
    const { headers: { authorization }, rawHeaders } = req;
    if (authorization === undefined) throw new SluiceError('unauthenticated', 'a bearer token is required');
    // Node gives the first; a proxy may have looked at the last.
    if (countAuthorizations(rawHeaders) !== 1) throw new SluiceError('unauthenticated', 'exactly one bearer token is required');
    const token = BEARER.exec(authorization)?.[1];
    const caller = token === undefined ? undefined : pdp.callerOf(token);
    if (caller === undefined || (caller.demo && !(demoCallers && isFromHere(req)))) throw new SluiceError('unauthenticated', 'the bearer token is not known here');
    return caller;
  };
}

const LOOPBACK = /^(::1$|(::ffff:)?127\.)/;
const LOCAL_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
// What proxies, balancers and tunnels say of the client they ask for.
const FORWARDED = new RegExp(`^(?:${[
  'forwarded', 'via', 'x-forwarded(?:-.+)?', 'x-real-ip', '(?:x-)?(?:cluster-)?client-ip', 'true-client-ip', 'x-original-.+', 'x-originating-ip', 'x-remote-.+', 'x-proxyuser-ip',
  'x-envoy-.+', 'x-azure-.+', 'x-appengine-.+', 'x-amzn?-.+', 'cf-.+', 'cdn-loop', 'fastly-.+', 'fly-.+', 'ngrok-.+', 'tailscale-.+',
].join('|')})$`);

/**
 * Whether a program of this machine asks by itself: what works without a secret, the demo callers and `/metrics` on the
 * main port, is for these alone. A proxy on this machine, such as the one that ends TLS, comes from loopback as well,
 * and what it forwards is from elsewhere: it is known by its headers, and nginx, which by default sends none, by its
 * HTTP/1.0. A web page may have its name resolve to 127.0.0.1 and is then free to ask here; but it can't choose the
 * name in `Host`.
 */
export function isFromHere({ socket: { remoteAddress }, headers, httpVersion }: Pick<IncomingMessage, 'headers' | 'httpVersion'> & { readonly socket: { readonly remoteAddress?: string | undefined } }): boolean {
  const { host } = headers;
  return remoteAddress !== undefined && LOOPBACK.test(remoteAddress)
    && (host === undefined || LOCAL_NAME.test(host)) && httpVersion !== '1.0'
    && !Object.keys(headers).some((name) => FORWARDED.test(name));
}

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
