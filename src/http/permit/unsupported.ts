import type { RequestHandler } from 'express';
import { discard } from '../body.ts';
import type { Reply } from '../reply.ts';

// What else Permit's PDP serves. Whoever calls it must be told that it is not here, rather than take it for a wrong
// address: some fall back to another PDP on 404.
const PATHS: ReadonlySet<string> = new Set([
  '/access/v1/evaluation', '/access/v1/evaluations', '/access/v1/search/subject', '/access/v1/search/resource', '/access/v1/search/action',
  '/.well-known/authzen-configuration', '/trino/allowed', '/trino/row-filter', '/trino/batch-column-masking',
  '/nginx_allowed', '/kong', '/local/role_assignments',
  '/healthchecks/opa/ready', '/healthchecks/opa/healthy', '/healthchecks/opa/system', '/policy-updater/trigger', '/data-updater/trigger',
  '/update_policy', '/update_policy_data', '/callbacks', '/version', '/_exit', '/scalar',
  '/control-plane/connectivity', '/control-plane/connectivity/enable', '/control-plane/connectivity/disable',
]);
const BELOW = ['/facts/', '/v2/facts/', '/cloud/', '/sdk/'] as const;

/** 501 for those, whatever the method; all other paths are somebody else's. */
export function refuseUnsupported(reply: Reply): RequestHandler {
  return async function unsupported(req, res, next) {
    if (!PATHS.has(req.path) && !BELOW.some((start) => req.path.startsWith(start))) return next();
    if (!req.complete) await discard(req);
    if (res.destroyed) return;
    reply(res, 501, '{"detail":"Sluice does not do this part of Permit\'s PDP: see its README for what it does"}', { close: !req.complete });
  };
}
