import type { RequestHandler } from 'express';
import type { Registry } from 'prom-client';
import { SluiceError } from '../core/errors.ts';
import type { Pdp } from '../pdp.ts';
import { isFromHere } from './auth.ts';
import type { Reply } from './reply.ts';

// State words only: why, and under which names, is for the log and for those with a token.

/** Alive as long as it answers; depends on nothing, since a restart cures nothing but a stuck process. */
export function getLive(reply: Reply): RequestHandler {
  return function live(_req, res) {
    reply(res, 200, '{"status":"live"}');
  };
}

/** 503 while questions can't be answered or this process is about to end. What is only degraded still serves what was good last. */
export function getReady({ pdp, reply, isDraining }: { readonly pdp: Pick<Pdp, 'status'>; readonly reply: Reply; readonly isDraining: () => boolean }): RequestHandler {
  return function ready(_req, res) {
    const { logFailure, reloadErrors, waiting, degraded, permit = [] } = pdp.status();
    const reasons = [...(logFailure === undefined ? [] : ['log_failed']), ...(waiting.length === 0 ? [] : ['facts_unverified']), ...(isDraining() ? ['draining'] : [])];
    const states = {
      ...(reloadErrors !== undefined && { reload: 'failed' }),
      ...(degraded.length > 0 && { facts: 'old' }),
      ...(permit.some(({ pinned, alarm }) => pinned !== undefined || alarm !== undefined) && { sync: permit.some(({ alarm }) => alarm !== undefined) ? 'alarm' : 'pinned' }),
    };
    if (reasons.length > 0) reply(res, 503, JSON.stringify({ status: 'not_ready', reasons, ...states }));
    else reply(res, 200, JSON.stringify({ status: Object.keys(states).length === 0 ? 'ready' : 'degraded', ...states }));
  };
}

/** @param open whether anyone who reaches this port may read; otherwise only this machine may. */
export function getMetrics({ registry, reply, open }: { readonly registry: Registry; readonly reply: Reply; readonly open: boolean }): RequestHandler {
  return async function metrics(req, res) {
    if (!open && !isFromHere(req)) throw new SluiceError('not_found', 'there is nothing under this path');
    reply(res, 200, await registry.metrics(), { type: registry.contentType });
  };
}

/** @param document as JSON text. */
export function getOpenApi(document: string, reply: Reply): RequestHandler {
  return function openapi(_req, res) {
    reply(res, 200, document);
  };
}
