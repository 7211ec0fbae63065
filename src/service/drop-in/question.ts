import { SluiceError } from '../../core/errors.ts';
import type { Facts, Vendor } from '../../core/facts.ts';
import { isSafe } from '../../core/parse/json.ts';
import { toAction, toCategory, toIdentity } from '../../core/permit-names.ts';
import type { Question } from '../../core/question.ts';
import type { Snapshot } from '../../snapshot.ts';

/** A question as Permit's SDKs put it. What they say of user and resource besides these is nowhere: what is stored counts. */
export interface PermitQuestion {
  /** A user's key, `service|telemetry`, or the identity itself, `service:telemetry`. */
  readonly user: string;
  readonly action: string;
  readonly resource: PermitResource;
  readonly purpose?: string;
  /** As it came, less the purpose: only what the catalogue declares is looked at. */
  readonly context: Readonly<Record<string, unknown>>;
}

export interface PermitResource {
  readonly type: string;
  /** A vendor's id. */
  readonly key?: string;
  readonly tenant?: string;
}

/** Who receives is said by an address; what is sent by the context, if at all: a method of HTTP doesn't say it. */
export interface PermitUrlQuestion extends Omit<PermitQuestion, 'action' | 'resource'> {
  readonly action?: string;
  readonly destination: NonNullable<Question['destination']>;
  readonly tenant?: string;
}

/** Words that Permit's own PDP has for a denial. */
export type PermitCode =
  | 'no_such_resource' | 'no_such_action' | 'no_such_tenant' | 'user_not_synced' | 'no_user_roles' | 'no_role_in_tenant' | 'no_permission';

/** Why a question is asked under a name that nobody knows, so that it is denied, and recorded. */
export interface Mismatch {
  readonly code: PermitCode;
  readonly reason: string;
}

/** Where a vendor belongs that has no tenant: the one that the SDKs fill in. */
export const DEFAULT_TENANT = 'default';
/** Of a question that names none. */
export const DEFAULT_PURPOSE = 'analytics.reporting';
export const VENDOR = 'vendor';

type World = Snapshot['world'];

/**
 * The same question in our terms. What is not as it must be is asked under a name that nobody has: a second way to say
 * no would be one too many.
 */
export function toQuestion(asked: PermitQuestion, environment: string, { catalogue }: World): { readonly question: Question; readonly mismatches: readonly Mismatch[] } {
  const { facts } = catalogue;
  const vendor = vendorOf(asked.resource, facts);
  const category = categoryOf(asked.action, catalogue);
  return {
    question: { ...questionOf({ identity: identityOf(asked.user), vendor: vendor.name, environment }, asked, facts), categories: [category.name] },
    mismatches: [vendor.mismatch, category.mismatch].filter((mismatch) => mismatch !== undefined),
  };
}

interface Translated {
  readonly question: Question;
  readonly resource: PermitResource;
  readonly mismatches: readonly Mismatch[];
}

/** The same of an address: its host is some vendor's, and the way there is looked at too. */
export function toUrlQuestion(asked: PermitUrlQuestion, environment: string, { catalogue }: World): Translated {
  const { facts, vendorGraph } = catalogue;
  const { destination, action, tenant = DEFAULT_TENANT } = asked;
  const vendor = facts.vendors.get(vendorGraph.byHost(destination.host) ?? '');
  const resource = { type: VENDOR, ...(vendor !== undefined && { key: vendor.id }), tenant };
  // A vendor of another tenant is asked about under a name that nobody has, as by its key.
  const other = vendor === undefined ? undefined : vendorOf(resource, facts);
  const receiver = other?.mismatch === undefined ? { destination } : { vendor: other.name };
  const mismatch = vendor === undefined ? NO_HOST : other?.mismatch;
  const category = action === undefined ? NO_ACTION : categoryOf(action, catalogue);
  const { vendor: _, ...stated } = questionOf({ identity: identityOf(asked.user), vendor: '', environment }, asked, facts);
  return {
    question: { ...stated, ...receiver, categories: [category.name] },
    resource,
    mismatches: [mismatch, category.mismatch].filter((one) => one !== undefined),
  };
}

const NO_HOST: Mismatch = { code: 'no_such_resource', reason: 'no vendor has this host' };
const NO_ACTION: Named = {
  name: 'action:',
  mismatch: {
    code: 'no_such_action',
    reason: 'the address says who receives, not what is sent: name it in context.action, as `send-` and a category',
  },
};

type Stated = Pick<PermitQuestion, 'purpose' | 'context'>;

/** All of a question but its categories. */
export function questionOf(of: { readonly identity: string; readonly vendor: string; readonly environment: string }, { purpose = DEFAULT_PURPOSE, context }: Stated, facts: Facts): Question {
  return { ...of, purpose, channel: 'telemetry', dataSubject: {}, context: declaredContext(context, facts) };
}

/** Both forms; whatever is neither is nobody's id. */
export const identityOf = (user: string): string => toIdentity(user) ?? user;

export const tenantOf = ({ tenant }: Pick<Vendor, 'tenant'>): string => tenant ?? DEFAULT_TENANT;

/** Only what is declared, with a value as declared: what is left out can only take permits away. @throws {SluiceError} for a number too large to be compared */
function declaredContext(given: PermitQuestion['context'], { context }: Facts): Question['context'] {
  const known = [...context.values()].filter(({ name, type, enum: values = [] }) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (type === 'number' && typeof value === 'number' && !isSafe(value)) throw new SluiceError('request_invalid', `context.${name} must be a number within ±(2^53 - 1)`);
    return type === 'enum' ? values.includes(value as string) : typeof value === type;
  });
  return Object.fromEntries(known.map(({ name }) => [name, given[name] as string | number | boolean]));
}

interface Named { readonly name: string; readonly mismatch?: Mismatch }

function vendorOf({ type, key, tenant = DEFAULT_TENANT }: PermitResource, { vendors }: Facts): Named {
  // No id is `?`.
  const nobody = (name: string) => (vendors.has(name) ? '?' : name);
  if (type !== VENDOR) return { name: nobody(`${type}:${key ?? ''}`), mismatch: { code: 'no_such_resource', reason: 'only resources of the type vendor are known' } };
  if (key === undefined) return { name: nobody(`${type}:`), mismatch: { code: 'no_such_resource', reason: 'the resource has no key: ask about one vendor' } };
  const vendor = vendors.get(key);
  if (vendor === undefined) return { name: key, mismatch: { code: 'no_such_resource', reason: 'no vendor has this key' } };
  if (tenantOf(vendor) === tenant) return { name: key };
  return { name: nobody(`${tenant}/${type}:${key}`), mismatch: tenantsOf(vendors).has(tenant) ? { code: 'no_such_resource', reason: 'the vendor is of another tenant' } : { code: 'no_such_tenant', reason: 'no vendor is of this tenant' } };
}

const tenants = new WeakMap<Facts['vendors'], ReadonlySet<string>>();

/** Of all vendors; worked out once, since a thousand questions of one request may ask for it. */
function tenantsOf(vendors: Facts['vendors']): ReadonlySet<string> {
  const known = tenants.get(vendors) ?? new Set([...vendors.values()].map(tenantOf));
  tenants.set(vendors, known);
  return known;
}

/** Of an action that a category is named after, and of no other spelling of it. */
export function categoryOf(action: string, { facts, parents }: World['catalogue']): Named {
  const category = toCategory(action);
  if (category !== undefined && toAction(category) === action && facts.categories.has(category) && !parents.has(category)) return { name: category };
  const reason = category !== undefined && parents.has(category) ? 'the action names a category that has others below it: ask about these' : 'no category has this action';
  // No category's name has a colon.
  return { name: `action:${action}`, mismatch: { code: 'no_such_action', reason } };
}
