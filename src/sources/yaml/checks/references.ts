import type { Collector } from '../collect.ts';
import { membersOf, type NameKind, type Names } from '../names.ts';
import type { Problem } from '../problems.ts';
import type { Kind } from '../schemas.ts';
import type { Source } from '../shape.ts';

type Step = string | number;

/** Where names stand in a kind of file: `*` is every member, `%` every key. Relations: relations.ts. */
const REFERENCES: Readonly<Partial<Record<Kind, Readonly<Record<string, NameKind>>>>> = {
  environments: { 'environments * maxAgeOf %': 'selector' },
  fields: { 'fields *': 'leaf', 'fields * category': 'leaf' },
  events: {
    'fields *': 'leaf',
    'fields * category': 'leaf',
    'purposes *': 'purpose',
    defaultPurpose: 'purpose',
    'envelopes *': 'envelope',
    'about type': 'objectType',
  },
  event_names: { 'event_names *': 'leaf' },
  envelopes: { 'envelopes * fields *': 'leaf', 'envelopes * fields * category': 'leaf' },
  vendors: { 'vendors * edges * to': 'vendor' },
  identities: {
    'identities * roles *': 'role',
    'identities * manifest actsFor *': 'identity',
    'identities * manifest categories *': 'selector',
    'identities * manifest vendors *': 'vendor',
    'identities * manifest environments *': 'environment',
  },
  roles: { 'roles * extends *': 'role' },
  grants: {
    'grants * role': 'role',
    'grants * approverRole': 'role',
    'grants * vendors *': 'vendor',
    'grants * vendors * vendor': 'vendor',
    'grants * environments *': 'environment',
    'grants * purposes *': 'purpose',
    'grants * events *': 'event',
    'grants * categories *': 'selector',
    'grants * except *': 'selector',
    'grants * relation': 'relation',
    'grants * conditions * code': 'code',
  },
  terms: {
    'terms * roles *': 'anyRole',
    'terms * approverRole': 'role',
    'terms * vendors *': 'vendor',
    'terms * vendors * vendor': 'vendor',
    'terms * environments *': 'environment',
    'terms * purposes *': 'purpose',
    'terms * events *': 'event',
    'terms * categories *': 'selector',
    'terms * except *': 'selector',
    'terms * relation': 'relation',
    'terms * conditions * code': 'code',
  },
  combinations: { 'combinations * members *': 'member', 'combinations * members * *': 'member', 'combinations * approverRole': 'role' },
  modes: { 'modes vendors %': 'vendor', 'modes events %': 'event' },
  callers: { 'callers * identities *': 'identityOrAll', 'callers * environments *': 'environmentOrAll' },
  transforms: { 'transforms * category': 'selector', 'transforms * result': 'leaf' },
  approvals: {
    'approvals * identity': 'identity',
    'approvals * onBehalfOf': 'identity',
    'approvals * requester': 'identity',
    'approvals * approver': 'identity',
    'approvals * vendor': 'vendor',
    'approvals * environment': 'environment',
    'approvals * purpose': 'purpose',
    'approvals * event': 'event',
  },
};

/** Every name that no file declares, with the nearest that one does. Read from what stands there, whatever its shape. */
export function checkReferences(collector: Collector, names: Names): readonly Problem[] {
  return Object.entries(REFERENCES).flatMap(([kind, patterns]) => {
    const steps = Object.entries(patterns).map(([pattern, wanted]) => [pattern.split(' '), wanted] as const);
    return collector.sources(kind as Kind).flatMap((source) => steps.flatMap(([pattern, wanted]) => checkPattern(source, pattern, (name) => names.objection(wanted, name))));
  });
}

function checkPattern(source: Source, pattern: readonly string[], objection: (name: string) => string | undefined): readonly Problem[] {
  const problems: Problem[] = [];
  const walk = (raw: unknown, at: readonly Step[], depth: number): void => {
    const step = pattern[depth];
    if (step === undefined) {
      const message = typeof raw === 'string' ? objection(raw) : undefined;
      if (message !== undefined) problems.push(source.report(at, message));
      return;
    }
    const members = membersOf(raw);
    if (step === '*') for (const [key, member] of Object.entries(members)) walk(member, [...at, key], depth + 1);
    else if (step !== '%') walk(Object.hasOwn(members, step) ? members[step] : undefined, [...at, step], depth + 1);
    else for (const key of Object.keys(members)) {
      const message = objection(key);
      if (message !== undefined) problems.push(source.report([...at, key], message, 'key'));
    }
  };
  walk(source.raw, [], 0);
  return problems;
}
