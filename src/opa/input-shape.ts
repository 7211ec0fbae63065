import type { Scalar } from '../core/facts.ts';
import type { RegoInput } from '../core/prepare/prepared.ts';
import type { Domain } from './domains.ts';

/** Total over the input: of every string that a rule may compare with, what it may be; `text` is anything. */
type Table<T> = [T] extends [string]
  ? Domain | 'text'
  : [T] extends [number | boolean]
    ? 'value'
    : [Scalar] extends [T]
      ? 'value'
      : T extends readonly (infer E)[]
        ? { readonly each: Table<E> }
        : string extends keyof T
          ? { readonly keys: Domain; readonly each: Table<T[keyof T]> | 'context value' }
          : { readonly [K in keyof T]-?: Table<NonNullable<T[K]>> };

/** What stands at a place of the input. */
export type Shape = string | { readonly each: Shape; readonly keys?: Domain } | { readonly [member: string]: Shape };

const selectors = { exact: { each: 'category' }, below: { each: 'category or parent' } } as const;
const atom = {
  path: { each: 'text' },
  op: 'operator',
  value: 'value',
  ref: { each: 'text' },
  negate: 'value',
} as const;

const INPUT: Table<RegoInput> = {
  identity: {
    id: 'identity',
    type: 'identity type',
    known: 'value',
    roles: { each: 'role' },
    attributes: { keys: 'attribute', each: 'value' },
    manifest: {
      onBehalfOf: 'demand',
      vendors: { each: 'vendor' },
      environments: { each: 'environment' },
      categories: selectors,
    },
  },
  vendor: {
    id: 'vendor',
    known: 'value',
    party: 'party',
    categories: { each: 'vendor category' },
    confirmed: { each: 'vendor category' },
    tenant: 'text',
    attributes: { keys: 'vendor attribute', each: 'value' },
    claims: { keys: 'claim', each: { state: 'claim state', value: 'value' } },
    state: 'vendor state',
    regions: { each: 'region' },
    inEu: 'value',
    reaches: { llm: 'value', inEu: 'value', vendors: { each: 'vendor' } },
  },
  environment: { id: 'environment', known: 'value', tier: 'tier' },
  purpose: {
    id: 'purpose',
    stated: 'value',
    known: 'value',
    allowed: 'value',
    ancestors: { keys: 'purpose or parent', each: 'value' },
  },
  channel: 'channel',
  destination: { secure: 'value' },
  event: { id: 'event', kind: 'kind', known: 'value', about: 'object type', minCell: 'value' },
  aggregate: {
    minCell: 'value',
    groupBy: { each: { category: 'category', known: 'value', identifiability: 'identifiability' } },
  },
  about: { id: 'text', relations: { each: 'relation' } },
  delegation: { actsFor: 'value' },
  dataSubject: { region: 'region', elsewhere: 'value' },
  context: { keys: 'context name', each: 'context value' },
  profiles: {
    each: {
      category: 'category',
      ancestors: { keys: 'category or parent', each: 'value' },
      sensitivity: 'sensitivity',
      identifiability: 'identifiability',
      personal: 'value',
      known: 'value',
      measure: 'value',
      labels: { keys: 'label', each: 'value' },
    },
  },
  grants: {
    each: {
      id: 'grant',
      role: 'role',
      vendors: { each: { vendor: 'vendor', party: 'party', categories: { each: 'vendor category' } } },
      environments: { each: 'environment of grants' },
      purposes: { each: 'purpose of grants' },
      channels: { each: 'channel of grants' },
      kinds: { each: 'kind of grants' },
      categories: selectors,
      except: selectors,
      exclusive: 'value',
      relation: 'relation',
      conditions: { each: { code: 'reason code', any: { each: { each: atom } } } },
    },
  },
  matches: { each: { each: 'value' } },
  exclusives: { each: 'grant' },
};

/** The whole input. */
export const INPUT_SHAPE: Shape = INPUT;
