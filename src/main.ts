import { realpathSync } from 'node:fs';
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { pino, type Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { parseConfig, type Config } from './config.ts';
import type { Facts } from './core/facts.ts';
import { createApp, createMetricsApp } from './http/app.ts';
import { createDrain } from './http/drain.ts';
import { describeError } from './http/errors.ts';
import { createMetrics, observeStatus } from './http/metrics.ts';
import { createServer, listen } from './http/server.ts';
import { openSluice } from './open.ts';
import type { Pdp } from './pdp.ts';

export interface Running {
  readonly pdp: Pdp;
  readonly port: number;
  readonly metricsPort?: number;
  /** Ends gracefully; called again, it waits no longer. */
  stop(): void;
  /** Resolves when the last answer is given and the log is closed. */
  readonly stopped: Promise<void>;
}

/** The program, put together. @throws whatever keeps it from starting; nothing stays open then. */
export async function startServer(config: Config, logger: Logger): Promise<Running> {
  const registry = new Registry();
  const sluice = await openSluice({
    policies: config.policies, rego: config.rego, dataDir: config.dataDir, memoEntries: config.memoEntries,
    logger, observer: createMetrics(registry),
  });
  const { pdp } = sluice;
  const servers: Server[] = [];
  const drain = createDrain({ servers, waitMs: config.drainSeconds * 1000 });
  const { isDraining } = drain;
  try {
    refuseDemoCallers(sluice.facts(), config);
    observeStatus(registry, () => pdp.status(), Date.now);
    collectDefaultMetrics({ register: registry });
    const open = (server: Server, port: number) => {
      servers.push(server);
      return listen(server, port, config.host);
    };
    const metricsPort = config.metricsPort === undefined ? undefined : await open(createServer(createMetricsApp({ logger, registry, isDraining })), config.metricsPort);
    const port = await open(createServer(createApp({ pdp, logger, registry, config, isDraining })), config.port);
    // The log last: answers under way still need it.
    return { pdp, port, ...(metricsPort !== undefined && { metricsPort }), stop: drain.begin, stopped: drain.done.finally(() => sluice.close()) };
  } catch (error) {
    for (const server of servers) server.close();
    await sluice.close();
    throw error;
  }
}

function refuseDemoCallers({ callers }: Facts, { demoCallers }: Config): void {
  const demo = [...callers.values()].filter((caller) => caller.demo).map(({ id }) => id);
  if (demoCallers || demo.length === 0) return;
  throw new Error(`callers whose token is their name serve on loopback and outside production only: take ${demo.join(', ')} out of callers.yaml, and make real tokens with "sluice token new"`);
}

function banner({ host }: Config, { pdp, port, metricsPort }: Running): string {
  const address = (at: number) => `http://${host.includes(':') ? `[${host}]` : host}:${at}`;
  const { shadow, digest } = pdp.status();
  const question = {
    identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'city', 'org_id'],
  };
  return [
    `Sluice listens on ${address(port)}, by ${digest}`,
    ...(metricsPort === undefined ? [] : [`Metrics on ${address(metricsPort)}/metrics`]),
    ...(shadow.length === 0 ? [] : [`In shadow, where missing permits do not bind: ${shadow.join(', ')}`]),
    'Ask it, in the example world:',
    '',
    `curl -s ${address(port)}/check -H 'Authorization: Bearer demo-gateway' -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify(question)}'`,
    '',
  ].join('\n');
}

function onSignals(running: Running, logger: Logger): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => running.stop());
  process.on('SIGHUP', () => {
    running.pdp.reload().then(
      ({ ok, digest }) => (ok ? logger.info({ digest }, 'reloaded') : logger.error({ digest }, 'reload failed, the last good policy serves')),
      (error: unknown) => logger.error({ error: describeError(error) }, 'reload failed, the last good policy serves'),
    );
  });
}

/** Starts the server, and ends the process when it has stopped. What keeps it from starting is said in one message. */
export async function main(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  try {
    const config = parseConfig(env);
    // Written at once, so that the last line before an end is not lost. Only what a call names is logged, never an
    // object of a request; see describeError.
    const logger = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }));
    process.on('uncaughtException', (error) => {
      logger.fatal({ error: describeError(error) }, 'a fault that nothing caught');
      process.exit(1);
    });
    const running = await startServer(config, logger);
    onSignals(running, logger);
    process.stdout.write(banner(config, running));
    await running.stopped;
    process.exit(0);
  } catch (error) {
    process.stderr.write(`sluice: ${startProblem(error)}\n`);
    process.exit(1);
  }
}

function startProblem(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use: set PORT to a free one, or end what listens there`;
  if (code === 'EACCES' && port !== undefined) return `port ${port} may not be used by this user: set PORT to one from 1024 on`;
  return error instanceof Error ? message : String(error);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
