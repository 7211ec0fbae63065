import { collect } from '../collect.ts';
import { parseTexts, readTexts } from '../files.ts';
import { checkFiles } from '../load.ts';
import { byPlace, type Problem } from '../problems.ts';
import { lowered } from './categories.ts';
import { everyVendor, expired, idleRole } from './grants.ts';
import { misfit } from './operands.ts';
import type { World } from './world.ts';

/** What is no mistake and still seldom meant: a build says it, and nothing is refused for it. */
export type Warning = 'every_vendor' | 'expired' | 'idle_role' | 'lowered' | 'misfit';

const WARNINGS: Readonly<Record<Warning, (world: World) => readonly Problem[]>> = {
  every_vendor: everyVendor,
  expired,
  idle_role: idleRole,
  lowered,
  misfit,
};

export interface WarnOptions extends Pick<World, 'nowMs' | 'permit'> {
  /** The policies folder that comes with the program. */
  readonly shipped: string;
}

/**
 * The warnings of a policies folder, by file and place.
 *
 * @throws {PoliciesError} when it has mistakes, as `loadYaml`, or when the shipped one can't be read.
 */
export async function warningsOf(dir: string, { shipped, ...around }: WarnOptions): Promise<readonly Problem[]> {
  const { collector, facts } = checkFiles(dir, await readTexts(dir));
  const world: World = { collector, facts, shipped: await shippedCategories(shipped), ...around };
  const found = Object.values(WARNINGS).flatMap((warn) => warn(world));
  return [...new Map(found.map((problem) => [JSON.stringify(problem), problem])).values()].sort(byPlace);
}

/** Its categories alone: the rest of it may be anything. */
async function shippedCategories(dir: string): Promise<World['shipped']> {
  const texts = (await readTexts(dir)).filter(({ name }) => /^categories\b/.test(name));
  const { collector } = collect(parseTexts(dir, texts));
  return new Map(collector.entries('categories').map(({ id, value }) => [id, value]));
}
