/** `make soak` runs the fault loops in full. */
export const isSoak = process.env['SLUICE_SOAK'] !== undefined;

/** How often a random fault is tried: a few times with every change, in full by `make soak`. */
export const rounds = (few: number, all: number): number => (isSoak ? all : few);

/** What a long loop says of itself. Written at once, since Jest shows titles only when it is asked for them. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** All of them in `make soak`, else some that differ from one seed to the next; in their order. */
export function sample<T>(all: readonly T[], few: number, random: () => number): readonly T[] {
  if (isSoak || all.length <= few) return all;
  const chosen = new Set<number>();
  while (chosen.size < few) chosen.add(Math.floor(random() * all.length));
  return all.filter((_, at) => chosen.has(at));
}
