import { accessSync, chmodSync, constants, statSync } from 'node:fs';

/** What tells who may do what with a file; `Stats` of node:fs fits, its bigints too. */
export interface Owned {
  readonly mode: number | bigint;
  readonly uid: number | bigint;
  readonly gid: number | bigint;
  isDirectory(): boolean;
}

/** Who this process is to the file system. `uid` is undefined where there are no such things. */
export interface Process {
  readonly uid: number | undefined;
  readonly groups: readonly number[];
}

export interface Reason {
  /** What whoever may get at it can do; a sentence without its full stop. */
  readonly why?: string;
  /** What is to be done besides once it is shut, as it may have been read: continues "chmod 600 it, and". */
  readonly andThen?: string;
  /** Whether others may read and enter: of a folder below one that they can't enter. */
  readonly mayRead?: boolean;
  /** Another way out where a folder belongs to somebody else: continues "or". */
  readonly elsewhere?: string;
}

// Of this process, like its groups; a map would be handed through all who read a key.
const groupMay = new Set<string>();

/** Where own groups may get at what is for this process alone: for one warning. */
export const openToGroup = (): readonly string[] => [...groupMay].sort();

export const groupWarning = 'a group of this process can read or change what is for this process alone, '
  + 'as under fsGroup of Kubernetes: see to it that nobody else is in that group';

/**
 * Refuses what others than this process may read, change or enter: keys, tokens, secrets, and the folders that hold
 * them. The group's bits are accepted where the group is one of the process's own, since under Kubernetes' fsGroup they
 * are set at every start; see `openToGroup`.
 *
 * @throws {Error} naming the path and its mode, with what to write.
 */
export function refuseStrangers(path: string, file: Owned, reason: Reason = {}, self: Process = thisProcess()): void {
  const { why, andThen, mayRead = false, elsewhere } = reason;
  if (self.uid === undefined) return;
  const mode = Number(file.mode) & 0o777;
  const [groupBits, otherBits] = [(mode >> 3) & 7, mode].map((bits) => bits & (mayRead ? 2 : 7)) as [number, number];
  const isOwnGroup = self.groups.includes(Number(file.gid));
  if (otherBits === 0 && (groupBits === 0 || isOwnGroup)) {
    if (groupBits !== 0) groupMay.add(path);
    return;
  }
  const strangers = otherBits === 0 ? `the group ${file.gid}, none of this process's` : 'others';
  const can = `can be ${actsOf(otherBits || groupBits, file)} by ${strangers} (mode 0${mode.toString(8)})`;
  const todo = `${adviceOn(path, file, self)}${andThen === undefined ? '' : `, and ${andThen}`}`;
  const or = elsewhere === undefined ? '' : `; or ${elsewhere}`;
  throw new Error(`${path}: ${can}${why === undefined ? '' : `. ${why}`}: ${todo}${or}`);
}

function actsOf(bits: number, file: Owned): string {
  const acts = [...(bits & 4 ? ['read'] : []), ...(bits & 2 ? ['changed'] : [])];
  return acts.join(' and ') || (file.isDirectory() ? 'entered' : 'run');
}

/** As `refuseStrangers`, of what has the name now; a missing file is refused by nobody. */
export function refuseStrangersAt(path: string, reason?: Reason): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file !== undefined) refuseStrangers(path, file, reason);
}

/**
 * For a file that was made as the umask was. Where another user of the same group made it, as after a change of the
 * user, only that one may change its mode: then it is looked at instead.
 *
 * @throws {Error} as `refuseStrangers`.
 */
export function makePrivate(file: string): void {
  try {
    chmodSync(file, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    refuseStrangersAt(file);
  }
}

function adviceOn(path: string, file: Owned, { uid, groups }: Process): string {
  const isFolder = file.isDirectory();
  if ((uid === 0 || uid === Number(file.uid)) && !isReadOnly(path)) return isFolder ? 'chmod 700 it' : 'chmod 600 it';
  const [owner, group] = [`its owner (uid ${file.uid})`, `a group of this process (${groups.join(', ')})`];
  if (isFolder) return `${owner} must chmod o-rwx it and give it ${group}, as Kubernetes does with fsGroup`;
  const inKubernetes = '"defaultMode: 0440" for the volume and "fsGroup" for the pod';
  return `${owner} must give it mode 0440 and ${group}; in Kubernetes: ${inKubernetes}`;
}

/** A secret's volume is mounted read-only: nobody can chmod there, not even root. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}

function thisProcess(): Process {
  const groups = process.getgroups === undefined ? [] : [process.getegid!(), ...process.getgroups()];
  return { uid: process.geteuid?.(), groups: [...new Set(groups)] };
}
