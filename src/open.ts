import path from 'node:path';
import { createClock } from './clock.ts';
import { SluiceError } from './core/errors.ts';
import { VENDOR_STATES, type Facts, type Vendor, type VendorState } from './core/facts.ts';
import { openDataDir } from './datadir/datadir.ts';
import { EvaluationFailed } from './core/decide/rulings.ts';
import type { Remembered } from './judge.ts';
import { openLog, type OpenedLog } from './log/log.ts';
import { readLog } from './log/read.ts';
import type { Entry } from './log/types.ts';
import { createMemo } from './memo.ts';
import { PolicyError } from './opa/build.ts';
import { createPdp, type Asked, type Observer, type Pdp, type PdpStatus } from './pdp.ts';
import { createSnapshot, type Snapshot } from './snapshot.ts';
import { PoliciesError } from './sources/yaml/problems.ts';
import { PROGRAM } from './version.ts';
import { probe } from './vet.ts';
import { load, type Folders, type Loaded } from './workspace.ts';

/** What the service says about itself; pino's logger fits. */
export interface Logger {
  info(members: object, message: string): void;
  warn(members: object, message: string): void;
  error(members: object, message: string): void;
}

export interface OpenOptions extends Omit<Folders, 'root'> {
  /** Default: the current folder. */
  readonly root?: string;
  readonly logger: Logger;
  readonly observer: Observer;
  /** How many decisions the memo keeps. */
  readonly memoEntries: number;
  /** Wall time in milliseconds since the Unix epoch; for tests. */
  readonly now?: () => number;
  readonly monotonic?: () => number;
}

export interface Sluice {
  readonly pdp: Pdp;
  facts(): Facts;
  /** Flushes and closes the log, gives the data directory back. */
  close(): Promise<void>;
}

const PROBE_MS = 1000;

/**
 * Opens the data directory, the log, the policy and the facts, and answers from then on.
 *
 * @throws {Error} when another process holds the data directory, or it can't be written; {PoliciesError} or
 * {PolicyError} with every mistake: it never serves without a good policy.
 */
export async function openSluice(options: OpenOptions): Promise<Sluice> {
  const { logger, observer, now = Date.now, monotonic = () => performance.now() } = options;
  const folders = { root: process.cwd(), ...options };
  const dataDir = await openDataDir(options.dataDir, now);
  let loaded: Loaded;
  let log: OpenedLog;
  let snapshot: Snapshot;
  try {
    loaded = await load(folders, now);
    await probe(loaded, folders.rego); // also since the first evaluations cost twenty times the later ones
    snapshot = snapshotOf(loaded);
    log = await openLog({
      dir: path.join(options.dataDir, 'log'), keysDir: path.join(options.dataDir, 'keys'), now, onSegment: () => activations(),
      onSigningProblem: (reason) => logger.error({ reason }, 'records are durable, and not signed for'),
      onClockBack: (byMs) => logger.warn({ byMs }, 'the clock is behind the last record; records keep its time until it has caught up'),
    });
    const { truncatedBytes } = log.recovered;
    const repairedTiles = log.evidence?.repairedTiles ?? 0;
    if (repairedTiles > 0) logger.warn({ repairedTiles }, 'tiles of the log were missing or damaged, and were made again from its records, which are the signed ones');
    if (truncatedBytes > 0) logger.warn({ truncatedBytes }, 'a torn last line of the log, which nobody was answered for, was cut off');
  } catch (error) {
    dataDir.close();
    throw error;
  }

  const memo = createMemo<Remembered>(options.memoEntries);
  const onFailure = (error: unknown) => {
    observer.evaluationFailed(error instanceof Error ? error.name : 'unknown');
    logger.error({ reason: describe(error) }, 'an evaluation failed, its question was denied');
  };
  const note = (kind: Entry['kind'], members: object) => {
    log.append({ kind, members: JSON.stringify(members).slice(1, -1) }).durable.catch((error: unknown) => logger.error({ kind, reason: describe(error) }, 'a record could not be written'));
  };
  const clock = createClock({ now, monotonic, seenMs: await lastRecordMs(path.join(options.dataDir, 'log')) }, (byMs) => {
    logger.warn({ byMs }, 'the clock jumped');
    note('clock_jump', { byMs });
  });
  let reloadErrors: readonly string[] | undefined;
  let reloading: Promise<unknown> = Promise.resolve();
  let switching: Promise<unknown> = Promise.resolve();

  function snapshotOf(parts: Loaded): Snapshot {
    return createSnapshot({ ...parts, vendorStates: dataDir.vendorStates(), revisionOf: (environment, digest) => dataDir.revisionOf(environment, digest) });
  }

  /** What decides now; each segment of the log begins with it. */
  function activations(): readonly Entry[] {
    const bundle = { bundle: loaded.engine.digest, source: loaded.bundle.source, program: PROGRAM };
    const facts = { digest: snapshot.digest, facts: loaded.facts.digest, environments: Object.fromEntries(snapshot.numbers), vendorStates: Object.fromEntries(snapshot.world.vendorStates) };
    return [{ kind: 'bundle_activated', members: JSON.stringify(bundle).slice(1, -1) }, { kind: 'snapshot_activated', members: JSON.stringify(facts).slice(1, -1) }];
  }

  async function activate(next: Loaded): Promise<void> {
    const before = snapshot.digest;
    snapshot = snapshotOf(next); // first, since it may throw: then nothing has changed
    loaded = next;
    if (snapshot.digest === before) return;
    memo.clear();
    // In one turn with the swap: no decision comes into the log before the activation of its revision.
    await Promise.all(activations().map((entry) => log.append(entry).durable));
    observer.activated('ok');
  }

  async function reloadNow() {
    try {
      const next = await load(folders, now, loaded);
      if (next.engine !== loaded.engine) await probe(next, folders.rego);
      await activate(next);
      reloadErrors = undefined;
      logger.info({ digest: snapshot.digest }, 'policy and facts reloaded');
      return { ok: true, errors: [], digest: snapshot.digest };
    } catch (error) {
      reloadErrors = mistakesOf(error);
      observer.activated('failed');
      logger.error({ mistakes: reloadErrors }, 'the reload failed; the last good policy and facts stay');
      return { ok: false, errors: reloadErrors, digest: snapshot.digest };
    }
  }

  async function setVendorState(id: string, state: VendorState, asked: Asked): Promise<{ readonly state: VendorState }> {
    const vendor = loaded.facts.vendors.get(id);
    if (vendor === undefined) throw new SluiceError('not_found', 'no vendor has this id');
    if (!VENDOR_STATES.includes(state)) throw new SluiceError('request_invalid', `state must be one of ${VENDOR_STATES.join(', ')}`);
    refuseEarlyReturn(vendor, state, { state: dataDir.vendorStates().get(id), atMs: dataDir.vendorStateSetAtMs(id) });
    await log.append({ kind: 'vendor_state', members: JSON.stringify({ vendor: id, state, caller: asked.caller.id, requestId: asked.requestId }).slice(1, -1) }).durable;
    dataDir.setVendorState(id, state);
    await activate(loaded);
    return { state: worseOf(vendor, snapshot) };
  }

  note('start', { program: PROGRAM, node: process.version });
  for (const entry of activations()) await log.append(entry).durable;
  observer.activated('ok');
  // Whoever heeds /readyz asks nothing of a log that has failed: so it finds out by itself when there is space again.
  const probing = setInterval(() => void log.probe(), PROBE_MS);
  probing.unref();

  const pdp: Pdp = {
    ...createPdp({ snapshot: () => snapshot, clock, log, memo, hash: dataDir.hashName, observer, program: PROGRAM, onFailure }),

    reload() {
      const result = reloading.then(reloadNow);
      reloading = result;
      return result;
    },

    // One after the other: else a return would be allowed by the state before a breach that is just being recorded.
    // Not behind a reload, which may take seconds.
    setVendorState(id, state, asked) {
      const result = switching.then(() => setVendorState(id, state, asked));
      switching = result.catch(() => {});
      return result;
    },

    status: (): PdpStatus => ({
      digest: snapshot.digest,
      bundleDigest: loaded.engine.digest,
      loadedAtMs: loaded.loadedAtMs,
      ...(reloadErrors !== undefined && { reloadErrors }),
      ...(log.failure() !== undefined && { logFailure: log.failure()! }),
      queuedRecords: log.queued(),
      shadow: shadowsOf(loaded.facts),
      environments: Object.fromEntries([...snapshot.numbers].map(([environment, number]) => [environment, { number, ageMs: Math.max(0, now() - snapshot.loadedAtMs) }])),
    }),
  };

  return {
    pdp,
    facts: () => loaded.facts,
    async close() {
      clearInterval(probing);
      await Promise.all([reloading, switching]);
      if (log.failure() === undefined) note('stop', { program: PROGRAM });
      await log.close();
      dataDir.close();
    },
  };
}

/** The time of the last record: a clock set back over a restart revives nothing either (J28). */
async function lastRecordMs(dir: string): Promise<number> {
  for await (const { record } of readLog(dir, { reverse: true, limit: 1 })) return Date.parse(String(record['time']));
  return 0;
}

/**
 * A vendor that was breached returns only with claims issued since (R83). One that the switch terminated too: else a
 * breach could be forgotten by way of a termination.
 */
function refuseEarlyReturn(vendor: Vendor, wanted: VendorState, set: { readonly state: VendorState | undefined; readonly atMs: number | undefined }): void {
  const sinceMs = set.state === 'breached' || set.state === 'terminated' ? set.atMs : vendor.breachedMs;
  if (wanted === 'breached' || wanted === 'terminated' || sinceMs === undefined) return;
  const old = vendor.claims.filter(({ issuedMs }) => issuedMs === undefined || issuedMs <= sinceMs).map(({ name }) => name);
  if (old.length > 0 || vendor.claims.length === 0) {
    throw new SluiceError('request_invalid', `the vendor was stopped on ${new Date(sinceMs).toISOString()}: it returns only with claims issued since; renew ${old.join(', ') || 'its claims'} in the catalogue first`);
  }
}

const worseOf = (vendor: Vendor, { world }: Snapshot): VendorState => {
  const states = [vendor.state, world.vendorStates.get(vendor.id) ?? 'active'];
  return VENDOR_STATES.findLast((state) => states.includes(state)) ?? vendor.state;
};

const shadowsOf = ({ modes }: Facts): readonly string[] => [...modes.vendors, ...modes.events].filter(([, { mode }]) => mode === 'shadow').map(([id]) => id).sort();

/** Our own messages name no value; anybody else's may quote the input, so only its kind is told. */
const describe = (error: unknown): string => (error instanceof EvaluationFailed || error instanceof SluiceError ? error.message : error instanceof Error ? error.name : 'unknown');

function mistakesOf(error: unknown): readonly string[] {
  if (error instanceof PoliciesError) return error.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  if (error instanceof PolicyError) return error.problems;
  if (error instanceof AggregateError) return error.errors.flatMap(mistakesOf);
  return [error instanceof Error ? error.message : 'unknown'];
}
