import { z } from 'zod';
import { nearest } from './core/suggest.ts';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const integer = (least: number, most: number) => z.string()
  .regex(/^\d{1,9}$/, `must be a whole number from ${least} to ${most}`)
  .transform(Number)
  .pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));

const Env = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65535).default(8181),
  LOG_LEVEL: z.enum(LEVELS, `must be one of ${LEVELS.join(', ')}`).default('info'),
  NODE_ENV: z.string().optional(),
  SLUICE_POLICIES: z.string().default('policies'),
  SLUICE_REGO: z.string().default('rego'),
  SLUICE_DATA_DIR: z.string().default('.sluice'),
  // Read by the tool chain that builds the policy; named here so that it counts as known.
  SLUICE_OPA: z.string().optional(),
  SLUICE_TLS_TERMINATED: z.literal('yes', 'must be "yes" or absent').optional(),
  SLUICE_METRICS_PORT: integer(0, 65535).optional(),
  SLUICE_DRAIN_SECONDS: integer(0, 3600).default(5),
  SLUICE_PERMIT_KEYS_FILE: z.string().optional(),
  SLUICE_PERMIT_API_URL: z.url({ protocol: /^https?$/, error: 'must be an address such as https://api.permit.io' }).default('https://api.permit.io'),
  SLUICE_PERMIT_POLL_SECONDS: integer(1, 86_400).default(15),
  SLUICE_PERMIT_REQUESTS_PER_MINUTE: integer(0, 1_000_000).default(600),
  SLUICE_LOG_KEEP_DAYS: integer(1, 99_999).optional(),
  SLUICE_LOG_PRUNE: z.literal('auto', 'must be "auto" or absent').optional(),
  SLUICE_LOG_SEGMENT_MB: integer(1, 256).default(256),
  SLUICE_LOG_CHECKPOINT_FILE: z.string().optional(),
  SLUICE_SINKS_FILE: z.string().optional(),
  SLUICE_MEMO_MB: integer(0, 65_536).default(64),
  SLUICE_PID_FILE: z.string().optional(),
});
type Env = z.infer<typeof Env>;

/** Values of NODE_ENV under which demo callers may ask: any other may name a place where data is real. */
const DEMO_PLACES: readonly string[] = ['development', 'test'];

const KNOWN = Object.keys(Env.shape);

// Kubernetes gives every pod such names for each service of its namespace; one called `sluice` must not stop the start.
const SERVICE_LINK = /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** Everything that the environment says, checked. Immutable; absence of an optional port means "none". */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly logLevel: (typeof LEVELS)[number];
  readonly policies: string;
  readonly rego: string;
  readonly dataDir: string;
  /** `/metrics` has this port of its own; without it, it is served on the main port to loopback. */
  readonly metricsPort?: number;
  readonly drainSeconds: number;
  /** What the memo may hold of memory; 0: it keeps nothing. */
  readonly memoBytes: number;
  /** Environments that are administered in Permit; absent without a file of keys. */
  readonly permit?: { readonly keysFile: string; readonly apiUrl: string; readonly intervalMs: number; readonly requestsPerMinute: number };
  /** What a log is pruned by where nobody names a date. */
  readonly keepDays?: number;
  /** Whether the server does so; then there are `keepDays`. */
  readonly prunesByItself: boolean;
  /** A segment of the log takes no further record once it has this many. */
  readonly logSegmentBytes: number;
  /** Where the copy of the log's newest checkpoint lies; by default among the keys. */
  readonly logCheckpointFile?: string;
  /** Names the sinks that the log is shipped to. */
  readonly sinksFile?: string;
  /** Gets the number of the process while it serves. */
  readonly pidFile?: string;
  /** Whether callers whose token is their id may ask: on loopback alone, and where NODE_ENV names no other place than development or test. */
  readonly demoCallers: boolean;
  /** As given: for the tool chain that builds the policy, which looks for its programs and starts them. Never logged. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The environment can't be used; `problems` has one sentence for each mistake and no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration can't be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * The configuration, frozen. Variables that are set but empty count as absent. The one reader of the environment for
 * the server.
 *
 * @throws {ConfigError} naming every mistake at once.
 */
export function parseConfig(env: Config['env']): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = Env.safeParse(set);
  const problems = [
    ...(parsed.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? []),
    ...unknownNames(set),
    ...(parsed.success ? contradictions(parsed.data) : []),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return toConfig(parsed.data, env);
}

/** Addresses of this machine alone: 127.0.0.0/8, ::1 and `localhost`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function unknownNames(env: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(env)
    .filter(([name]) => name.startsWith('SLUICE_') && !KNOWN.includes(name))
    .filter(([name, value]) => !SERVICE_LINK.test(name) && !(name.endsWith('_PORT') && SERVICE_ADDRESS.test(String(value))))
    .map(([name]) => {
      const bare = name.slice('SLUICE_'.length);
      const near = KNOWN.find((known) => known === bare) ?? nearest(name, KNOWN);
      return `${name} is not known${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}

function contradictions(env: Env): readonly string[] {
  const problems: string[] = [];
  if (!isLoopback(env.HOST) && env.SLUICE_TLS_TERMINATED === undefined) {
    problems.push('HOST is not loopback, where tokens and questions would travel in clear: put TLS in front and say so with SLUICE_TLS_TERMINATED=yes');
  }
  if (env.SLUICE_METRICS_PORT !== undefined && env.SLUICE_METRICS_PORT !== 0 && env.SLUICE_METRICS_PORT === env.PORT) {
    problems.push('SLUICE_METRICS_PORT must differ from PORT');
  }
  if (env.SLUICE_LOG_PRUNE !== undefined && env.SLUICE_LOG_KEEP_DAYS === undefined) problems.push('SLUICE_LOG_PRUNE needs SLUICE_LOG_KEEP_DAYS: how many days of records are kept');
  const { protocol, hostname } = new URL(env.SLUICE_PERMIT_API_URL);
  if (protocol === 'http:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))) problems.push('SLUICE_PERMIT_API_URL must be https: the keys would travel in clear');
  return problems;
}

function toConfig(env: Env, given: Config['env']): Config {
  return Object.freeze({
    host: env.HOST,
    port: env.PORT,
    logLevel: env.LOG_LEVEL,
    policies: env.SLUICE_POLICIES,
    rego: env.SLUICE_REGO,
    dataDir: env.SLUICE_DATA_DIR,
    ...(env.SLUICE_METRICS_PORT !== undefined && { metricsPort: env.SLUICE_METRICS_PORT }),
    drainSeconds: env.SLUICE_DRAIN_SECONDS,
    memoBytes: env.SLUICE_MEMO_MB * 2 ** 20,
    ...(env.SLUICE_PERMIT_KEYS_FILE !== undefined && { permit: {
      keysFile: env.SLUICE_PERMIT_KEYS_FILE, apiUrl: env.SLUICE_PERMIT_API_URL,
      intervalMs: env.SLUICE_PERMIT_POLL_SECONDS * 1000, requestsPerMinute: env.SLUICE_PERMIT_REQUESTS_PER_MINUTE,
    } }),
    ...(env.SLUICE_LOG_KEEP_DAYS !== undefined && { keepDays: env.SLUICE_LOG_KEEP_DAYS }),
    prunesByItself: env.SLUICE_LOG_PRUNE === 'auto',
    logSegmentBytes: env.SLUICE_LOG_SEGMENT_MB * 2 ** 20,
    ...(env.SLUICE_LOG_CHECKPOINT_FILE !== undefined && { logCheckpointFile: env.SLUICE_LOG_CHECKPOINT_FILE }),
    ...(env.SLUICE_SINKS_FILE !== undefined && { sinksFile: env.SLUICE_SINKS_FILE }),
    ...(env.SLUICE_PID_FILE !== undefined && { pidFile: env.SLUICE_PID_FILE }),
    demoCallers: isLoopback(env.HOST) && (env.NODE_ENV === undefined || DEMO_PLACES.includes(env.NODE_ENV)),
    env: given,
  });
}
