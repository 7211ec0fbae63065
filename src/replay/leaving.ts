import type { Effect, FieldObligation } from '../core/answer.ts';
import type { ObligationOp } from '../core/facts.ts';
import type { Shape } from '../core/prepare/prepared.ts';

/** As what a category leaves: as it is, or after what the enforcement point had to do to it. */
export const FORMS = ['raw', 'shortened', 'coarse', 'masked', 'hmac', 'tokenized', 'encrypted'] as const;
export type Form = (typeof FORMS)[number];

const FORM_OF: Readonly<Partial<Record<ObligationOp, Form>>> = {
  redact_url: 'shortened', truncate: 'shortened', coarsen_ip: 'coarse', coarsen_geo: 'coarse', truncate_time: 'coarse', bucket: 'coarse',
  mask: 'masked', hmac: 'hmac', tokenize: 'tokenized', encrypt: 'encrypted',
};

/** One field as it was permitted to leave. */
export interface Left {
  readonly path: string;
  /** What leaves. */
  readonly category: string;
  /** What it was made of, where that is another category. */
  readonly from?: string;
  readonly form: Form;
  readonly ops: readonly ObligationOp[];
  /** What is done to it, with all that the enforcement point is told: `truncate length=8`. */
  readonly done: string;
}

export interface Outcome {
  readonly decision: Effect;
  readonly fields: readonly { readonly paths: readonly string[]; readonly effect: Effect; readonly category?: string }[];
  readonly obligations: readonly FieldObligation[];
}

export const UNCLASSIFIED = 'unclassified';

/** Whether anything may be sent as it was asked (J9). */
export const canLeave = ({ decision }: Pick<Outcome, 'decision'>): boolean => decision === 'allow' || decision === 'transform';

/** What this decision lets out; nothing unless it is allow or transform, since else nothing may be sent as asked (J9). */
export function leftBy({ decision, fields, obligations }: Outcome): readonly Left[] {
  if (!canLeave({ decision })) return [];
  const todo = Map.groupBy(obligations, ({ field }) => field);
  return fields.flatMap(({ paths, effect, category: asked = UNCLASSIFIED }) => (effect !== 'allow' && effect !== 'transform' ? [] : paths.flatMap((path) => {
    const steps = todo.get(path) ?? [];
    if (steps.some(({ op }) => op === 'drop')) return [];
    const category = steps.findLast(({ resultCategory }) => resultCategory !== undefined)?.resultCategory ?? asked;
    const ops = steps.map(({ op }) => op);
    return [{ path, category, ...(category !== asked && { from: asked }), form: formOf(ops), ops, done: steps.map(doneBy).join(', ') }];
  })));
}

/**
 * What leaves in the end: of a refused question what its own fix leaves of it (J10), since whoever was refused asks again
 * without the rest. Members of a combination that the fix breaks are denied as it stands: they are taken to leave raw.
 */
export function leftAfterFix({ fix, ...outcome }: Outcome & { readonly fix: { readonly drop: readonly string[] } | null }): readonly Left[] {
  if (canLeave(outcome) || fix === null) return leftBy(outcome);
  const fields = outcome.fields.flatMap(({ paths, effect, ...field }) => (
    paths.filter((path) => !fix.drop.includes(path)).map((path) => ({ ...field, paths: [path], effect: effect === 'transform' ? effect : 'allow' as const }))
  ));
  return leftBy({ ...outcome, decision: 'allow', fields });
}

const doneBy = ({ op, params = {} }: FieldObligation) => [op, ...Object.keys(params).sort().map((name) => `${name}=${JSON.stringify(params[name])}`)].join(' ');

const formOf = (ops: readonly ObligationOp[]): Form => ops.map((op) => FORM_OF[op] ?? 'raw').reduce<Form>((a, b) => (FORMS.indexOf(b) > FORMS.indexOf(a) ? b : a), 'raw');

/** To whom a customer-data platform hands on what this decision lets out: not to those that the caller had to leave out. */
export function destinationsOf(shape: Pick<Shape, 'views'> | undefined, { obligations }: Pick<Outcome, 'obligations'>): readonly string[] {
  const excluded = obligations.filter(({ op }) => op === 'scope_destinations').flatMap(({ params }) => (Array.isArray(params?.['exclude']) ? params['exclude'].map(String) : []));
  return [...new Set((shape?.views ?? []).flatMap(({ destination }) => destination ?? []))].filter((id) => !excluded.includes(id));
}
