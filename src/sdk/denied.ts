import type { Reason } from '../core/answer.ts';
import type { Denied, Unavailable } from './client.ts';

/** A denial of all that was asked about, as far as that can be told: the question may be anything. */
export function denied(unavailable: Unavailable, question: unknown, reasons: readonly Reason[] = []): Denied {
  return {
    decision: 'deny',
    fields: Object.fromEntries(askedPaths(question).map((path) => [path, { effect: 'deny' as const, rules: [] }])),
    obligations: [],
    reasons,
    fix: null,
    unavailable,
  };
}

/** The paths and categories that a question names. Never throws. */
export function askedPaths(question: unknown): readonly string[] {
  try {
    const { fields, categories } = (question ?? {}) as { readonly fields?: unknown; readonly categories?: unknown };
    const lists = [fields, categories].filter((list): list is unknown[] => Array.isArray(list));
    return lists.flat().filter((path) => typeof path === 'string');
  } catch {
    return [];
  }
}
