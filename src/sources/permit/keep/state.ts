import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { PermitScope } from '../data.ts';
import { DiskError, writeDurably } from './durable.ts';
import { LISTS, type Counts, type ListName } from './rows.ts';

/** One verified content of a Permit environment, on disk. */
export interface Generation {
  /** Rises by one or more with each; never given twice for the environment. */
  readonly number: number;
  /** `sha256:` and hex over all bytes of the file: what the decision log names. */
  readonly digest: string;
  /** `sha256:` and hex over scope and rows alone. */
  readonly content: string;
  readonly counts: Counts;
  /** When the last read that gave this content began; steady time, see age.ts. */
  readonly verifiedAtMs: number;
}

/** How far steady time had come, and where the wall clock stood then (age.ts). Milliseconds since the Unix epoch. */
export interface Seen {
  readonly atMs: number;
  readonly wallMs: number;
}

/** What must outlive a process besides the generations themselves. */
export interface State {
  readonly scope?: PermitScope | undefined;
  readonly lastNumber: number;
  readonly pinned?: number | undefined;
  readonly seen: Seen;
  /** Oldest first. */
  readonly generations: readonly Generation[];
}

export interface StateFile {
  get(): State;
  /** On return the new state is on disk; after a throw the old one counts. One at a time, in the order of the calls. */
  update(change: (state: State) => State): Promise<void>;
}

export const digestText = z.string().regex(/^sha256:[0-9a-f]{64}$/);
export const Scope = z.strictObject({ organization: z.string(), project: z.string(), environment: z.string() });
export const CountsOf = z.strictObject(Object.fromEntries(LISTS.map((list) => [list, z.int().min(0)])) as Record<ListName, z.ZodInt>);
const number = z.int().min(1);
const File = z.strictObject({
  v: z.literal(1),
  scope: Scope.optional(),
  lastNumber: z.int().min(0),
  pinned: number.optional(),
  seen: z.strictObject({ atMs: z.number(), wallMs: z.number() }),
  generations: z.array(z.strictObject({ number, digest: digestText, content: digestText, counts: CountsOf, verifiedAtMs: z.number() })),
});

/**
 * @param found the greatest number of a generation on disk, 0 without any.
 * @param atLeast a number that is known to have been given.
 * @throws {DiskError} naming the file when it is missing beside generations, damaged, or older than they are.
 */
export function openState({ folder, found, atLeast }: { readonly folder: string; readonly found: number; readonly atLeast: number }): StateFile {
  const file = path.join(folder, 'state.json');
  let state: State = { lastNumber: atLeast, seen: { atMs: 0, wallMs: 0 }, generations: [] };
  if (existsSync(file) || found > 0) {
    try {
      const { v: _, ...kept } = File.parse(JSON.parse(readFileSync(file, 'utf8')));
      state = kept;
    } catch (error) {
      throw new DiskError(`${file}: missing or damaged; it holds the last number of a generation, which may never be given twice, and which one is pinned. Restore it from a copy of the data directory.`, { cause: error });
    }
    if (found > state.lastNumber) {
      throw new DiskError(`${file}: is older than the generations beside it (it knows numbers up to ${state.lastNumber}, but ${found} is there). Restore the whole folder from one copy of the data directory.`);
    }
  }
  state = { ...state, lastNumber: Math.max(state.lastNumber, atLeast) };

  let queue: Promise<unknown> = Promise.resolve();
  return {
    get: () => state,
    update(change) {
      const done = queue.then(async () => {
        const next = change(state);
        await writeDurably(file, [`${JSON.stringify({ v: 1, ...next })}\n`]);
        state = next;
      });
      queue = done.catch(() => {});
      return done;
    },
  };
}
