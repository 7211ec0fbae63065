import type { RequestHandler } from 'express';
import type { Pdp } from '../../pdp.ts';
import type { Reply } from '../reply.ts';

/** As `/readyz`, in the form of Permit's PDP. State words only: whoever asks needs no key. */
export function getHealth({ pdp, reply, isDraining }: { readonly pdp: Pick<Pdp, 'status'>; readonly reply: Reply; readonly isDraining: () => boolean }): RequestHandler {
  return function health(_req, res) {
    const { logFailure, waiting } = pdp.status();
    const reasons = [...(logFailure === undefined ? [] : ['log_failed']), ...(waiting.length === 0 ? [] : ['facts_unverified']), ...(isDraining() ? ['draining'] : [])];
    const status = reasons.length === 0 ? 'ok' : 'error';
    reply(res, reasons.length === 0 ? 200 : 503, JSON.stringify({ status, components: { sluice: { status, error: reasons[0] ?? null, details: { reasons } } } }));
  };
}
