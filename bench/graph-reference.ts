// The plainest search there is, without bounds, for comparison: sets of strings, from the object on, everything that would do.
import type { RelationRule } from '../src/core/facts.ts';
import type { Add } from './graph-world.ts';

type Holds = (subject: string, relation: string, object: string) => boolean;

export function createReference(rules: readonly RelationRule[], write: (add: Add) => void): Holds {
  const subjects = new Map<string, Set<string>>(); // by relation and object
  const sets = new Map<string, string[]>();
  write((subject, relation, object) => {
    const key = `${relation} ${object}`;
    subjects.set(key, (subjects.get(key) ?? new Set()).add(subject));
    if (subject.includes('#')) sets.set(key, [...sets.get(key) ?? [], subject]);
  });
  const of = (relation: string, object: string) => subjects.get(`${relation} ${object}`) ?? new Set<string>();

  return (subject, relation, object) => {
    const goals = new Set([`${relation} ${object}`]);
    for (const goal of goals) {
      if (subjects.get(goal)?.has(subject)) return true;
      const [held, on] = goal.split(' ') as [string, string];
      for (const set of sets.get(goal) ?? []) goals.add(`${set.split('#')[1]} ${set.split('#')[0]}`);
      for (const rule of rules.filter(({ type, relation: of }) => of === held && on.startsWith(`${type}:`))) {
        for (const other of rule.from) goals.add(`${other} ${on}`);
        for (const step of rule.via) {
          if ([...rule.unlessDirect ?? [], ...step.unlessDirect ?? []].some((other) => of(other, on).has(subject))) continue;
          for (const parent of of(step.relation, on)) if (!parent.includes('#')) goals.add(`${step.is} ${parent}`);
        }
      }
    }
    return false;
  };
}
