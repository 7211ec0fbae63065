import { accessSync, chmodSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { VENDOR_STATES, type VendorState } from '../core/facts.ts';
import { refuseStrangers, refuseStrangersAt } from '../files/access.ts';
import { makeFolder } from './durable.ts';
import { openKept } from './kept.ts';
import { lockFolder } from './lock.ts';
import { openNames, type Names } from './names.ts';

/** What one Sluice keeps between its runs, apart from the log. Held by one process at a time. */
export interface DataDir {
  readonly path: string;
  /** `?` and 16 hex of an HMAC: what may be recorded of a name that nobody knows (J30). */
  hashName(name: string): string;
  /** Changes the key of `hashName`, by a record; see `Names`. */
  readonly rotateNames: Names['rotate'];
  /**
   * The number of the environment's revision with this digest: the last one while the digest is the last one, else one
   * more, so that a rollback counts up too (J27). From 1. On disk before it is returned.
   */
  revisionOf(environment: string, digest: string): number;
  /** What the kill switch has set (J17); a value, which a later `setVendorState` leaves as it is. */
  vendorStates(): ReadonlyMap<string, VendorState>;
  /** When the switch last set this vendor's state, in milliseconds since the Unix epoch (R83). */
  vendorStateSetAtMs(vendor: string): number | undefined;
  /** On return the state is on disk; after a throw the old one counts. */
  setVendorState(vendor: string, state: VendorState): void;
  /** Lets the next process have the directory. Nothing may be used after. */
  close(): void;
}

/**
 * Takes the data directory (made with mode 0700 if need be) for this process alone. A process that dies lets go of it
 * at once. The log belongs into `<path>/log` and is opened after this: once it is there, a missing key or state file is
 * an error and no first start.
 *
 * @param now wall time in milliseconds since the Unix epoch.
 * @throws {Error} with a message for the operator: can't be written, in use by another process, key or state files
 * missing, damaged or open to others.
 */
export async function openDataDir(path: string, now: () => number = Date.now): Promise<DataDir> {
  makeWritable(path);
  refuseOpenFolders(path);
  const unlock = lockFolder(path);
  try {
    // The folder alone may be an empty volume; the origin is the first that the log writes.
    const isNew = !existsSync(join(path, 'log', 'origin'));
    const revisions = openKept({ path: join(path, 'revisions.json'), value: Revision, isNew, holds: 'the numbers of the revisions, which may never be given twice' });
    const states = openStates(path, isNew);
    const names = openNames(join(path, 'keys', 'names.key'), isNew);
    return {
      path,
      hashName: names.hash,
      rotateNames: names.rotate,
      revisionOf(environment, digest) {
        const last = revisions.get().get(environment);
        if (last?.digest === digest) return last.number;
        const number = (last?.number ?? 0) + 1;
        revisions.set(environment, { number, digest });
        return number;
      },
      vendorStates: () => statesIn(states),
      vendorStateSetAtMs: (vendor) => states.get().get(vendor)?.atMs,
      setVendorState: (vendor, state) => states.set(vendor, { state, atMs: now() }),
      close: unlock,
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * What the kill switch has set there, without taking the directory: also while a server runs.
 *
 * @throws {Error} naming the file when it is damaged.
 */
export function readVendorStates(path: string): ReadonlyMap<string, VendorState> {
  return existsSync(join(path, STATES)) ? statesIn(openStates(path, false)) : new Map();
}

const STATES = 'vendor-states.json';
const openStates = (path: string, isNew: boolean) => openKept({ path: join(path, STATES), value: SetState, isNew, holds: 'the vendors stopped by the kill switch' });
const statesIn = (states: ReturnType<typeof openStates>) => new Map([...states.get()].map(([vendor, { state }]) => [vendor, state]));

const SetState = z.strictObject({ state: z.enum(VENDOR_STATES), atMs: z.number() });
const Revision = z.strictObject({ number: z.int().min(1), digest: z.string() });

// Whoever can write them can put another log, or another policy, in the place of this one's.
function refuseOpenFolders(path: string): void {
  refuseStrangersAt(path, { elsewhere: `name a folder in it, which is then made for this process alone: SLUICE_DATA_DIR=${join(path, 'sluice')}` });
  for (const name of readdirSync(path)) {
    const folder = join(path, name);
    if (name === BUNDLES) shut(folder);
    const found = statSync(folder, { throwIfNoEntry: false });
    // Who may only look can't come here past the folder above; but a folder may be a volume, which is elsewhere too.
    if (found?.isDirectory() === true) refuseStrangers(folder, found, { mayRead: true });
  }
}

const BUNDLES = 'bundles';

/** An earlier program made it as its umask was. */
function shut(folder: string): void {
  if ((statSync(folder).mode & 0o002) === 0) return;
  try {
    chmodSync(folder, 0o700);
  } catch {
    // It belongs to somebody else, and is refused.
  }
}

function makeWritable(path: string): void {
  try {
    makeFolder(path);
    makeFolder(join(path, 'keys'));
    accessSync(path, constants.W_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`${path}: the data directory can't be written (${code ?? message}). Sluice answers nothing that it can't record: give it a directory of its own, by SLUICE_DATA_DIR.`, { cause: error });
  }
}
