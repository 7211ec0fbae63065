import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Pdp } from '../pdp.ts';
import { postReload, postVendorState } from './admin/admin.ts';
import type { Reading } from '../service/reading.ts';
import { createAuthenticate } from './auth.ts';
import { getCheckpoint, getProof, getTile, type Proofs } from './decisions/proofs.ts';
import { getDecision, getDecisions, type ReadingDeps } from './decisions/routes.ts';
import { createTurns } from './batch/turns.ts';
import { postBatch, postCheck, postPermitted } from './check.ts';
import { createOnError, notFound, onlyMethods } from './errors.ts';
import { getLive, getMetrics, getOpenApi, getReady } from './health.ts';
import { createHttpMetrics, type HttpObserver } from './metrics.ts';
import { createOpenApi } from './openapi.ts';
import type { PermitCredentials } from './permit/credential.ts';
import { addPermitRoutes } from './permit/routes.ts';
import { createRate } from './rate.ts';
import { begin, createReply } from './reply.ts';
import type { Reports } from './reports/reports.ts';
import { getReport } from './reports/routes.ts';
import { postPrune, postRotateKey, postRotateNamesKey, type LogAdminDeps } from './admin/log.ts';
import { getSync, postPollNow, postSync } from './admin/sync.ts';

export interface AppDeps {
  readonly pdp: Pdp;
  readonly logger: Logger;
  readonly registry: Registry;
  /** With a `metricsPort`, `/metrics` is not here but there (`createMetricsApp`). */
  readonly config: { readonly demoCallers: boolean; readonly metricsPort?: number };
  readonly isDraining: () => boolean;
  /** Without it the log is not served … */
  readonly reading?: Reading;
  /** … and without these no proofs of it. */
  readonly proofs?: Proofs;
  /** With them Permit's SDKs may ask here; absent: their routes are none. */
  readonly permitKeys?: PermitCredentials;
  /** Without it nothing is done to the log as a whole. */
  readonly logAdmin?: Pick<LogAdminDeps, 'acts' | 'keepDays' | 'keptFor'>;
  /** … and without this no reports from it. */
  readonly reports?: Reports;
  /** Milliseconds from any start, never set back; for the rates. */
  readonly monotonic?: () => number;
}

/** The program's HTTP interface; it serves nothing that `openapi.ts` does not describe. */
export function createApp({ pdp, logger, registry, config, isDraining, reading, proofs, reports, permitKeys, logAdmin, monotonic = () => performance.now() }: AppDeps): Express {
  const app = createBareApp();
  const observer = createHttpMetrics(registry);
  const reply = createReply({ observer, isDraining });
  const authenticate = createAuthenticate(pdp, config.demoCallers);
  const rate = createRate(monotonic);
  const turns = createTurns();
  const asking = { pdp, authenticate, rate, reply, logger, turns };
  const asTurns = { turns, together: () => pdp.together(), observer };
  const administering = { pdp, authenticate, reply };

  app.use(begin());
  // The first route is the one that is asked a thousand times as often as all others.
  post(app, '/check', postCheck(asking));
  post(app, '/check/batch', postBatch({ ...asking, ...asTurns }));
  post(app, '/permitted', postPermitted(asking));
  post(app, '/admin/reload', postReload(administering));
  post(app, '/admin/vendors/:id/state', postVendorState(administering));
  get(app, '/admin/sync', getSync(administering));
  post(app, '/admin/sync/:environment', postSync(administering));
  post(app, '/admin/sync/:environment/poll', postPollNow(administering));
  if (logAdmin !== undefined) administerLog(app, { ...logAdmin, authenticate, reply, now: Date.now });
  if (reading !== undefined) serveLog(app, { reading, authenticate, rate, reply, observer }, { proofs, reports });
  get(app, '/livez', getLive(reply));
  get(app, '/readyz', getReady({ pdp, reply, isDraining }));
  const served = { reading: reading !== undefined, proofs: proofs !== undefined, reports: reading !== undefined && reports !== undefined, permit: permitKeys !== undefined, logAdmin: logAdmin !== undefined };
  get(app, '/openapi.json', getOpenApi(JSON.stringify(createOpenApi(served)), reply));
  if (config.metricsPort === undefined) get(app, '/metrics', getMetrics({ registry, reply, open: false }));
  if (permitKeys !== undefined) addPermitRoutes(app, { pdp, keys: permitKeys, rate, reply, logger, isDraining, ...asTurns });
  app.use(notFound);
  app.use(createOnError({ reply, logger }));
  return app;
}

function administerLog(app: Express, deps: LogAdminDeps): void {
  post(app, '/admin/log/prune', postPrune(deps));
  post(app, '/admin/log/rotate-key', postRotateKey(deps));
  post(app, '/admin/log/rotate-names-key', postRotateNamesKey(deps));
}

function serveLog(app: Express, deps: ReadingDeps, { proofs, reports }: { readonly proofs: Proofs | undefined; readonly reports: Reports | undefined }): void {
  get(app, '/decisions', getDecisions(deps));
  get(app, '/decisions/:id', getDecision(deps));
  if (reports !== undefined) get(app, '/reports/:kind', getReport({ ...deps, reports }));
  if (proofs === undefined) return;
  get(app, '/decisions/:id/proof', getProof({ ...deps, proofs }));
  get(app, '/log/checkpoint', getCheckpoint({ ...deps, proofs }));
  get(app, '/log/tile/*path', getTile({ ...deps, proofs }));
}

/** `/metrics` alone, for a port of its own that only the monitoring reaches. */
export function createMetricsApp({ logger, registry, isDraining }: Pick<AppDeps, 'logger' | 'registry' | 'isDraining'>): Express {
  const app = createBareApp();
  // Scrapes are not counted: they are none of the requests that the metrics speak of.
  const silent: HttpObserver = { answered() {} };
  const reply = createReply({ observer: silent, isDraining });
  app.use(begin());
  get(app, '/metrics', getMetrics({ registry, reply, open: true }));
  app.use(notFound);
  app.use(createOnError({ reply, logger }));
  return app;
}

function createBareApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  // One spelling of every path: what a proxy forbids under /admin must not be there under /Admin/.
  app.enable('case sensitive routing');
  app.enable('strict routing');
  return app;
}

function post(app: Express, path: string, handler: RequestHandler): void {
  app.route(path).post(handler).all(onlyMethods('POST'));
}

function get(app: Express, path: string, handler: RequestHandler): void {
  app.route(path).get(handler).all(onlyMethods('GET, HEAD'));
}
