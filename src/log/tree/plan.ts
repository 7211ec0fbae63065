import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile, syncFolder } from '../../datadir/durable.ts';

// Among the keys: what it says is signed for, and whoever can write the log's folder alone may not have a say in that.
const planPath = (keysDir: string) => join(keysDir, 'new-origin.json');

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

export const readPlan = (keysDir: string): z.infer<typeof Step> | undefined =>
  existsSync(planPath(keysDir)) ? Step.parse(JSON.parse(readFileSync(planPath(keysDir), 'utf8'))) : undefined;

export const writePlan = (keysDir: string, step: z.infer<typeof Step>) =>
  replaceFile(planPath(keysDir), JSON.stringify(step));

export function removePlan(keysDir: string): void {
  rmSync(planPath(keysDir), { force: true });
  syncFolder(keysDir);
}

/** The names in the log's folder that stay when everything else is laid aside. */
export const STAYS: readonly string[] = ['old'];

/** @throws {Error} when a new origin was begun and the way to it not finished. */
export function refuseUnfinished(keysDir: string): void {
  if (existsSync(planPath(keysDir)))
    throw new Error(
      `${planPath(keysDir)}: a new origin was begun and not finished. Finish it with "sluice log new-origin ` +
      `--because …".`,
    );
}

/** @throws {Error} when the version before this one, which kept its plan in the log's folder, has not finished. */
export function refuseEarlier(dir: string): void {
  const path = planPath(dir);
  if (existsSync(path))
    throw new Error(
      `${path}: an earlier version of Sluice began a new origin and did not finish it. Finish it with that ` +
      `version; or, if nobody asked for a new origin, remove this file.`,
    );
}
