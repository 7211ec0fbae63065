import type { RequestHandler } from 'express';
import { SluiceError } from '../../core/errors.ts';
import { VENDOR_STATES, type VendorState } from '../../core/facts.ts';
import type { Pdp } from '../../pdp.ts';
import { requirePower, type Authenticate } from '../auth.ts';
import { BODY_LIMIT, hasBody, readJson } from '../body.ts';
import { stateOf, type Reply } from '../reply.ts';

export interface AdminDeps {
  readonly pdp: Pick<Pdp, 'reload' | 'setVendorState'>;
  readonly authenticate: Authenticate;
  readonly reply: Reply;
}

// No rate here: it bounds questions, and the switch that stops a vendor must not wait for them.

/** Takes no body, or `{}`. A policy that can't be used is 200 with `ok: false`: the last good one stays (design, principle 4). */
export function postReload({ pdp, authenticate, reply }: AdminDeps): RequestHandler {
  return async function reload(req, res) {
    const caller = authenticate(req);
    if (hasBody(req)) readMembers(await readJson(req, BODY_LIMIT), []);
    requirePower(caller, 'reload');
    reply(res, 200, JSON.stringify(await pdp.reload()));
  };
}

/** J17: from the answer on, every check sees the new state. */
export function postVendorState({ pdp, authenticate, reply }: AdminDeps): RequestHandler {
  return async function vendorState(req, res) {
    const caller = authenticate(req);
    const { state } = readMembers(await readJson(req, BODY_LIMIT), ['state']);
    if (!isVendorState(state)) throw new SluiceError('request_invalid', `state must be one of ${VENDOR_STATES.join(', ')}`);
    requirePower(caller, 'vendor_state');
    const set = await pdp.setVendorState(req.params['id'] as string, state, { caller, requestId: stateOf(res).requestId });
    reply(res, 200, JSON.stringify(set));
  };
}

const isVendorState = (state: unknown): state is VendorState => VENDOR_STATES.some((known) => known === state);

function readMembers(body: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new SluiceError('request_invalid', 'the body must be an object');
  if (Object.keys(body).some((key) => !known.includes(key))) {
    throw new SluiceError('request_invalid', known.length === 0 ? 'the body must be empty' : `the body may have ${known.join(', ')} alone`);
  }
  return body as Readonly<Record<string, unknown>>;
}
