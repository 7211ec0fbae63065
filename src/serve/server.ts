import type { Server } from 'node:http';
import path from 'node:path';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Facts } from '../core/facts.ts';
import { groupWarning, openToGroup } from '../files/access.ts';
import { createApp, createMetricsApp } from '../http/app.ts';
import { createDrain } from '../http/drain.ts';
import { createMetrics, observeOutput, observeProcess, observeStatus } from '../http/metrics.ts';
import { observeShipping } from '../http/shipping.ts';
import { createServer, listen } from '../http/server.ts';
import { createReports } from '../http/reports/reports.ts';
import { openSluice } from '../open.ts';
import type { Pdp } from '../pdp.ts';
import { lacking } from '../ship/lacking.ts';
import { readSinks } from '../ship/sinks-file.ts';
import { openShipping, type ShippingStatus } from '../ship/shipping.ts';
import { openPermitKeys } from '../sources/permit/keys.ts';
import { writePidFile } from './pid-file.ts';
import { startRetention, type Retention } from './retention.ts';

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

export interface OpenServerOptions {
  /** The checkout or package: `.tools/` stands in it. */
  readonly root: string;
  readonly logger: Logger;
  /** How many lines of the log were dropped. */
  readonly droppedLines: () => number;
}

/** The program, put together. Throws whatever keeps it from starting; nothing stays open then. */
export async function openServer(config: Config, { root, logger, droppedLines }: OpenServerOptions): Promise<Running> {
  const registry = new Registry();
  const { policies, rego, dataDir, logCheckpointFile, logSegmentBytes, memoBytes, env } = config;
  const onRefused = (reason: string) => logger.error({ reason }, 'the changed file of Permit\'s keys can not be used; the keys before it stay');
  const permit = config.permit && { ...config.permit, keys: openPermitKeys(config.permit.keysFile, () => performance.now(), onRefused) };
  const sinks = config.sinksFile === undefined ? [] : readSinks(config.sinksFile);
  const sluice = await openSluice({ policies, rego, dataDir, logCheckpointFile, logSegmentBytes, memoBytes, env, root, logger, observer: createMetrics(registry), indexed: true, ...(permit !== undefined && { permit }) });
  const { pdp } = sluice;
  const shared = openToGroup();
  if (shared.length > 0) logger.warn({ paths: shared }, groupWarning);
  const revisions = () => Object.fromEntries(Object.entries(pdp.status().environments).map(([name, { number }]) => [name, number]));
  const shipping = sinks.length === 0 ? undefined : openShipping({ dataDir, sinks, logger, check: pdp.check, facts: sluice.facts, ...sluice.log, revisions });
  let retention: Retention | undefined;
  const close = async () => {
    await retention?.close();
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
    observeOutput(registry, droppedLines);
    observeShipping(registry, () => shipping?.status() ?? [], Date.now);
    observeProcess(registry);
    const metricsPort = config.metricsPort === undefined ? undefined : await open(createMetricsApp({ logger, registry, isDraining }), config.metricsPort);
    const { reading, proofs } = sluice;
    const port = await open(createApp({
      pdp, logger, registry, config, isDraining,
      ...(reading !== undefined && { reading, reports: createReports({ dir: path.join(config.dataDir, 'log'), facts: sluice.facts, now: Date.now }) }),
      ...(proofs !== undefined && { proofs }), ...(permit !== undefined && { permitKeys: permit.keys }),
      logAdmin: { acts: sluice.log.acts, keepDays: config.keepDays, keptFor: (beforeMs) => keptFor(path.join(dataDir, 'log'), shipping?.status() ?? [], beforeMs) },
    }), config.port);
    if (config.pidFile !== undefined) writePidFile(config.pidFile);
    if (config.prunesByItself && config.keepDays !== undefined) {
      retention = startRetention({ dataDir, sinksFile: config.sinksFile, keepDays: config.keepDays, acts: sluice.log.acts, durable: sluice.log.durable, logger, now: Date.now });
    }
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
