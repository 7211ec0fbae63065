import { existsSync } from 'node:fs';
import path from 'node:path';
import { createClock } from './clock.ts';
import { SluiceError } from './core/errors.ts';
import { VENDOR_STATES, type Facts, type VendorState } from './core/facts.ts';
import { openDataDir } from './datadir/datadir.ts';
import { bytesOf, type Remembered } from './judge.ts';
import { lastOf } from './log/last.ts';
import { openLogIndex } from './log/index/log-index.ts';
import { openLog, type OpenedLog } from './log/log.ts';
import { readOrigin } from './log/layout.ts';
import { recover } from './log/recover.ts';
import type { Entry, LogActs } from './log/types.ts';
import { createMemo } from './memo.ts';
import { assemble, generationsOf } from './service/assemble.ts';
import { describe, firstOf, mistakesOf } from './service/mistakes.ts';
import { createPdp, type Asked, type Observer, type Pdp } from './pdp.ts';
import { openPermit, type PermitOptions, type PermitSource } from './service/permit.ts';
import type { Snapshots } from './snapshot.ts';
import { createRevisions } from './service/revised.ts';
import { statusOf } from './service/status.ts';
import { createSyncControl, type SyncControl } from './service/sync-control.ts';
import { refuseEarlyReturn, worseOf } from './service/vendor-switch.ts';
import { createLogActs } from './service/log-acts.ts';
import { tellOfLog, tellRecovered, watchLogDisk } from './service/log-told.ts';
import { createProofs, type TreeProofs } from './service/proofs.ts';
import { createReading, type Reading } from './service/reading.ts';
import { createVetting } from './service/vetting.ts';
import { PROGRAM } from './version.ts';
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
  /** What the memo may hold of memory. */
  readonly memoBytes: number;
  /** Where the copy of the log's newest checkpoint lies; default: among the keys of the data directory. */
  readonly logCheckpointFile?: string | undefined;
  /** A segment of the log takes no further record once it has so many; default 256 MiB. */
  readonly logSegmentBytes?: number;
  /** Environments that are administered in Permit. */
  readonly permit?: PermitOptions;
  /** Wall time in milliseconds since the Unix epoch; for tests. */
  readonly now?: () => number;
  readonly monotonic?: () => number;
  /** Whether the log is indexed, in threads of their own, so that it can be read. */
  readonly indexed?: boolean;
}

export interface Sluice {
  readonly pdp: Pdp;
  /** Those of the files. */
  facts(): Facts;
  /** With `indexed`. */
  readonly reading?: Reading;
  readonly proofs?: TreeProofs;
  readonly log: { readonly origin: string; /** How many lines are durable. */ durable(): number; readonly acts: LogActs };
  /** Flushes and closes the log, gives the data directory back. */
  close(): Promise<void>;
}

const PROBE_MS = 1000;

/**
 * Opens the data directory, the log, the policy and the facts, and answers from then on. Of environments administered
 * in Permit it takes what the log names from disk, and asks Permit only once all else is done.
 *
 * @throws {Error} when another process holds the data directory, or it can't be written; {PoliciesError} or
 * {PolicyError} with every mistake: it never serves without a good policy.
 */
export async function openSluice(options: OpenOptions): Promise<Sluice> {
  const { logger, observer, now = Date.now, monotonic = () => performance.now() } = options;
  const folders = { root: process.cwd(), ...options };
  const vetting = createVetting(folders, logger);
  const logDir = path.join(options.dataDir, 'log');
  const dataDir = await openDataDir(options.dataDir, now);
  let loaded: Loaded;
  let log: OpenedLog;
  let snapshots: Snapshots;
  let permit: PermitSource | undefined;
  let opening: Promise<PermitSource> | undefined;
  let seenMs: number;
  let inForce: readonly Entry[] | undefined; // asked for by the first record, which opening the log may write
  try {
    const isFirst = !existsSync(path.join(logDir, 'origin'));
    const found = isFirst ? undefined : await recover(logDir, readOrigin(logDir));
    seenMs = found?.lastMs ?? 0; // a clock set back over a restart revives nothing either (J28)
    // Its thread reads the disk while this one loads the policy.
    opening = options.permit && openPermit({
      ...options.permit, dataDir: options.dataDir, before: found && await lastOf(logDir, 'snapshot_activated', found.tail), lastRecordMs: seenMs, logger, now, monotonic, activate: () => activate(loaded).then(() => vetting.tell(loaded, permit)),
    });
    opening?.catch(() => {}); // told below
    loaded = await load(folders, now);
    permit = await opening;
    permit?.check(loaded.facts);
    await vetting.refuse(loaded, permit); // also since the first evaluations cost twenty times the later ones
    snapshots = assemble(loaded, permit, dataDir);
    log = await openLog({
      dir: logDir, found, keysDir: path.join(options.dataDir, 'keys'), copyPath: options.logCheckpointFile, maxSegmentBytes: options.logSegmentBytes, now, onSegment: () => activations(),
      ...tellOfLog(logger),
    });
    tellRecovered(log, logger);
  } catch (error) {
    await opening?.then(({ sync }) => sync.close(), () => {});
    dataDir.close();
    throw error;
  }

  const memo = createMemo<Remembered>({ maxBytes: options.memoBytes, bytesOf });
  const onFailure = (error: unknown) => {
    observer.evaluationFailed(error instanceof Error ? error.name : 'unknown');
    logger.error({ reason: describe(error) }, 'an evaluation failed, its question was denied');
  };
  const note = (kind: Entry['kind'], members: object) => {
    log.append({ kind, members: JSON.stringify(members).slice(1, -1) }).durable.catch((error: unknown) => logger.error({ kind, reason: describe(error) }, 'a record could not be written'));
  };
  const clock = createClock({ now, monotonic, seenMs }, (byMs) => {
    logger.warn({ byMs }, 'the clock jumped');
    note('clock_jump', { byMs });
  });
  let reloadErrors: readonly string[] | undefined;
  let reloading: Promise<unknown> = Promise.resolve();
  let switching: Promise<unknown> = Promise.resolve();
  let recorded = '';
  const revisions = createRevisions();

  const state = () => JSON.stringify([snapshots.digest, generationsOf(loaded, permit)]);

  /** What decides now; each segment of the log begins with it. Every record asks for it, and it changes only with `activate`. */
  function activations(): readonly Entry[] {
    return inForce ??= describeActivations();
  }

  function describeActivations(): readonly Entry[] {
    const bundle = { bundle: loaded.engine.digest, source: loaded.bundle.source, program: PROGRAM };
    const facts = {
      digest: snapshots.digest, facts: loaded.facts.digest, environments: Object.fromEntries(snapshots.numbers()), vendorStates: Object.fromEntries(dataDir.vendorStates()),
      ...(permit !== undefined && { permit: generationsOf(loaded, permit) }),
    };
    return [{ kind: 'bundle_activated', members: JSON.stringify(bundle).slice(1, -1) }, { kind: 'snapshot_activated', members: JSON.stringify(facts).slice(1, -1) }];
  }

  async function activate(next: Loaded): Promise<void> {
    snapshots = assemble(next, permit, dataDir); // first, since it may throw: then nothing has changed
    loaded = next;
    inForce = undefined;
    const present = state();
    if (present === recorded) return;
    memo.clear();
    // In one turn with the swap: no decision comes into the log before the activation of its revision.
    await Promise.all(activations().map((entry) => log.append(entry).durable));
    recorded = present;
    revisions.tell();
    observer.activated('ok');
  }

  async function reloadNow() {
    try {
      const next = await load(folders, now, loaded);
      await vetting.refuse(next, permit, loaded);
      await activate(next);
      reloadErrors = undefined;
      logger.info({ digest: snapshots.digest }, 'policy and facts reloaded');
      return { ok: true, errors: [], digest: snapshots.digest };
    } catch (error) {
      reloadErrors = mistakesOf(error);
      observer.activated('failed');
      logger.error({ mistakes: firstOf(reloadErrors) }, 'the reload failed; the last good policy and facts stay');
      return { ok: false, errors: reloadErrors, digest: snapshots.digest };
    }
  }

  async function setVendorState(id: string, state: VendorState, asked: Asked): Promise<{ readonly state: VendorState }> {
    const vendors = snapshots.all().flatMap(({ world }) => world.catalogue.facts.vendors.get(id) ?? []);
    if (vendors.length === 0) throw new SluiceError('not_found', 'no vendor has this id');
    if (!VENDOR_STATES.includes(state)) throw new SluiceError('request_invalid', `state must be one of ${VENDOR_STATES.join(', ')}`);
    for (const vendor of vendors) refuseEarlyReturn(vendor, state, { state: dataDir.vendorStates().get(id), atMs: dataDir.vendorStateSetAtMs(id) });
    await log.append({ kind: 'vendor_state', members: JSON.stringify({ vendor: id, state, caller: asked.caller.id, requestId: asked.requestId }).slice(1, -1) }).durable;
    dataDir.setVendorState(id, state);
    await activate(loaded);
    return { state: vendors.map((vendor) => worseOf(vendor, state)).sort((a, b) => VENDOR_STATES.indexOf(b) - VENDOR_STATES.indexOf(a))[0]! };
  }

  note('start', { program: PROGRAM, node: process.version });
  for (const entry of activations()) await log.append(entry).durable;
  recorded = state();
  observer.activated('ok');
  permit?.tell(loaded.facts);
  permit?.sync.start();
  // Whoever heeds /readyz asks nothing of a log that has failed: so it finds out by itself when there is space again.
  const probing = setInterval(() => {
    void log.probe();
    permit?.renewKeys();
  }, PROBE_MS);
  probing.unref();

  const sync: SyncControl | undefined = permit && createSyncControl({ permit, facts: () => loaded.facts, log });
  const disk = watchLogDisk(logDir, logger);
  const durable = () => log.size() - log.queued();
  const index = options.indexed !== true ? undefined : openLogIndex({
    dir: logDir, folder: path.join(options.dataDir, 'index'), origin: log.origin, durable, logger,
  });

  const pdp: Pdp = {
    ...createPdp({ snapshots: () => snapshots, revised: revisions.revised, clock, log, memo, hash: dataDir.hashName, observer, program: PROGRAM, onFailure }),
    ...(sync !== undefined && { sync }),

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

    status: () => statusOf({ snapshots, loaded, log, permit, reloadErrors, nowMs: now(), disk: disk.usage(), index: index?.status(), memo: { entries: memo.size(), bytes: memo.bytes(), maxBytes: options.memoBytes } }),
  };

  return {
    pdp,
    facts: () => loaded.facts,
    log: { origin: log.origin, durable, acts: createLogActs({ log, dataDir, forget: memo.clear }) },
    ...(index !== undefined && { reading: createReading({ log, index, hash: dataDir.hashName }), proofs: createProofs(logDir) }),
    async close() {
      clearInterval(probing);
      disk.close();
      await permit?.sync.close();
      await Promise.all([reloading, switching]);
      if (log.failure() === undefined) note('stop', { program: PROGRAM });
      await log.close();
      await index?.close();
      dataDir.close();
    },
  };
}
