import { realpathSync } from 'node:fs';
import type { Server } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Express } from 'express';
import { pino, type Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { ConfigError, parseConfig, type Config } from './config.ts';
import type { Facts } from './core/facts.ts';
import { readVendorStates } from './datadir/datadir.ts';
import { groupWarning, openToGroup } from './files/access.ts';
import { createApp, createMetricsApp } from './http/app.ts';
import { createDrain } from './http/drain.ts';
import { describeError } from './http/errors.ts';
import { createMetrics, observeStatus } from './http/metrics.ts';
import { observeShipping } from './http/shipping.ts';
import { createServer, listen } from './http/server.ts';
import { createReports } from './http/reports/reports.ts';
import { openSluice } from './open.ts';
import type { Pdp } from './pdp.ts';
import { lacking } from './ship/lacking.ts';
import { readSinks } from './ship/sinks-file.ts';
import { openShipping, type ShippingStatus } from './ship/shipping.ts';
import { openPermitKeys } from './sources/permit/keys.ts';

export interface Running {
  readonly pdp: Pdp;
  readonly port: number;
  readonly metricsPort?: number;
  /** A sink takes records from standard output: nothing else may stand there. */
  readonly recordsOnStdout: boolean;
  /** Ends gracefully; called again, it waits no longer. */
  stop(): void;
  /** Resolves when the last answer is given and the log is closed. */
  readonly stopped: Promise<void>;
}

/**
 * The program, put together. Throws whatever keeps it from starting; nothing stays open then.
 *
 * @param root the checkout or package: `.tools/` stands in it.
 */
export async function openServer(config: Config, { root, logger }: { readonly root: string; readonly logger: Logger }): Promise<Running> {
  const registry = new Registry();
  const { policies, rego, dataDir, logCheckpointFile, memoBytes, env } = config;
  const onRefused = (reason: string) => logger.error({ reason }, 'the changed file of Permit\'s keys can not be used; the keys before it stay');
  const permit = config.permit && { ...config.permit, keys: openPermitKeys(config.permit.keysFile, () => performance.now(), onRefused) };
  const sinks = config.sinksFile === undefined ? [] : readSinks(config.sinksFile);
  const sluice = await openSluice({ policies, rego, dataDir, logCheckpointFile, memoBytes, env, root, logger, observer: createMetrics(registry), indexed: true, ...(permit !== undefined && { permit }) });
  const { pdp } = sluice;
  const shared = openToGroup();
  if (shared.length > 0) logger.warn({ paths: shared }, groupWarning);
  const revisions = () => Object.fromEntries(Object.entries(pdp.status().environments).map(([name, { number }]) => [name, number]));
  const shipping = sinks.length === 0 ? undefined : openShipping({ dataDir, sinks, logger, check: pdp.check, facts: sluice.facts, ...sluice.log, revisions });
  const close = async () => {
    await shipping?.close();
    await sluice.close();
  };
  const servers: Server[] = [];
  const drain = createDrain({ servers, waitMs: config.drainSeconds * 1000 });
  const { isDraining } = drain;
  const open = (app: Express, port: number) => {
    const server = createServer(app);
    servers.push(server);
    return listen(server, port, config.host);
  };
  try {
    refuseDemoCallers(sluice.facts(), config);
    observeStatus(registry, () => pdp.status(), Date.now);
    observeShipping(registry, () => shipping?.status() ?? [], Date.now);
    collectDefaultMetrics({ register: registry });
    const metricsPort = config.metricsPort === undefined ? undefined : await open(createMetricsApp({ logger, registry, isDraining }), config.metricsPort);
    const { reading, proofs } = sluice;
    const port = await open(createApp({
      pdp, logger, registry, config, isDraining,
      ...(reading !== undefined && { reading, reports: createReports({ dir: path.join(config.dataDir, 'log'), facts: sluice.facts, now: Date.now }) }),
      ...(proofs !== undefined && { proofs }), ...(permit !== undefined && { permitKeys: permit.keys }),
      logAdmin: { acts: sluice.log.acts, keepDays: config.keepDays, keptFor: (beforeMs) => keptFor(path.join(dataDir, 'log'), shipping?.status() ?? [], beforeMs) },
    }), config.port);
    // The log last: answers under way still need it.
    const recordsOnStdout = sinks.some(({ type }) => type === 'stdout');
    return { pdp, port, recordsOnStdout, ...(metricsPort !== undefined && { metricsPort }), stop: drain.begin, stopped: drain.done.finally(close) };
  } catch (error) {
    for (const server of servers) server.close();
    await close();
    throw error;
  }
}

/** What a sink has not got is not removed. */
async function keptFor(dir: string, sinks: readonly ShippingStatus[], beforeMs: number): Promise<string | undefined> {
  const behind = await lacking(dir, sinks, beforeMs);
  return behind.length === 0 ? undefined : `nothing was removed: ${behind.join(', ')} still lacks records from before that (sluice_ship_lag_records)`;
}

function refuseDemoCallers({ callers }: Facts, { demoCallers }: Config): void {
  const demo = [...callers.values()].filter((caller) => caller.demo).map(({ id }) => id);
  if (demoCallers || demo.length === 0) return;
  throw new Error(`callers whose token is their name serve on loopback alone, and with NODE_ENV unset, development or test: take ${demo.join(', ')} out of callers.yaml, and make real tokens with "sluice token new"`);
}

const EXAMPLE = {
  identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'city', 'org_id'],
};

function banner({ host, demoCallers, dataDir }: Config, { pdp, port, metricsPort }: Running): string {
  const address = (at: number) => `http://${host.includes(':') ? `[${host}]` : host}:${at}`;
  const { shadow, digest } = pdp.status();
  const stopped = [...readVendorStates(dataDir)].filter(([, state]) => state !== 'active').map(([vendor, state]) => `${vendor} (${state})`);
  const example = demoCallers && pdp.callerOf('demo-gateway') !== undefined;
  return [
    `Sluice listens on ${address(port)}, by ${digest}`,
    ...(metricsPort === undefined ? [] : [`Metrics on ${address(metricsPort)}/metrics`]),
    ...(shadow.length === 0 ? [] : [`In shadow, where missing permits do not bind: ${shadow.join(', ')}`]),
    ...(stopped.length === 0 ? [] : [`Stopped by the kill switch: ${stopped.join(', ')}`]),
    ...(example ? [
      'Ask it:', '',
      `curl -s ${address(port)}/check -H 'Authorization: Bearer demo-gateway' -H 'Content-Type: application/json' \\`,
      `  -d '${JSON.stringify(EXAMPLE)}'`, '',
    ] : []),
    '',
  ].join('\n');
}

/** Returns a function that lets go of the signals again. */
function onSignals({ pdp, stop }: Running, { drainSeconds }: Config, logger: Logger): () => void {
  const end = () => {
    logger.info({ drainSeconds }, 'ending: serves on while others learn to go elsewhere; another signal ends it at once');
    stop();
  };
  const reload = () => {
    // It logs by itself what came of it.
    pdp.reload().catch((error: unknown) => logger.error({ error: describeError(error) }, 'reload failed'));
  };
  const handlers = [['SIGTERM', end], ['SIGINT', end], ['SIGHUP', reload]] as const;
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => handlers.forEach(([signal, handler]) => process.off(signal, handler));
}

/**
 * Serves until SIGTERM or SIGINT, and then gives the exit code. What keeps it from starting is told in one message on
 * stderr, and is 1.
 */
export async function startServer(config: Config, root: string): Promise<number> {
  // Written at once, so that the last line before an end is not lost. Only what a call names is logged, never an object
  // of a request; see describeError.
  const logger = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }));
  process.on('uncaughtException', (error) => {
    logger.fatal({ error: describeError(error) }, 'a fault that nothing caught');
    process.exit(1);
  });
  let running: Running;
  try {
    running = await openServer(config, { root, logger });
  } catch (error) {
    process.stderr.write(`sluice: ${startProblem(error)}\n`);
    return 1;
  }
  const letGo = onSignals(running, config, logger);
  (running.recordsOnStdout ? process.stderr : process.stdout).write(banner(config, running));
  await running.stopped;
  letGo();
  return 0;
}

function startProblem(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use: set PORT to a free one, or end what listens there`;
  if (code === 'EACCES' && port !== undefined) return `port ${port} may not be used by this user: set PORT to one from 1024 on`;
  return error instanceof Error ? message : String(error);
}

/** As `startServer`, configured by the environment. */
export async function main(): Promise<number> {
  try {
    return await startServer(parseConfig(process.env), path.resolve(import.meta.dirname, '..'));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`sluice: ${error.message}\n`);
    return 1;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) process.exitCode = await main();
