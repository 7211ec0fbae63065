import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { PermitError, type PermitData, type PermitScope } from '../data.ts';
import { DiskError, TEMPORARY, makeFolder, writeDurably } from './durable.ts';
import { digestOfFile, readGeneration, type Header } from './read-file.ts';
import { contentDigest, countsOf, piecesOf, type Counts } from './rows.ts';
import { openState, type Generation, type Seen, type State } from './state.ts';

export interface GenerationsOptions {
  /** `<data dir>/permit`. Each environment has a folder of its own in it. */
  readonly folder: string;
  readonly environment: string;
  /** How many are kept besides the pinned one and the active one. */
  readonly keep: number;
  /** Name and version, for the header. */
  readonly program: string;
  /** A number that is known to have been given, such as that of the last activation in the log. */
  readonly atLeast?: number | undefined;
}

/** When a verified read began, in steady time, and how far that had come (age.ts). */
export interface ReadAt {
  readonly verifiedAtMs: number;
  readonly seen: Seen;
}

/** The verified contents of one Permit environment, on disk. Used by one process at a time. */
export interface Generations {
  list(): readonly Generation[];
  state(): State;
  /** Of the last verified read, for the mass-change guard; undefined without any. */
  baseline(): Counts | undefined;
  /**
   * Of another Permit environment nothing is kept beside what is here. Where all generations were deleted by hand, what
   * is remembered of them is forgotten, less the last number.
   *
   * @throws {PermitError} `key`, when this is another Permit environment than that of the generations here.
   */
  admit(scope: PermitScope): Promise<void>;
  /** By number, or by the digest that the decision log names. @throws {DiskError} */
  load(wanted: number | string): Promise<{ readonly generation: Generation; readonly data: PermitData }>;
  /** The newest, if it is known from this run to be what its entry says, and has this content. */
  newestWith(content: string, trusted: string | undefined): Generation | undefined;
  /** On return the generation is on disk. `content`: its digest, if it is known. */
  write(data: PermitData, at: ReadAt, content?: string): Promise<Generation>;
  /** A further verified read gave this content: gives the numbers of those that have it. */
  renew(content: string, at: ReadAt): Promise<readonly number[]>;
  note(seen: Seen): Promise<void>;
  /** @throws {DiskError} when it is not kept. */
  pin(number: number | undefined): Promise<void>;
  /** Deletes all but the newest, the pinned one and `active`, and what a crash has left. */
  prune(active: number | undefined): Promise<void>;
}

const NAME = /^(\d{10})\.ndjson$/;
const nameOf = (number: number) => `${String(number).padStart(10, '0')}.ndjson`;
const numberOf = (name: string): number | undefined => (NAME.test(name) ? Number(NAME.exec(name)![1]) : undefined);

interface Place { readonly folder: string; readonly environment: string }

/** The folder of an environment, whose name may hold anything. */
const folderOf = ({ folder, environment }: Place): string => path.join(folder, encodeURIComponent(environment).replace(/^\./, '%2E'));

export const fileOf = (place: Place, number: number): string => path.join(folderOf(place), nameOf(number));

/** @throws {DiskError} when the state file is missing beside generations, damaged, or older than they are. */
export async function openGenerations({ folder, environment, keep, program, atLeast = 0 }: GenerationsOptions): Promise<Generations> {
  const own = folderOf({ folder, environment });
  await makeFolder(own);
  const onDisk = () => readdirSync(own).flatMap((name) => numberOf(name) ?? []).sort((a, b) => a - b);
  const file = openState({ folder: own, found: onDisk().at(-1) ?? 0, atLeast });
  /** Numbers whose bytes this run wrote or verified. */
  const verified = new Set<number>();
  const pathOf = (number: number) => path.join(own, nameOf(number));
  /** Where a wanted generation should be; without an entry for it, every file is looked at. */
  async function find(wanted: number | string): Promise<{ readonly number: number; readonly digest: string }> {
    const entry = file.get().generations.find(({ number, digest }) => number === wanted || digest === wanted);
    if (entry !== undefined) return entry;
    for (const number of typeof wanted === 'string' ? onDisk().reverse() : []) {
      if (await digestOfFile(pathOf(number)) === wanted) return { number, digest: wanted as string };
    }
    const there = onDisk().length === 0 ? 'no generation is there' : `there are only ${onDisk().map(nameOf).join(', ')}`;
    throw new DiskError(typeof wanted === 'number'
      ? `${own}: has no generation ${wanted}; ${there}.`
      : `${own}: holds nothing with the digest ${wanted}, which the decision log names last; ${there}. Nothing of it is taken; the next verified read from Permit takes its place, or restore the folder from a copy.`);
  }

  async function load(wanted: number | string) {
    const { number, digest } = await find(wanted);
    const { header, data } = await readGeneration({ file: pathOf(number), environment, number, digest, scope: file.get().scope });
    verified.add(number);
    const generation = file.get().generations.find((one) => one.number === number) ?? entryOf(header, digest);
    return { generation, data };
  }

  async function write(data: PermitData, { verifiedAtMs, seen }: ReadAt, content = contentDigest(data)): Promise<Generation> {
    const number = file.get().lastNumber + 1;
    // First of all, so that after a crash at any moment no number is given twice.
    await file.update((state) => ({ ...state, lastNumber: number }));
    const header: Header = { v: 1, program, environment, scope: data.scope, number, verifiedAtMs, content, counts: countsOf(data) };
    const { digest } = await writeDurably(pathOf(number), textOf(header, data));
    const generation = entryOf(header, digest);
    await file.update((state) => ({ ...state, scope: data.scope, seen: later(state.seen, seen), generations: [...state.generations, generation] }));
    verified.add(number);
    return generation;
  }

  return {
    list: () => file.get().generations,
    state: file.get,
    baseline: () => file.get().generations.at(-1)?.counts,
    async admit(scope) {
      const { scope: kept } = file.get();
      if (kept === undefined || isDeepStrictEqual(kept, scope)) return;
      if (onDisk().length === 0) return file.update(({ lastNumber, seen }) => ({ lastNumber, seen, generations: [] }));
      throw new PermitError('key', `the key of ${environment} opens the Permit environment ${scope.environment}, but what is kept was read from ${kept.environment}: give the right key, or, if this is meant, stop Sluice and delete the generations in ${own} (not state.json)`);
    },
    load,
    newestWith(content, trusted) {
      const newest = file.get().generations.at(-1);
      const known = newest !== undefined && newest.content === content && (verified.has(newest.number) || newest.digest === trusted);
      return known && existsSync(pathOf(newest.number)) ? newest : undefined;
    },
    write,
    async renew(content, { verifiedAtMs, seen }) {
      const renewed = new Set(file.get().generations.filter((one) => one.content === content).map(({ number }) => number));
      await file.update((state) => ({
        ...state, seen: later(state.seen, seen), generations: state.generations.map((one) => (renewed.has(one.number) ? { ...one, verifiedAtMs } : one)),
      }));
      return [...renewed];
    },
    note: (seen) => file.update((state) => ({ ...state, seen: later(state.seen, seen) })),
    pin: (number) => file.update((state) => {
      if (number !== undefined && !state.generations.some((one) => one.number === number)) throw new DiskError(`${own}: generation ${number} is no longer kept.`);
      return { ...state, pinned: number };
    }),
    async prune(active) {
      const { lastNumber } = file.get(); // a later one is just being written
      const isKept = ({ number }: Generation, i: number, { generations, pinned }: State) => i >= generations.length - Math.max(1, keep) || number === pinned || number === active;
      const drops = (state: State) => state.generations.some((one, i) => !isKept(one, i, state));
      // The entries first: a file without one is only a leftover, but an entry without its file is a damage.
      if (drops(file.get())) await file.update((state) => ({ ...state, generations: state.generations.filter((one, i) => isKept(one, i, state)) }));
      const kept = new Set([...file.get().generations.map(({ number }) => number), active]);
      for (const name of readdirSync(own)) {
        const number = numberOf(name.replace(TEMPORARY, ''));
        if (number !== undefined && number <= lastNumber && (!kept.has(number) || name.endsWith(TEMPORARY))) await rm(path.join(own, name), { force: true });
      }
    },
  };
}

function* textOf(header: Header, data: PermitData): Generator<string> {
  yield `${JSON.stringify(header)}\n`;
  yield* piecesOf(data);
}

const entryOf = ({ number, content, counts, verifiedAtMs }: Header, digest: string): Generation => ({ number, digest, content, counts, verifiedAtMs });

const later = (a: Seen, b: Seen): Seen => (b.atMs >= a.atMs ? b : a);
