import type { Judged } from '../judge.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, type Command } from './command.ts';
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
    if (invocation.values['json'] === true) {
      const rulings = judged.rulings?.map(({ rules, permits, failed }) => ({ rules: rules.map(({ rule, profiles }) => ({ rule: rule.id, profiles })), permits: Object.fromEntries(permits), failed }));
      context.out(JSON.stringify({ prepared: judged.prepared, rulings, decision: judged.decision }, null, 2));
      return 0;
    }
    context.out(explainJudged(judged, createPaint(context.colour)));
    return 0;
  },
};

function explainJudged({ prepared, rulings, decision }: Judged, paint: ReturnType<typeof createPaint>): string {
  const lines: string[] = [];
  const { views, results } = prepared.shape;
  for (const field of prepared.fields) {
    const verdict = decision.fields[field.path]!;
    lines.push(`${paint('bold', printable(field.path))}  ${paint(EFFECT_STYLE[verdict.effect], verdict.effect)}  ${field.category ?? 'not classified'}`);
    for (const finding of field.findings) lines.push(`  found in its value: ${finding.code}${finding.detector === undefined ? '' : ` (${finding.detector})`}`);
    const reachable = results.filter(({ from }) => from === field.profile);
    for (const [at, { input, path, terms, approval }] of views.entries()) {
      const said = rulings?.[at];
      lines.push(`  ${paint('dim', `${input.identity.id} → ${path.join(' → ')}`)}`);
      if (approval !== undefined) lines.push(`    approval ${approval} covers the question`);
      for (const [grant, { effect }] of Object.entries(terms)) {
        const permits = said?.permits.get(grant)?.includes(field.profile) === true;
        const failed = said?.failed.filter((failure) => failure.grant === grant).map(({ code }) => code) ?? [];
        if (permits || failed.length > 0) lines.push(`    grant ${grant}: ${permits ? paint('green', effect) : paint('red', `condition not met (${failed.join(', ')})`)}`);
      }
      for (const { rule, profiles } of said?.rules ?? []) {
        const hits = (profile: number) => profiles === '*' || profiles.includes(profile);
        if (hits(field.profile)) lines.push(`    rule ${rule.id}: ${paint(rule.effect === 'forbid' ? 'red' : 'yellow', rule.effect)} ${rule.code}${rule.judges === 'result' ? ' (judges what leaves)' : ''}  ${paint('dim', rule.location)}`);
        for (const { op, to } of reachable) if (!hits(field.profile) && hits(to)) lines.push(`    rule ${rule.id}: would ${rule.effect} it after ${op}, as ${views[0]!.input.profiles[to]!.category}  ${paint('dim', rule.location)}`);
      }
    }
    for (const { code, rule, fields } of decision.reasons) if (fields.includes(field.path) && code !== 'combination' && !lines.some((line) => line.includes(`rule ${rule}:`))) lines.push(`  ${code}: ${rule}`);
  }
  for (const { rule, fields } of decision.reasons.filter(({ code }) => code === 'combination')) lines.push(`${paint('bold', 'combination')} ${rule}: ${fields.map(printable).join(', ')} would leave together`);
  lines.push('', `decision  ${paint(EFFECT_STYLE[decision.decision], decision.decision)}`);
  return lines.join('\n');
}
