import type { Decision } from '../core/answer.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, type Command } from './command.ts';
import { createPaint, EFFECT_STYLE, printable, type Paint } from './paint.ts';
import { judgeLocally, QUESTION_HELP } from './question.ts';

export const check: Command = {
  summary: 'answer one question by the local files, without a record',
  usage: `sluice check [options] QUESTION

Answers as POST /check would, by the files and by what the kill switch has set in the data
directory, but records nothing. Exit code 0: may leave (after the
obligations, if any); 1: denied or under review; 2: the question or the files are wrong.

${QUESTION_HELP}

  --json           the decision as JSON
  --at TIME        judge as of this time (default: now)
  --caller ID      judge as this caller of callers.yaml (default: one that can do every obligation)
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, json: { type: 'boolean' }, at: { type: 'string' }, caller: { type: 'string' } },
  async run(invocation, context) {
    const { judged: { decision } } = await judgeLocally(invocation, context);
    context.out(invocation.values['json'] === true ? JSON.stringify(decision, null, 2) : describe(decision, createPaint(context.colour)));
    return decision.decision === 'allow' || decision.decision === 'transform' ? 0 : 1;
  },
};

const UNCLASSIFIED = 'not classified';

/** A decision as a person reads it. */
export function describe(decision: Decision, paint: Paint): string {
  const { fields, obligations, reasons, fix, approval } = decision;
  const width = Math.max(...Object.keys(fields).map((path) => printable(path).length));
  const categories = Math.max(...Object.values(fields).map(({ category }) => (category ?? UNCLASSIFIED).length));
  const todo = Map.groupBy(obligations, ({ field }) => field);
  return [
    `${paint('bold', 'decision')}  ${paint(EFFECT_STYLE[decision.decision], decision.decision)}${decision.mode === 'shadow' ? ` (shadow; would be ${decision.wouldBe?.decision})` : ''}`,
    '',
    ...Object.entries(fields).map(([path, { effect, category, rules }]) => {
      const ops = (todo.get(path) ?? []).map(({ op, params }) => [op, ...Object.values(params ?? {}).map(String)].join(' ')).join(', ');
      return `  ${printable(path).padEnd(width)}  ${paint(EFFECT_STYLE[effect], effect.padEnd(9))}  ${(category ?? UNCLASSIFIED).padEnd(categories)}${ops === '' ? '' : `  ${paint('cyan', ops)}`}  ${paint('dim', rules.join(', '))}`;
    }),
    ...(reasons.length === 0 ? [] : ['', ...reasons.flatMap(({ code, rule, message, fix: mend }) => [`  ${paint('bold', code)} ${paint('dim', rule)}`, `    ${printable(message)}`, `    ${paint('dim', `fix: ${printable(mend)}`)}`])]),
    ...(fix === null ? [] : ['', `  smallest fix: drop ${fix.drop.map(printable).join(', ')}${fix.exact ? '' : ' (not proven smallest)'}`]),
    ...(approval === null ? [] : ['', `  approval to ask for: ${approval.id}${approval.approverRole === null ? '' : `, of a ${approval.approverRole}`}`]),
  ].join('\n');
}
