import fs from 'node:fs';
import promises from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import { nodeFiles } from '../../src/log/files.ts';

/** What lies in a folder: by path, the content of a file, or that it is a folder. */
export type State = ReadonlyMap<string, Buffer | 'folder'>;

export interface Crash {
  /** The operation that the crash came before, or in the middle of. */
  readonly at: string;
  readonly step: number;
  /**
   * `killed`: what the kernel has, is there. `unsynced lost`: the power went, and of no file there is more than was
   * synced. `unnamed lost`: nor is any name that its folder was not synced for.
   */
  readonly kind: 'killed' | 'unsynced lost' | 'unnamed lost';
  readonly state: State;
  /** What `mark` gave then. */
  readonly mark: number;
}

type Call = (...args: never[]) => unknown;

const { O_CREAT, O_TRUNC } = fs.constants;
const isReading = (flags: unknown) => flags === undefined || flags === 'r' || flags === 'r+' || (typeof flags === 'number' && (flags & (O_CREAT | O_TRUNC)) === 0);

/**
 * Runs `act` and gives every state that a crash between two of its operations on files below `root` could have left, each
 * once. All that is there before is taken as synced. The operations are those of `node:fs` itself, so that none is missed.
 */
export async function crashesOf(root: string, act: () => Promise<unknown>, mark: () => number = () => 0): Promise<readonly Crash[]> {
  const layer = createLayer(root, mark);
  const handle = await promises.open(root, 'r');
  const prototype = Object.getPrototypeOf(handle) as Record<string, Call>;
  await handle.close();
  const undo = [
    ...(['mkdirSync', 'renameSync', 'rmSync', 'writeFileSync', 'openSync', 'fsyncSync'] as const).map((name) => patch(fs, name, layer.sync(name))),
    ...(['mkdir', 'rename', 'rm', 'copyFile', 'open'] as const).map((name) => patch(promises, name, layer.async(name))),
    ...(['write', 'sync', 'datasync', 'truncate'] as const).map((name) => patch(prototype, name, layer.method(name))),
    patch(nodeFiles, 'rename', layer.async('rename')), // taken before it could be patched
  ];
  try {
    await act();
    layer.crash('the end');
  } finally {
    for (const one of undo) one();
  }
  return layer.crashes;
}

function patch(target: object, name: string, wrap: (original: Call) => Call): () => void {
  const holder = target as Record<string, Call>;
  const original = holder[name]!;
  holder[name] = wrap(original);
  return () => { holder[name] = original; };
}

/** Makes a folder hold exactly this. */
export function restore(folder: string, state: State): void {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [path, content] of state) {
    if (content === 'folder') fs.mkdirSync(join(folder, path), { mode: 0o700 });
    else fs.writeFileSync(join(folder, path), content, { mode: 0o600 });
  }
}

function createLayer(root: string, mark: () => number) {
  const disk = createDisk(root);
  const paths = new Map<number, string>();
  const handles = new WeakMap<object, string>();
  const crashes: Crash[] = [];
  const seen = new Set<string>();
  let step = 0;
  let depth = 0;

  const isBelow = (path: unknown): path is string => typeof path === 'string' && !relative(root, path).startsWith('..');

  function keep(crash: Crash): void {
    const digest = digestOf(crash.state);
    if (seen.has(digest)) return;
    seen.add(digest);
    crashes.push(crash);
  }

  /** @param half what a file holds in the middle of the operation. */
  function crash(at: string, half?: { readonly path: string; readonly content: Buffer }): void {
    step += 1;
    const now = disk.killed();
    const given = { at, step, mark: mark() };
    keep({ ...given, kind: 'killed', state: now });
    if (half !== undefined) keep({ ...given, kind: 'killed', state: new Map([...now, [relative(root, half.path), half.content]]) });
    keep({ ...given, kind: 'unsynced lost', state: disk.unsyncedLost() });
    keep({ ...given, kind: 'unnamed lost', state: disk.unnamedLost() });
  }

  const halfOf = (path: string, content: unknown) => ({ path, content: Buffer.from(content as string).subarray(0, Buffer.byteLength(content as string) >> 1) });

  function before(name: string, args: readonly unknown[]): void {
    const [first, second] = args;
    const path = name.startsWith('rename') ? second : first;
    if (!isBelow(path) || (name.startsWith('open') && isReading(second))) return;
    if (name === 'copyFile') return crash(`${name} ${String(second)}`, isBelow(second) ? halfOf(second, fs.readFileSync(path)) : undefined);
    crash(`${name} ${relative(root, path)}`, name === 'writeFileSync' ? halfOf(path, args[1]) : undefined);
  }

  function after(name: string, args: readonly unknown[], result: unknown): void {
    const [first, second, options] = args as [string, string, { readonly flush?: boolean } | undefined];
    if (name === 'openSync' && isBelow(first)) paths.set(result as number, first);
    if (name === 'open' && isBelow(first)) handles.set(result as object, first);
    if (name.startsWith('rename') && isBelow(second)) disk.renamed(first, second);
    if (name === 'writeFileSync' && options?.flush === true && isBelow(first)) disk.synced(first);
    if (name === 'fsyncSync') {
      const path = paths.get(first as unknown as number);
      if (path !== undefined) disk.synced(path);
    }
  }

  return {
    crashes,
    crash,
    sync: (name: string) => (original: Call): Call => (...args) => {
      if (depth > 0) return original(...args); // Node's own functions call each other
      if (name !== 'fsyncSync') before(name, args);
      depth += 1;
      try {
        const result = original(...args);
        after(name, args, result);
        return result;
      } finally {
        depth -= 1;
      }
    },
    async: (name: string) => (original: Call): Call => async (...args: never[]) => {
      before(name, args);
      const result = await original(...args);
      after(name, args, result);
      return result;
    },
    method: (name: string) => (original: Call): Call => async function method(this: object, ...args: never[]) {
      const path = handles.get(this);
      if (path !== undefined && (name === 'write' || name === 'truncate')) crash(`${name} ${relative(root, path)}`, name === 'write' ? halfWritten(path, args[0] as unknown as Buffer) : undefined);
      const result = await original.apply(this, args);
      if (path !== undefined && name.endsWith('sync')) {
        disk.synced(path);
        crash(`after ${name} ${relative(root, path)}`);
      }
      return result;
    },
  };
}

function halfWritten(path: string, bytes: Buffer) {
  return { path, content: Buffer.concat([fs.readFileSync(path), bytes.subarray(0, bytes.length >> 1)]) };
}

/** What of a folder a power loss would leave. A name that moves from one folder to another is in one of them. */
function createDisk(root: string) {
  const contents = new Map<string, Buffer>();
  const names = new Map<string, Map<string, string>>();
  let moves: { readonly from: string; readonly to: string; readonly id: string }[] = [];

  // An inode's number is given again. Empty for what another operation has just removed.
  const idOf = (path: string) => {
    const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.ino}-${stat.birthtimeNs}`;
  };
  const isFolder = (path: string) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory();

  function synced(path: string): void {
    if (!fs.existsSync(path)) return;
    if (!isFolder(path)) return void contents.set(idOf(path), fs.readFileSync(path));
    names.set(idOf(path), new Map(fs.readdirSync(path).map((name) => [name, idOf(join(path, name))] as const).filter(([, id]) => id !== '')));
    for (const { from, to, id } of moves.filter((move) => path === dirname(move.from) || path === dirname(move.to))) {
      const [left, taken] = [names.get(idOf(dirname(from))), names.get(idOf(dirname(to)))];
      for (const [name, one] of left ?? []) if (one === id) left!.delete(name);
      taken?.set(relative(dirname(to), to), id);
    }
    moves = moves.filter((move) => path !== dirname(move.from) && path !== dirname(move.to));
  }

  function walk(visit: (path: string) => void, folder = root): void {
    visit(folder);
    for (const name of fs.readdirSync(folder)) {
      const path = join(folder, name);
      if (isFolder(path) === true) walk(visit, path);
      else if (fs.existsSync(path)) visit(path);
    }
  }

  function stateOf(content: (path: string) => Buffer): State {
    const state = new Map<string, Buffer | 'folder'>();
    walk((path) => { if (path !== root) state.set(relative(root, path), isFolder(path) === true ? 'folder' : content(path)); });
    return state;
  }

  function unnamedLost(): State {
    const state = new Map<string, Buffer | 'folder'>();
    const folders = new Set<string>();
    const add = (id: string, path: string): void => {
      if (path !== '') state.set(path, names.has(id) || folders.has(id) ? 'folder' : contents.get(id) ?? Buffer.alloc(0));
      for (const [name, child] of names.get(id) ?? []) add(child, join(path, name));
    };
    walk((path) => { if (isFolder(path) === true) folders.add(idOf(path)); });
    add(idOf(root), '');
    return state;
  }

  walk(synced);
  return {
    synced,
    renamed(from: string, to: string) {
      if (dirname(from) !== dirname(to)) moves.push({ from, to, id: idOf(to) });
    },
    killed: () => stateOf((path) => fs.readFileSync(path)),
    unsyncedLost: () => stateOf((path) => contents.get(idOf(path)) ?? Buffer.alloc(0)),
    unnamedLost,
  };
}

function digestOf(state: State): string {
  const digest = createHash('sha256');
  for (const [path, content] of [...state].sort(([a], [b]) => (a < b ? -1 : 1))) {
    digest.update(`${path}\0${content === 'folder' ? 'd' : content.length}\0`);
    if (content !== 'folder') digest.update(content);
  }
  return digest.digest('hex');
}
