// A world of relationships of a given size, and checks of it. Everything is the same in every run.
import type { RelationRule } from '../src/core/facts.ts';
import { seeded } from './random.ts';

/** 300,000 ids a million tuples; folders in folders, groups in groups, five deep. */
export const RULES: readonly RelationRule[] = [
  { type: 'folder', relation: 'editor', from: [], via: [{ relation: 'parent', is: 'editor' }] },
  { type: 'folder', relation: 'viewer', from: ['editor'], via: [{ relation: 'parent', is: 'viewer' }] },
  { type: 'doc', relation: 'editor', from: [], via: [{ relation: 'parent', is: 'editor', unlessDirect: ['viewer'] }] },
  { type: 'doc', relation: 'viewer', from: ['editor'], via: [{ relation: 'parent', is: 'viewer' }] },
];

export type Add = (subject: string, relation: string, object: string) => void;

/** Ranks from 0 to less than `count`, rank k with a weight of about 1 / (k + 1), without a table. */
const powerLaw = (count: number, random: () => number) => Math.min(count - 1, Math.floor(Math.exp(random() * Math.log(count + 1)) - 1));

const DEPTH = 5;

/**
 * Of `tuples` tuples a tenth are the members of `group:0`, a tenth the viewers of `doc:0`. The rest: users in groups,
 * groups in groups, groups and users on documents and folders, whose popularity follows a power law on both sides, and
 * the tree of folders.
 */
export function writeTuples(tuples: number, add: Add): void {
  const random = seeded(11);
  const { users, groups, folders, docs, largest } = sizesOf(tuples);
  let left = tuples;
  const put: Add = (subject, relation, object) => {
    if (left === 0) return;
    add(subject, relation, object);
    left -= 1;
  };
  const any = (count: number) => Math.floor(random() * count);
  const who = () => (random() < 0.2 ? `group:${powerLaw(groups, random)}#member` : `user:${powerLaw(users, random)}`);
  const relation = () => (random() < 0.8 ? 'viewer' : 'editor');
  for (let i = 0; i < largest; i += 1) put(`user:${i * 2}`, 'member', 'group:0');
  for (let i = 0; i < largest; i += 1) put(`user:${i * 2 + 1}`, 'viewer', 'doc:0');
  // A tenth of what is on one level hangs under the next; numbers of a level are equal modulo DEPTH.
  for (let i = DEPTH; i < groups; i += 1) if (i % DEPTH !== 0) put(`group:${i}#member`, 'member', `group:${above(i, groups, random)}`);
  for (let i = DEPTH; i < folders; i += 1) if (i % DEPTH !== 0) put(`folder:${above(i, folders, random)}`, 'parent', `folder:${i}`);
  for (let i = 0; i < docs; i += 1) put(`folder:${any(folders)}`, 'parent', `doc:${i}`);
  for (let i = 0; i < users; i += 1) put(`user:${i}`, 'member', `group:${1 + powerLaw(groups - 1, random)}`);
  while (left > tuples * 0.05) put(who(), relation(), `doc:${random() < 0.5 ? any(docs) : powerLaw(docs, random)}`);
  while (left > 0) put(who(), relation(), `folder:${any(folders)}`);
}

export function sizesOf(tuples: number): { readonly users: number; readonly groups: number; readonly folders: number; readonly docs: number; readonly largest: number } {
  return { users: tuples * 0.2, groups: tuples * 0.01, folders: tuples * 0.02, docs: tuples * 0.07, largest: tuples * 0.1 };
}

/** One of the level above: level 0 is the top. */
const above = (i: number, count: number, random: () => number) => Math.floor(random() * (count / DEPTH / 10)) * DEPTH + (i % DEPTH) - 1;

export interface Check {
  readonly asked: readonly [subject: string, relation: string, object: string];
  readonly holds: boolean;
}

/** 20,000 checks, half of which hold. Users and documents are drawn evenly for the one half, by their popularity for the other. */
export function checksOf(tuples: number, holds: (asked: Check['asked']) => boolean): readonly Check[] {
  const random = seeded(12);
  const { users, docs } = sizesOf(tuples);
  const left = [true, false].flatMap((even) => [true, false].map((wanted) => ({ even, wanted, left: 5000 })));
  const checks: Check[] = [];
  for (let i = 0; left.some((part) => part.left > 0); i += 1) {
    const even = i % 2 === 0;
    const draw = (count: number) => (even ? Math.floor(random() * count) : powerLaw(count, random));
    const asked = [`user:${draw(users)}`, random() < 0.7 ? 'viewer' : 'editor', `doc:${draw(docs)}`] as const;
    if (left.every((part) => part.even !== even || part.left === 0)) continue;
    const held = holds(asked);
    const part = left.find((one) => one.even === even && one.wanted === held)!;
    if (part.left > 0) checks.push({ asked, holds: held });
    part.left = Math.max(0, part.left - 1);
  }
  return checks;
}
