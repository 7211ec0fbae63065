import type { Reason } from '../core/answer.ts';
import type { Judged } from '../judge.ts';
import { ownRulesOf, placeIn, type RuleFolders } from '../opa/sources.ts';
import { FOLDER_HELP, FOLDER_OPTIONS, foldersOf, type Command } from './command.ts';
import { createPaint, EFFECT_STYLE, printable, type Paint } from './paint.ts';
import { judgeLocally, QUESTION_HELP } from './question.ts';

export const explain: Command = {
  summary: 'show which rules and grants decided, field by field',
  usage: `sluice explain [options] QUESTION

Judges the question by the local files and shows, per field, the rules and grants that
count, as check does, with where they stand, what they say, and what to do about it.

${QUESTION_HELP}

  --json           all of it as JSON: prepared input, rulings (also those that don't count), decision
  --at TIME        judge as of this time (default: now)
  --caller ID      judge as this caller of callers.yaml
${FOLDER_HELP}`,
  options: { ...FOLDER_OPTIONS, json: { type: 'boolean' }, at: { type: 'string' }, caller: { type: 'string' } },
  async run(invocation, context) {
    const { judged } = await judgeLocally(invocation, context);
    if (invocation.values['json'] === true) {
      const { prepared, decision } = judged;
      context.out(JSON.stringify({ prepared, rulings: judged.rulings?.map(toPlain), decision }, null, 2));
      return 0;
    }
    const { rego, policies } = foldersOf(invocation, context);
    context.out(explainJudged(judged, { rego, own: ownRulesOf(policies) }, createPaint(context.colour)));
    return 0;
  },
};

type Rulings = NonNullable<Judged['rulings']>[number];
type Field = Judged['prepared']['fields'][number];

const toPlain = ({ rules, permits, failed }: Rulings) => ({
  rules: rules.map(({ rule, profiles }) => ({ rule: rule.id, profiles })),
  permits: Object.fromEntries(permits),
  failed,
});

/** A rule or grant that counts for a field; why it does not leave, where it does not. */
interface Counted {
  readonly id: string;
  readonly reason: Reason | undefined;
}

/** The answer as a person reads it, field by field. @param folders of the rules, so that places can be clicked on. */
export function explainJudged(judged: Judged, folders: RuleFolders, paint: Paint): string {
  const { prepared, decision } = judged;
  const { mode, fix, approval, wouldBe } = decision;
  const approvals = new Set(prepared.shape.views.flatMap((view) => view.approval ?? []));
  const shadow = mode === 'shadow' ? ` (shadow; would be ${wouldBe?.decision})` : '';
  return [
    ...prepared.fields.flatMap((field) => explainField(field, judged, { folders, paint })),
    ...[...approvals].map((id) => `approval ${id} covers the question`),
    '',
    `decision  ${paint(EFFECT_STYLE[decision.decision], decision.decision)}${shadow}`,
    ...(wouldBe?.reasons ?? []).flatMap((reason) => [
      `  would be ${reason.code} ${reason.rule}`,
      ...textOf(reason, paint),
    ]),
    ...(fix === null
      ? []
      : [`smallest fix: drop ${fix.drop.map(printable).join(', ')}${fix.exact ? '' : ' (not proven smallest)'}`]),
    ...(approval === null ? [] : [`approval to ask for: ${approval.id}, of ${approval.approverRole ?? 'whoever may'}`]),
  ].join('\n');
}

interface Style {
  readonly folders: RuleFolders;
  readonly paint: Paint;
}

function explainField(field: Field, judged: Judged, { folders, paint }: Style): readonly string[] {
  const { decision } = judged;
  const { effect } = decision.fields[field.path]!;
  const todo = decision.obligations.filter((obligation) => obligation.field === field.path);
  return [
    [
      paint('bold', printable(field.path)),
      paint(EFFECT_STYLE[effect], effect),
      field.category ?? 'not classified',
    ].join('  '),
    ...countedFor(field, judged).flatMap((counted) => [
      `  ${introduce(counted, field, judged, { folders, paint })}`,
      ...(counted.reason === undefined ? [] : textOf(counted.reason, paint)),
    ]),
    ...todo.map(({ op, params, resultCategory }) => {
      const duty = paint('cyan', [op, ...Object.values(params ?? {}).map(String)].join(' '));
      return `  then ${duty}${resultCategory === undefined ? '' : `: leaves as ${resultCategory}`}`;
    }),
  ];
}

/** What the answer says of the field, and nothing else: a rule that hits but does not count is not told. */
function countedFor({ path }: Field, { decision }: Judged): readonly Counted[] {
  const reasons = decision.reasons.filter(({ fields }) => fields.includes(path));
  const told = new Set(reasons.map(({ rule }) => rule));
  return [
    ...decision.fields[path]!.rules.filter((id) => !told.has(id)).map((id) => ({ id, reason: undefined })),
    ...reasons.map((reason) => ({ id: reason.rule, reason })),
  ];
}

const textOf = ({ message, fix }: Reason, paint: Paint) => [
  `    ${printable(message)}`,
  `    ${paint('dim', `fix: ${printable(fix)}`)}`,
];

/** Its kind, its id, what it says, where it stands; and who sends where, if it is not said of all. */
function introduce(counted: Counted, field: Field, judged: Judged, { folders, paint }: Style): string {
  const { id, reason } = counted;
  const { views } = judged.prepared.shape;
  const rule = judged.rulings?.flatMap(({ rules }) => rules).find((hit) => hit.rule.id === id)?.rule;
  const grant = views.flatMap(({ terms }) => Object.entries(terms)).find(([key, { name = key }]) => name === id)?.[1];
  const about = speakersOf(counted, field, judged);
  const of = about.length === 0 || about.length === views.length ? '' : `  ${paint('dim', about.join('; '))}`;
  if (reason?.code === 'combination') return `combination ${id}: ${paint('red', 'would leave together')}${of}`;
  if (rule !== undefined) {
    const says = paint(rule.effect === 'forbid' ? 'red' : 'yellow', rule.effect);
    const what = reason?.code ?? rule.obligations.map(({ op }) => op).join(', ');
    return `rule ${id}: ${says} ${what}${of}  ${paint('dim', placeIn(folders, rule.location))}`;
  }
  if (reason === undefined)
    return grant === undefined ? `check ${id}: counts${of}` : `grant ${id}: ${paint('green', grant.effect)}${of}`;
  return `${grant !== undefined || isGrant(id, judged) ? 'grant' : 'check'} ${id}: ${paint('red', reason.code)}${of}`;
}

/** Of a field that nothing permits a grant is told, or the check that there is none. */
const isGrant = (id: string, { told }: Judged) =>
  id !== 'default-deny' && id !== 'no-role' && told.some(([, , causes]) => causes.some(([, rule]) => rule === id));

/** In a question with several: the verdicts, each of an identity and a vendor, in which it speaks. */
function speakersOf(
  { id, reason }: Counted,
  { profile }: Field,
  { prepared, rulings, told }: Judged,
): readonly string[] {
  const { views, results } = prepared.shape;
  const reachable = new Set([profile]);
  for (const from of reachable) for (const edge of results) if (edge.from === from) reachable.add(edge.to);
  const isHit = (at: number) =>
    rulings?.[at]?.rules.some(
      ({ rule, profiles }) => rule.id === id && (profiles === '*' || profiles.some((one) => reachable.has(one))),
    );
  const isTold = (at: number) =>
    told.some(
      ([view, index, causes]) =>
        view === at && index === profile && causes.some(([code, rule]) => code === reason?.code && rule === id),
    );
  const permits = (at: number) =>
    [...(rulings?.[at]?.permits ?? [])].some(
      ([grant, profiles]) => (views[at]!.terms[grant]?.name ?? grant) === id && profiles.includes(profile),
    );
  // A grant of which it is told why it does not permit in one of them may well permit in another.
  const isMissing = views.some((_, at) => isTold(at));
  const speaks = (at: number) => (isMissing ? isTold(at) : isHit(at) === true || permits(at));
  return views.flatMap(({ input, path }, at) => (speaks(at) ? [`${input.identity.id} → ${path.join(' → ')}`] : []));
}
