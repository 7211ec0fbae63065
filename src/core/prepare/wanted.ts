import type { ReasonCode } from '../answer.ts';
import { holds, nameOfPath } from '../catalogue/conditions.ts';
import type { Alternatives, Atom, Condition, Grant, Json } from '../facts.ts';
import type { RegoInput } from './prepared.ts';

const MAX_TEXT = 300;
const MAX_VALUE = 80;

/**
 * What the grant's conditions of this code demand and don't get, as a person reads it: names and wanted values, never
 * the values that came. Undefined when none of them is unmet.
 */
export function wantedOf(
  grant: Pick<Grant, 'conditions' | 'relation'>,
  code: ReasonCode,
  input: RegoInput,
): string | undefined {
  const unmet = grant.conditions.filter(
    (condition) => condition.code === code && !holds(condition.any, input as unknown as Json),
  );
  const texts = [
    ...(code === 'no_relationship' && grant.relation !== undefined && isUnrelated(grant.relation, input)
      ? [`the relation ${grant.relation} to the ${input.event.about}`]
      : []),
    ...unmet.map((condition) => conditionText(condition, grant.conditions)),
  ];
  return texts.length === 0 ? undefined : cut([...new Set(texts)].join(' and '), MAX_TEXT);
}

const isUnrelated = (relation: string, { event, about }: RegoInput) =>
  event.about !== undefined && about?.relations.includes(relation) !== true;

/** A claim's conditions are told as one: the claim, and what is wanted of its value. */
function conditionText(condition: Condition, all: readonly Condition[]): string {
  const claim = claimOf(condition);
  if (claim === undefined) return alternativesText(condition.any);
  const tests = all
    .filter((one) => claimOf(one) === claim && one.code === 'claim_insufficient')
    .map(({ any }) => alternativesText(any.slice(1)));
  return tests.length === 0 ? `vendor.claims.${claim}` : [...new Set(tests)].join(' and ');
}

/** Of a condition that is made of `claim: …`: the first alternative asks for the claim's state alone. */
function claimOf({ any: [first] }: Condition): string | undefined {
  const [atom, second] = first ?? [];
  if (atom === undefined || second !== undefined || atom.op !== 'in' || atom.negate === true) return undefined;
  const [root, claims, name, part, ...deeper] = atom.path;
  return root === 'vendor' && claims === 'claims' && part === 'state' && deeper.length === 0 ? name : undefined;
}

const alternativesText = (any: Alternatives) =>
  any.length === 0 ? 'what nothing meets' : any.map((atoms) => atoms.map(atomText).join(' and ')).join(' or ');

function atomText({ path, op, value, ref, negate }: Atom): string {
  const right = ref === undefined ? cut(JSON.stringify(value), MAX_VALUE) : nameOfPath(ref);
  const text = `${nameOfPath(path)} ${op} ${right}`;
  return negate === true ? `not (${text})` : text;
}

const cut = (text: string, length: number) =>
  text.length > length ? `${text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')}…` : text;
