import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile, syncFolder } from '../../datadir/durable.ts';

const planPath = (dir: string) => join(dir, 'new-origin.json');

/** What the first record of a new origin says; written down before anything is moved, so that a crash forgets nothing. */
export const Plan = z.strictObject({
  old: z.strictObject({
    origin: z.string(),
    /** The public key that signed last, as text. */
    vkey: z.string().nullable(),
    /** The records that the last checkpoint signs for. */
    size: z.int().min(0),
    checkpoint: z.string().nullable(),
    /** Folder below `old/`, and name of the retired key. */
    folder: z.string(),
  }),
  /** Records that were signed for and are missing or changed: from, and to, which is not included. */
  lost: z.array(z.tuple([z.int(), z.int()])),
  /** How many more such ranges there are. */
  more: z.int(),
  because: z.string(),
});
/** With it whether the old files have been laid aside: what lies in the log's folder is the new log's from then on. */
const Step = Plan.extend({ isMoved: z.boolean() });
export type Plan = z.infer<typeof Plan>;

export const readPlan = (dir: string): z.infer<typeof Step> | undefined => (existsSync(planPath(dir)) ? Step.parse(JSON.parse(readFileSync(planPath(dir), 'utf8'))) : undefined);

export const writePlan = (dir: string, step: z.infer<typeof Step>) => replaceFile(planPath(dir), JSON.stringify(step));

export function removePlan(dir: string): void {
  rmSync(planPath(dir), { force: true });
  syncFolder(dir);
}

/** The names in the log's folder that stay when everything else is laid aside. */
export const STAYS: readonly string[] = ['old', 'new-origin.json'];

/** @throws {Error} when a new origin was begun and the way to it not finished. */
export function refuseUnfinished(dir: string): void {
  if (existsSync(planPath(dir))) throw new Error(`${planPath(dir)}: a new origin was begun and not finished. Finish it with "sluice log new-origin --because …".`);
}
