import { createSyncThread } from './sync-thread.ts';
import { createBudget, type Budget } from './keep/budget.ts';
import { openEnvironment, type Environment } from './keep/environment.ts';
import { realTimers, type Timers } from './keep/timers.ts';
import type { Active, PermitStatus } from './keep/status.ts';

export interface PermitSyncOptions {
  /** `<data dir>/permit` */
  readonly folder: string;
  readonly apiUrl: string;
  /** By environment of Sluice. Keys are never logged, nor told by any status or error. */
  readonly environments: ReadonlyMap<string, {
    readonly key: string;
    /** What the environment's last activation in the decision log names; without it nothing is taken from disk. */
    readonly wanted?: { readonly digest: string; readonly number?: number } | undefined;
  }>;
  /** Name and version, for the files. */
  readonly program: string;
  /** Generations kept for each environment. Default 5. */
  readonly keep?: number;
  /** Between two polls, ± 20 %. Default 15 s. */
  readonly intervalMs?: number;
  /** For each key; default 600, 0 = no bound. */
  readonly requestsPerMinute?: number;
  /** Heap of the thread that reads. Default 4096. */
  readonly memoryMb?: number;
  /** Address of the module that exports `scanPermit`; default the one beside this. */
  readonly scan?: string;
  /** Address of a `BuildModule`, which makes in the thread what decides. */
  readonly build?: string;
  /** Wall time of the last record in the log: facts are at least as old as it says. */
  readonly lastRecordMs?: number;
  /**
   * Awaited before the generation counts as active, one call at a time: swap the snapshot and write the record here.
   * When it throws, what decided before goes on deciding, and the next poll tries again. Not called for what was taken
   * from disk at start, which the log names already.
   */
  readonly onVerified: (environment: string, generation: Active) => Promise<void> | void;
  /** After each poll, for the service's own log and metrics. */
  readonly onAttempt?: (status: PermitStatus) => void;
  /** What of the active content could not be mapped. */
  readonly unmapped?: (environment: string) => number;
  /** Wall time in milliseconds since the Unix epoch; these four for tests. */
  readonly now?: () => number;
  readonly monotonic?: () => number;
  readonly random?: () => number;
  readonly timers?: Timers;
}

/** Local, verified copies of Permit environments, and the loops that keep them true. */
export interface PermitSync {
  /** What decides in the environment; undefined before the first verified read. */
  active(environment: string): Active | undefined;
  status(): readonly PermitStatus[];
  /** From here on Permit is asked. */
  start(): void;
  /** A hint: one poll, as soon as the rest after the last one and the budget allow. */
  pollNow(environment?: string): void;
  /** Takes effect with the next poll, which comes soon. */
  setKey(environment: string, key: string): void;
  /**
   * Pins a kept generation, by default the last before the active one with another content, until `resume`, over
   * restarts too. Polls go on, and are stored.
   *
   * @throws {SyncError} when there is none, or it is refused; then nothing has changed.
   */
  rollback(environment: string, toNumber?: number): Promise<Active>;
  /** Lets the newest verified generation decide again. @throws {SyncError} when it is refused; the next poll gives one. */
  resume(environment: string): Promise<Active | undefined>;
  /** Calls off what runs. Afterwards nothing may be used. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 2000;

/**
 * Takes from disk, of each environment, the generation that the decision log names, and asks no network.
 *
 * @throws {DiskError} when a state file is missing, damaged or older than the generations beside it.
 */
export async function openPermitSync(options: PermitSyncOptions): Promise<PermitSync> {
  const { folder, apiUrl, program, keep = 5, intervalMs = 15_000, requestsPerMinute = 600, memoryMb = 4096 } = options;
  const { now = Date.now, monotonic = () => performance.now(), random = Math.random, timers = realTimers } = options;
  const thread = createSyncThread({ ...(options.scan !== undefined && { scan: options.scan }), build: options.build, memoryMb });
  const budgets = new Map<string, Budget>();

  function budgetOf(key: string): Budget {
    const budget = budgets.get(key) ?? createBudget({ perMinute: requestsPerMinute, monotonic, timers });
    budgets.set(key, budget);
    return budget;
  }

  let queue: Promise<unknown> = Promise.resolve();
  function serially<T>(run: () => Promise<T>): Promise<T> {
    const result = queue.then(run);
    queue = result.catch(() => {});
    return result;
  }

  const open = (environment: string, { key, wanted }: { readonly key: string; readonly wanted?: { readonly digest: string; readonly number?: number } | undefined }) => openEnvironment({
    environment, key, apiUrl, store: { environment, folder, keep, program, atLeast: wanted?.number }, wanted: wanted?.digest, atLeastMs: options.lastRecordMs,
    intervalMs, now, monotonic, random, timers, thread, budgetOf, serially,
    onVerified: options.onVerified, onAttempt: options.onAttempt ?? (() => {}), unmapped: options.unmapped ?? (() => 0),
  });

  const environments = new Map<string, Environment>();
  try {
    const opened = await Promise.all([...options.environments].map(async ([name, given]) => [name, await open(name, given)] as const));
    for (const [name, environment] of opened) environments.set(name, environment);
  } catch (error) {
    await thread.close();
    throw error;
  }
  const all = [...environments.values()];

  function of(name: string): Environment {
    const environment = environments.get(name);
    if (environment === undefined) throw new Error(`${name}: Permit administers no environment of this name`);
    return environment;
  }

  return {
    active: (environment) => environments.get(environment)?.active(),
    status: () => all.map((environment) => environment.status()),
    start: () => all.forEach((environment) => environment.start()),
    pollNow: (environment) => (environment === undefined ? all : [of(environment)]).forEach((one) => one.pollNow()),
    setKey: (environment, key) => of(environment).setKey(key),
    rollback: async (environment, toNumber) => of(environment).rollback(toNumber),
    resume: async (environment) => of(environment).resume(),
    async close() {
      const ended = Promise.all(all.map((environment) => environment.stop()));
      const { promise: grace, resolve } = Promise.withResolvers<void>();
      const timer = timers.set(resolve, CLOSE_GRACE_MS);
      await Promise.race([ended, grace]);
      timers.clear(timer);
      await Promise.all(all.map((environment) => environment.note()));
      await thread.close();
      await ended;
    },
  };
}
