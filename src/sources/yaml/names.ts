import { didYouMean } from '../../core/suggest.ts';
import { ancestorsOf } from '../../core/catalogue/selectors.ts';
import { REASON_CODES } from '../../core/reason-codes.ts';
import type { Collector } from './collect.ts';
import type { Kind } from './schemas.ts';

/** What a name in a file may stand for. */
export type NameKind =
  | 'leaf' | 'selector' | 'member' | 'purpose' | 'envelope' | 'vendor' | 'role' | 'anyRole' | 'identity' | 'identityOrAll' | 'environment'
  | 'environmentOrAll' | 'event' | 'objectType' | 'relation' | 'contextName' | 'code';

/** Everything that some file declares, whether or not its entry has a mistake, so that one mistake doesn't look like many. */
export interface Names {
  /** Categories that a field may have; undefined when a file of them can't be read. */
  readonly leaves: ReadonlySet<string> | undefined;
  /** Why this name may not stand where such a name is wanted; undefined: it may, or a file of that kind can't be read. */
  objection(kind: NameKind, name: string): string | undefined;
}

const WORDS: Readonly<Record<NameKind, readonly [word: string, declaredIn: Kind]>> = {
  leaf: ['category', 'categories'],
  selector: ['category', 'categories'],
  member: ['category', 'categories'],
  purpose: ['purpose', 'purposes'],
  envelope: ['envelope', 'envelopes'],
  vendor: ['vendor', 'vendors'],
  role: ['role', 'roles'],
  anyRole: ['role', 'roles'],
  identity: ['identity', 'identities'],
  identityOrAll: ['identity', 'identities'],
  environment: ['environment', 'environments'],
  environmentOrAll: ['environment', 'environments'],
  event: ['event', 'events'],
  objectType: ['relation type', 'relations'],
  relation: ['relation', 'relations'],
  contextName: ['context name', 'context'],
  code: ['reason code', 'codes'],
};

/** Roles on one vendor, and user sets: only Permit has them. */
const PERMIT_ONLY = /^(vendor#|userset:)[A-Za-z0-9_-]+$/;

export function createNames(collector: Collector): Names {
  const declared = declaredNames(collector);
  const memo = new Map<string, string | undefined>();
  const find = (kind: NameKind, name: string): string | undefined => {
    const [word, declaredIn] = WORDS[kind];
    if (!collector.read(declaredIn)) return undefined;
    if (kind !== 'leaf' && kind !== 'selector' && kind !== 'member') return `there is no ${word} ${name}${didYouMean(name, declared[kind])}`;
    const bare = kind === 'leaf' ? name : name.replace(/\.\*$/, '');
    if (!declared.member.has(bare)) return `there is no category ${bare}${didYouMean(bare, declared[kind === 'leaf' ? 'leaf' : 'member'])}`;
    return kind === 'leaf' ? `${name} has categories below it; a field's category is a leaf` : `${name} has categories below it, and no field is of ${name} itself: say ${name}.*`;
  };
  const has = (kind: NameKind, name: string) => declared[kind].has(name)
    || (kind === 'anyRole' && PERMIT_ONLY.test(name))
    || ((kind === 'selector' || kind === 'member') && name.endsWith('.*') && declared.member.has(name.slice(0, -2)));
  return {
    leaves: collector.read('categories') ? declared.leaf : undefined,
    objection(kind, name) {
      if (has(kind, name)) return undefined;
      const key = `${kind} ${name}`;
      if (!memo.has(key)) memo.set(key, find(kind, name));
      return memo.get(key);
    },
  };
}

function declaredNames(collector: Collector): Readonly<Record<NameKind, ReadonlySet<string>>> {
  const keys = (kind: Kind) => collector.sources(kind).flatMap(({ raw }) => Object.keys(membersOf(membersOf(raw)[kind])));
  const categories = keys('categories');
  const parents = new Set(categories.flatMap((id) => ancestorsOf(id).slice(1, -1)));
  const leaves = categories.filter((id) => !parents.has(id));
  const types = collector.sources('relations').flatMap(({ raw }) => Object.entries(membersOf(membersOf(membersOf(raw)['relations'])['types'])));
  const [identities, environments] = [keys('identities'), keys('environments')];
  return {
    leaf: new Set(leaves),
    selector: new Set(['*', ...leaves]),
    member: new Set(['*', ...categories, ...parents]),
    purpose: new Set(collector.sources('purposes').flatMap(({ raw }) => Object.values(membersOf(membersOf(raw)['purposes'])).map(String))),
    envelope: new Set(keys('envelopes')),
    vendor: new Set(keys('vendors')),
    role: new Set(keys('roles')),
    anyRole: new Set(keys('roles')),
    identity: new Set(identities),
    identityOrAll: new Set(['*', ...identities]),
    environment: new Set(environments),
    environmentOrAll: new Set(['*', ...environments]),
    event: new Set(collector.sources('events').map(({ raw }) => String(membersOf(raw)['event']))),
    objectType: new Set(types.map(([type]) => type)),
    relation: new Set(types.flatMap(([, relations]) => Object.keys(membersOf(relations)))),
    contextName: new Set(keys('context')),
    code: new Set([...REASON_CODES, ...keys('codes')]),
  };
}

/** The members of a map or a list, by key or index; none of anything else. */
export function membersOf(raw: unknown): Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null ? raw as Readonly<Record<string, unknown>> : {};
}
