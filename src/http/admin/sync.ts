import type { RequestHandler } from 'express';
import { SluiceError } from '../../core/errors.ts';
import type { Pdp } from '../../pdp.ts';
import { requirePower, type Authenticate } from '../auth.ts';
import { BODY_LIMIT, hasBody, readJson } from '../body.ts';
import { stateOf, type Reply } from '../reply.ts';

export interface SyncDeps {
  readonly pdp: Pick<Pdp, 'sync'>;
  readonly authenticate: Authenticate;
  readonly reply: Reply;
}

/** What is known of the environments that are administered in Permit, and of what could not be mapped. */
export function getSync({ pdp, authenticate, reply }: SyncDeps): RequestHandler {
  return function sync(req, res) {
    requirePower(authenticate(req), 'sync');
    reply(res, 200, JSON.stringify({ environments: syncOf(pdp).status() }));
  };
}

const ACTIONS = ['poll', 'rollback', 'resume'] as const;

/** `{"action": "poll" | "rollback" | "resume", "generation"?: 12}` */
export function postSync({ pdp, authenticate, reply }: SyncDeps): RequestHandler {
  return async function act(req, res) {
    const caller = authenticate(req);
    const { action, generation } = readAct(await readJson(req, BODY_LIMIT));
    requirePower(caller, 'sync');
    const environment = req.params['environment'] as string;
    const asked = { caller, requestId: stateOf(res).requestId };
    const sync = syncOf(pdp);
    if (action === 'poll') sync.poll(environment);
    else if (action === 'resume') await sync.resume(environment, asked);
    else await sync.rollback(environment, generation, asked);
    reply(res, 200, JSON.stringify({ environments: sync.status().filter((status) => status.environment === environment) }));
  };
}

/** For a webhook of Permit's: that something has changed, never what. Its body is read and not believed. */
export function postPollNow({ pdp, authenticate, reply }: SyncDeps): RequestHandler {
  return async function pollNow(req, res) {
    const caller = authenticate(req);
    if (hasBody(req)) await readJson(req, BODY_LIMIT, 'permit');
    requirePower(caller, 'poll');
    syncOf(pdp).poll(req.params['environment'] as string);
    reply(res, 200, '{"ok":true}');
  };
}

function syncOf({ sync }: SyncDeps['pdp']) {
  if (sync === undefined) throw new SluiceError('not_found', 'no environment is administered in Permit: SLUICE_PERMIT_KEYS_FILE names none');
  return sync;
}

function readAct(body: unknown): { readonly action: (typeof ACTIONS)[number]; readonly generation?: number } {
  const { action, generation, ...more } = (typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {}) as Readonly<Record<string, unknown>>;
  const known = ACTIONS.find((one) => one === action);
  if (known === undefined) throw new SluiceError('request_invalid', `action must be one of ${ACTIONS.join(', ')}`);
  if (Object.keys(more).length > 0) throw new SluiceError('request_invalid', 'the body may have action, generation alone');
  if (generation !== undefined && (known !== 'rollback' || !Number.isSafeInteger(generation) || (generation as number) < 1)) {
    throw new SluiceError('request_invalid', 'generation must be a whole number from 1, and goes with rollback alone');
  }
  return { action: known, ...(generation !== undefined && { generation: generation as number }) };
}
