import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import { nameOf } from '../../core/catalogue/terms.ts';
import type { Moment } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Caller } from '../../core/facts.ts';
import { markStale } from '../../core/prepare/stale.ts';
import type { Question } from '../../core/question.ts';
import { completeFor, judge } from '../../judge.ts';
import type { PdpDeps } from '../../pdp.ts';
import type { Snapshot } from '../../snapshot.ts';
import type { Pace } from './pace.ts';

/** Of these categories those that the question would be allowed with, each asked for itself; and by which roles. */
export type ListJudge = (question: Question, categories: readonly string[], pace: Pace) => Promise<{ readonly categories: readonly string[]; readonly roles: readonly string[] }>;

interface Judging {
  readonly snapshot: Snapshot;
  readonly moment: Moment;
  readonly caller: Caller;
}

/** What one evaluation takes: so long nobody else has a turn. */
const AT_ONCE = 64;

export function createListJudge({ onFailure }: Pick<PdpDeps, 'onFailure'>, { snapshot, moment, caller }: Judging): ListJudge {
  const { catalogue } = snapshot.world;
  // Each for itself: what would be dangerous together is not judged here.
  const alone = { ...snapshot, world: { ...snapshot.world, catalogue: { ...catalogue, combinations: [] } } };
  const ageMs = snapshot.ageMs(moment.latestMs);

  function fieldsOf(question: Question, categories: readonly string[]) {
    try {
      return judge(markStale(completeFor({ ...question, categories }, alone, caller), catalogue, ageMs).asked, alone, moment, onFailure).decision.fields;
    } catch (error) {
      // As a vendor that forwards to more destinations than are judged: asked for itself, it isn't allowed either.
      if (error instanceof SluiceError && error.code === 'too_large') return {};
      throw error;
    }
  }

  return async (question, categories, pace) => {
    const [allowed, rules]: [string[], Set<string>] = [[], new Set()];
    for (let from = 0; from < categories.length; from += AT_ONCE) {
      await pace();
      const part = categories.slice(from, from + AT_ONCE);
      const together = fieldsOf(question, part);
      for (const category of part) {
        // An approval covers a question as a whole: one of this category alone is found only when it is asked for alone.
        const verdict = together[category]?.effect === 'review' ? fieldsOf(question, [category])[category] : together[category];
        if (verdict?.effect !== 'allow') continue;
        allowed.push(category);
        for (const rule of verdict.rules) rules.add(rule);
      }
    }
    return { categories: allowed, roles: rolesOf(question, rules, catalogue) };
  };
}

/** Which of the identity's roles have a permission of these names there, sorted. */
function rolesOf({ identity, vendor: id }: Question, rules: ReadonlySet<string>, { facts, grantsOf, rolesOf: held }: Catalogue): readonly string[] {
  const vendor = id === undefined ? undefined : facts.vendors.get(id);
  if (vendor === undefined || rules.size === 0) return [];
  return held(identity, id).filter((role) => grantsOf(role, vendor).some((grant) => rules.has(nameOf(grant))));
}
