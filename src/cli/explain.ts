import type { Judged } from '../judge.ts';
import { ownRulesOf, placeIn, type RuleFolders } from '../opa/sources.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, foldersOf, type Command } from './command.ts';
import { createPaint, EFFECT_STYLE, printable } from './paint.ts';
import { judgeLocally, QUESTION_HELP } from './question.ts';

export const explain: Command = {
  summary: 'show every rule and grant that spoke, field by field',
  usage: `sluice explain [options] QUESTION

Judges the question by the local files and shows, per field, what each grant and each
rule said, of what the field is and of what would leave, and what would have fired later.

${QUESTION_HELP}

  --json           all of it as JSON: prepared input, rulings, decision
  --at TIME        judge as of this time (default: now)
  --caller ID      judge as this caller of callers.yaml
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, json: { type: 'boolean' }, at: { type: 'string' }, caller: { type: 'string' } },
  async run(invocation, context) {
    const { judged } = await judgeLocally(invocation, context);
    const { rego, policies } = foldersOf(invocation, context);
    const rules = { rego, own: ownRulesOf(policies) };
    if (invocation.values['json'] === true) {
      const rulings = judged.rulings?.map(({ rules, permits, failed }) => ({ rules: rules.map(({ rule, profiles }) => ({ rule: rule.id, profiles })), permits: Object.fromEntries(permits), failed }));
      context.out(JSON.stringify({ prepared: judged.prepared, rulings, decision: judged.decision }, null, 2));
      return 0;
    }
    context.out(explainJudged({ ...judged, folders: rules }, createPaint(context.colour)));
    return 0;
  },
};

type Paint = ReturnType<typeof createPaint>;
/** With the folders of the rules, so that places can be clicked on. */
type Explained = Judged & { readonly folders: RuleFolders };
type Field = Judged['prepared']['fields'][number];

function explainJudged(judged: Explained, paint: Paint): string {
  const { prepared, decision } = judged;
  const together = decision.reasons.filter(({ code }) => code === 'combination');
  return [
    ...prepared.fields.flatMap((field) => explainField(field, judged, paint)),
    ...together.map(({ rule, fields }) => `${paint('bold', 'combination')} ${rule}: ${fields.map(printable).join(', ')} would leave together`),
    '', `decision  ${paint(EFFECT_STYLE[decision.decision], decision.decision)}`,
  ].join('\n');
}

function explainField(field: Field, judged: Explained, paint: Paint): readonly string[] {
  const { effect } = judged.decision.fields[field.path]!;
  const said = judged.prepared.shape.views.flatMap((_, at) => explainView(at, field, judged, paint));
  const host = judged.decision.reasons.filter(({ rule, fields, code }) => fields.includes(field.path) && code !== 'combination' && !said.some((line) => line.includes(` ${rule}:`)));
  return [
    `${paint('bold', printable(field.path))}  ${paint(EFFECT_STYLE[effect], effect)}  ${field.category ?? 'not classified'}`,
    ...field.findings.map(({ code, detector }) => `  found in its value: ${code}${detector === undefined ? '' : ` (${detector})`}`),
    ...said,
    ...host.map(({ code, rule }) => `  ${code}: ${rule}`),
  ];
}

function explainView(at: number, field: Field, { prepared, rulings, folders }: Explained, paint: Paint): readonly string[] {
  const { views, results } = prepared.shape;
  const { input, path, terms, approval } = views[at]!;
  const said = rulings?.[at];
  const grants = Object.entries(terms).flatMap(([grant, { effect }]) => {
    if (said?.permits.get(grant)?.includes(field.profile) === true) return [`    grant ${grant}: ${paint('green', effect)}`];
    const failed = said?.failed.filter((failure) => failure.grant === grant).map(({ code }) => code) ?? [];
    return failed.length === 0 ? [] : [`    grant ${grant}: ${paint('red', `condition not met (${failed.join(', ')})`)}`];
  });
  const rules = (said?.rules ?? []).flatMap(({ rule, profiles }) => {
    const hits = (profile: number) => profiles === '*' || profiles.includes(profile);
    const place = paint('dim', placeIn(folders, rule.location));
    if (hits(field.profile)) return [`    rule ${rule.id}: ${paint(rule.effect === 'forbid' ? 'red' : 'yellow', rule.effect)} ${rule.code}${rule.judges === 'result' ? ' (judges what leaves)' : ''}  ${place}`];
    return results.filter(({ from, to }) => from === field.profile && hits(to)).map(({ op, to }) => `    rule ${rule.id}: would ${rule.effect} it after ${op}, as ${input.profiles[to]!.category}  ${place}`);
  });
  return [
    `  ${paint('dim', `${input.identity.id} → ${path.join(' → ')}`)}`,
    ...(approval === undefined ? [] : [`    approval ${approval} covers the question`]),
    ...grants,
    ...rules,
  ];
}
