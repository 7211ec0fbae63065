import { parseQuestion } from './core/parse/parse.ts';
import { SluiceError } from './core/errors.ts';
import type { Caller } from './core/facts.ts';
import type { Pdp } from './pdp.ts';
import type { ClientAnswer, QuestionInput } from './sdk/client.ts';

/** What a program that decides in its own process asks; as the client, but without HTTP between. */
export interface Embedded {
  /** Never throws for a failure: without a durable record there is a denial that says `audit_unavailable` (J31). */
  check(question: QuestionInput): Promise<ClientAnswer>;
}

/** @param caller whose identities, environments and obligations bind the questions. */
export function createEmbedded(pdp: Pdp, caller: Caller): Embedded {
  return {
    async check(question) {
      try {
        return (await pdp.check(parseQuestion(question), { caller })).answer;
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        const { code, message } = error;
        const paths = question.fields ?? question.categories ?? [];
        return {
          decision: 'deny',
          fields: Object.fromEntries(paths.map((path) => [path, { effect: 'deny', rules: [] }])),
          obligations: [],
          reasons: code === 'audit_unavailable' ? [{ code, rule: 'log', fields: paths, message, fix: 'Restore the decision log; send nothing.' }] : [],
          fix: null,
          unavailable: { code, message },
        };
      }
    },
  };
}
