import type { Logger } from 'pino';
import { pino } from 'pino';
import { ConfigError, parseConfig, type Config } from '../config.ts';
import { readVendorStates } from '../datadir/datadir.ts';
import { describeError } from '../http/errors.ts';
import { watchLauncher } from './launcher.ts';
import { openErrorOutput, type Output } from './output.ts';
import { openServer, type Running } from './server.ts';
import { holdSignals } from './signals.ts';

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

/** What the process is told from outside, before it serves and while it does. */
function createControl(logger: Logger) {
  const signals = holdSignals();
  let running: Running | undefined;
  const end = (members: object, message: string) => {
    if (running === undefined) process.exit(0); // nobody has been answered yet
    logger.info(members, message);
    running.stop();
  };
  const watch = watchLauncher((launcher) => end({ launcher }, 'ending: what started this process, and waited for it, has gone'));
  return {
    serve(opened: Running, { drainSeconds }: Config) {
      running = opened;
      watch?.settle();
      signals.handle({
        end: () => end({ drainSeconds }, 'ending: serves on while others learn to go elsewhere; another signal ends it at once'),
        // It logs by itself what came of it.
        reload: () => void opened.pdp.reload().catch((error: unknown) => logger.error({ error: describeError(error) }, 'reload failed')),
      });
    },
    release() {
      watch?.close();
      signals.release();
    },
  };
}

const LAST_WORDS_MS = 1000;

/** Ends here and now where what was said last can't be written: nothing waits for a reader that stands. */
async function leave(code: number, output: Output): Promise<number> {
  if (await output.settle(LAST_WORDS_MS)) return code;
  process.exit(code);
}

/**
 * Serves until SIGTERM or SIGINT, and then gives the exit code. What keeps it from starting is told in one message on
 * stderr, and is 1.
 */
export async function startServer(config: Config, root: string): Promise<number> {
  const output = openErrorOutput();
  // Only what a call names is logged, never an object of a request; see describeError.
  const logger = pino({ level: config.logLevel, base: null }, output);
  process.on('uncaughtException', (error) => {
    logger.fatal({ error: describeError(error) }, 'a fault that nothing caught');
    process.exit(1);
  });
  // Who read the banner may have gone since.
  process.stdout.on('error', () => {});
  const control = createControl(logger);
  let running: Running;
  try {
    running = await openServer(config, { root, logger, droppedLines: output.dropped });
  } catch (error) {
    control.release();
    process.stderr.write(`sluice: ${startProblem(error)}\n`);
    return leave(1, output);
  }
  (running.recordsOnStdout ? process.stderr : process.stdout).write(banner(config, running));
  control.serve(running, config);
  await running.stopped;
  control.release();
  return leave(0, output);
}

function startProblem(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use: set PORT to a free one, or end what listens there`;
  if (code === 'EACCES' && port !== undefined) return `port ${port} may not be used by this user: set PORT to one from 1024 on`;
  return error instanceof Error ? message : String(error);
}

/** As `startServer`, configured by the environment. */
export async function serveByEnvironment(env: Config['env'], root: string): Promise<number> {
  try {
    return await startServer(parseConfig(env), root);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`sluice: ${error.message}\n`);
    return 1;
  }
}
