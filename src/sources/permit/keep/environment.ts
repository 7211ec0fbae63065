import { PermitError } from '../data.ts';
import type { SyncThread } from '../sync-thread.ts';
import { ageMs, createSteadyClock } from './age.ts';
import type { Budget } from './budget.ts';
import { DiskError } from './durable.ts';
import { fileOf } from './generations.ts';
import { createLoop, type LoopOptions } from './loop.ts';
import { SyncError, type Cost, type Failure, type Loaded, type Progress, type Reply, type Request, type Store } from './messages.ts';
import type { Generation } from './state.ts';
import type { Active, Outcome, PermitStatus } from './status.ts';

export interface EnvironmentOptions extends Pick<LoopOptions, 'intervalMs' | 'monotonic' | 'timers' | 'random'> {
  readonly environment: string;
  readonly key: string;
  readonly apiUrl: string;
  readonly store: Store;
  /** Digest that the environment's last activation in the decision log names; without one nothing is taken from disk. */
  readonly wanted?: string | undefined;
  /** A time that is known to have passed. */
  readonly atLeastMs?: number | undefined;
  readonly now: () => number;
  readonly thread: SyncThread;
  readonly budgetOf: (key: string) => Budget;
  /** One activation after the other, over all environments. */
  readonly serially: <T>(run: () => Promise<T>) => Promise<T>;
  readonly onVerified: (environment: string, generation: Active) => Promise<void> | void;
  readonly onAttempt: (status: PermitStatus) => void;
  readonly unmapped: (environment: string) => number;
}

/** One Permit environment: what of it decides, and the loop that keeps it true. */
export interface Environment {
  active(): Active | undefined;
  status(): PermitStatus;
  start(): void;
  pollNow(): void;
  setKey(key: string): void;
  rollback(toNumber: number | undefined): Promise<Active>;
  resume(): Promise<Active | undefined>;
  /** Nothing begins afterwards; resolves when what ran has ended. */
  stop(): Promise<void>;
  /** Keeps how far time has come. */
  note(): Promise<void>;
}

/** Its age is renewed in place, so that whoever holds it asks no older one. */
type Renewable = Active & { verifiedAtMs: number };

/** Takes the wanted generation from disk, and no network. @throws {DiskError} when what is kept there can't be trusted. */
export async function openEnvironment(o: EnvironmentOptions): Promise<Environment> {
  const { environment, store, thread } = o;
  const opened = await thread.ask({ type: 'open', store, wanted: o.wanted });
  if (opened.kept === undefined) throw new DiskError(opened.failure?.message ?? `${store.folder}: can't be opened`);
  let kept = opened.kept;
  const steady = createSteadyClock({ now: o.now, monotonic: o.monotonic, seen: kept.seen, atLeastMs: o.atLeastMs });
  let active: Renewable | undefined = opened.loaded === undefined ? undefined : toActive(opened.loaded);
  let refused = opened.failure?.message;
  let key = o.key;
  let alarm: string | undefined;
  let progress: Progress | undefined;
  let last: PermitStatus['lastAttempt'];

  function toActive({ generation, built }: Loaded): Renewable {
    const next: Renewable = { ...generation, file: fileOf(store, generation.number), ...(built !== undefined && { message: built.message }), ageMs: () => ageMs(next.verifiedAtMs, steady.nowMs()) };
    return next;
  }

  async function ask(request: Request, hooks?: Parameters<SyncThread['ask']>[1]): Promise<Reply> {
    const reply = await thread.ask(request, hooks);
    kept = reply.kept ?? kept;
    return reply;
  }

  async function load(number: number): Promise<Loaded> {
    const { loaded, failure } = await ask({ type: 'load', store, number });
    if (loaded === undefined) throw new SyncError(failure!);
    return loaded;
  }

  async function pin(number: number | undefined): Promise<void> {
    const { failure } = await ask({ type: 'pin', store, number });
    if (failure !== undefined) throw new SyncError(failure);
  }

  async function activate(loaded: Loaded): Promise<void> {
    const next = toActive(loaded);
    try {
      await o.onVerified(environment, next);
    } catch (error) {
      const why = error instanceof PermitError ? error.message : error instanceof Error ? error.name : 'unknown';
      throw new SyncError({ kind: 'activation', message: `generation ${next.number} was read, but could not be put to use: ${why}` }, { cause: error });
    }
    active = next;
    refused = undefined;
  }

  async function adopt(generation: Generation, { loaded, renewed = [] }: Reply): Promise<Outcome> {
    alarm = undefined;
    const { number, verifiedAtMs } = generation;
    if (active !== undefined && renewed.includes(active.number)) active.verifiedAtMs = verifiedAtMs;
    if (kept.pinned !== undefined) return 'stored';
    if (active?.number === number) return 'unchanged';
    await activate({ ...(loaded?.built === undefined ? await load(number) : loaded), generation });
    return 'activated';
  }

  async function sync(signal: AbortSignal): Promise<Cost & { readonly ok: boolean }> {
    const startedAt = o.monotonic();
    const seen = steady.seen();
    const budget = o.budgetOf(key);
    const request: Request = { type: 'scan', store, apiUrl: o.apiUrl, key, budgeted: budget.bounded, active: active && { number: active.number, digest: active.digest }, seen };
    const reply = await ask(request, { signal, mayRequest: budget.mayRequest, onProgress: (now) => (progress = now) });
    progress = undefined;
    const { failure, outcome } = await outcomeOf(reply, seen.atMs);
    const cost = reply.cost ?? { requests: 0, workedMs: o.monotonic() - startedAt };
    if (failure?.kind === 'aborted' || signal.aborted) return { ...cost, ok: false };
    if (failure?.kind === 'unconfirmed') alarm = failure.message;
    if (failure !== undefined) await note();
    last = { atMs: seen.atMs, outcome, ...(failure !== undefined && { message: failure.message }), ...cost };
    return { ...cost, ok: failure === undefined };
  }

  async function outcomeOf(reply: Reply, verifiedAtMs: number): Promise<{ readonly outcome: Outcome; readonly failure?: Failure }> {
    const { failure, loaded } = reply;
    if (failure !== undefined) return { failure, outcome: failure.kind };
    try {
      return { outcome: await o.serially(() => adopt({ ...loaded!.generation, verifiedAtMs }, reply)) };
    } catch (error) {
      const known: Failure = error instanceof SyncError ? error : { kind: 'activation', message: error instanceof Error ? error.name : 'unknown' };
      return { failure: known, outcome: known.kind };
    }
  }

  async function note(): Promise<void> {
    await ask({ type: 'note', store, seen: steady.seen() });
  }

  /** The newest before the one that decides that says something else. */
  function previous(): number | undefined {
    const from = active ?? kept.generations.at(-1);
    return kept.generations.findLast(({ number, content }) => from !== undefined && number < from.number && content !== from.content)?.number;
  }

  const rollback = (toNumber: number | undefined) => o.serially(async () => {
    const number = toNumber ?? previous();
    if (number === undefined) throw new SyncError({ kind: 'disk', message: `${environment}: there is no earlier generation to go back to; kept are ${kept.generations.map((one) => one.number).join(', ') || 'none'}` });
    const before = kept.pinned;
    const loaded = await load(number); // nothing is pinned that can't be used
    await pin(number);
    try {
      if (active?.number !== number) await activate(loaded);
    } catch (error) {
      await pin(before);
      throw error;
    }
    return active!;
  });

  const resume = () => o.serially(async () => {
    await pin(undefined);
    const newest = kept.generations.at(-1);
    if (newest !== undefined && newest.number !== active?.number) await activate(await load(newest.number));
    loop.pollNow();
    return active;
  });

  function status(): PermitStatus {
    const { revocationBoundMs, ...looped } = loop.status();
    const newest = kept.generations.at(-1)?.number;
    return {
      ...looped,
      environment,
      ...(active !== undefined && { active: { number: active.number, digest: active.digest, counts: active.counts, verifiedAtMs: active.verifiedAtMs, ageMs: active.ageMs() } }),
      ...(newest !== undefined && { newest }),
      // While one is pinned no revocation is followed, and no time bounds that.
      ...(kept.pinned !== undefined ? { pinned: kept.pinned } : revocationBoundMs !== undefined && { revocationBoundMs }),
      kept: kept.generations.map(({ number }) => number),
      ...(last !== undefined && { lastAttempt: last }),
      ...(looped.nextPollInMs !== undefined && { nextPollAtMs: steady.nowMs() + looped.nextPollInMs }),
      ...(alarm !== undefined && { alarm }),
      ...(refused !== undefined && { refused }),
      ...(progress !== undefined && { progress }),
      unmapped: o.unmapped(environment),
    };
  }

  const loop = createLoop({ ...o, budget: () => o.budgetOf(key), sync, onEnd: () => o.onAttempt(status()) });

  return {
    active: () => active,
    status,
    start() {
      // A crash came between the pin and its record: what was asked for is done now, and recorded.
      if (active !== undefined && kept.pinned !== undefined && kept.pinned !== active.number) void rollback(kept.pinned).catch((error: Error) => (refused = error.message));
      loop.start();
    },
    pollNow: loop.pollNow,
    setKey(next) {
      if (next === key) return;
      key = next;
      loop.startAfresh();
    },
    rollback,
    resume,
    stop: loop.close,
    note,
  };
}
