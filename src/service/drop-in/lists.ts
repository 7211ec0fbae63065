import { SluiceError } from '../../core/errors.ts';
import type { Vendor } from '../../core/facts.ts';
import { toUserKey } from '../../core/permit-names.ts';
import type { PdpDeps } from '../../pdp.ts';
import type { Snapshot } from '../../snapshot.ts';
import type { PermitAsking } from './drop-in.ts';
import { categoryOf, DEFAULT_TENANT, identityOf, questionOf, tenantOf, VENDOR, type PermitQuestion } from './question.ts';
import { createListJudge, type ListJudge } from './judge.ts';
import { createListRecord, type Listed } from './record.ts';
import { createPace, createTurns, type Pace } from './pace.ts';
import { readySnapshot } from '../ready.ts';

export const MAX_VENDORS = 1_000;
export const MAX_IDENTITIES = 10_000;
/** How long a list may take, waiting included, in milliseconds. */
export const MAX_LIST_MS = 10_000;
/** How many lists may be under way at once: one is made, the others wait for their turn. */
export const MAX_LISTS = 8;

export interface PermissionsQuestion extends Pick<PermitQuestion, 'user' | 'purpose' | 'context'> {
  /** Absent: every one. */
  readonly tenants?: ReadonlySet<string>;
  /** `vendor:mixpanel` */
  readonly resources?: ReadonlySet<string>;
  readonly types?: ReadonlySet<string>;
}

/** What may be sent to one vendor. */
export interface VendorPermissions {
  readonly vendor: Vendor;
  readonly tenant: string;
  /** Categories, sorted. */
  readonly categories: readonly string[];
  readonly roles: readonly string[];
}

export interface AuthorizedUsers {
  readonly tenant: string;
  /** By the user's key, sorted: the roles that permit it. */
  readonly users: readonly (readonly [userKey: string, roles: readonly string[]])[];
}

/**
 * What Permit's SDKs ask for as a whole: each question would be answered `allow` if it were asked for itself, under one
 * revision, which is still the present one when the answer is given. One `permitted` record a list.
 *
 * @throws {SluiceError} `too_large` above 1,000 vendors or 10,000 identities, or after 10 s; `rate_limited` while eight
 * are under way, or after 10 s if some of it was waiting for others; `not_ready`, `audit_unavailable`.
 */
export interface PermitLists {
  permissions(asked: PermissionsQuestion, asking: PermitAsking): Promise<readonly VendorPermissions[]>;
  /** The tenants of those vendors, sorted. */
  userTenants(
    asked: Pick<PermissionsQuestion, 'user' | 'purpose' | 'context'>, asking: PermitAsking,
  ): Promise<readonly string[]>;
  authorized(asked: Omit<PermitQuestion, 'user'>, asking: PermitAsking): Promise<AuthorizedUsers>;
}

/** What a list is made of: the snapshot stays the same all along. */
interface Listing {
  readonly snapshot: Snapshot;
  readonly judge: ListJudge;
  readonly pace: Pace;
}

export function createPermitLists(deps: PdpDeps, monotonic: () => number = () => performance.now()): PermitLists {
  const record = createListRecord(deps);
  const turn = createTurns();
  let underWay = 0;

  /** Anew when meanwhile something else came to decide: what was revoked must not be told as permitted. */
  async function list<T>(asking: PermitAsking, work: (listing: Listing) => Promise<{ readonly answer: T; readonly listed: Listed }>): Promise<T> {
    if (underWay >= MAX_LISTS) throw busy(`${MAX_LISTS} lists are being made already`);
    underWay += 1;
    const isFirst = underWay === 1;
    const startedAtMs = monotonic();
    const end = await turn();
    const pace = createPace(monotonic, startedAtMs + MAX_LIST_MS, isFirst ? undefined : () => busy('others\' lists took the time of this one'));
    const present = () => readySnapshot(deps.snapshots(), asking.environment);
    try {
      for (;;) {
        await pace();
        const snapshot = present();
        const moment = deps.clock.moment();
        const { answer, listed } = await work({ snapshot, judge: createListJudge(deps, { snapshot, moment, caller: asking.caller }), pace });
        if (!isSame(snapshot, present(), asking.environment)) continue;
        await record(listed, { asking, snapshot, moment, startedAtMs, seconds: () => (monotonic() - startedAtMs) / 1000 });
        return answer;
      }
    } finally {
      underWay -= 1;
      end();
    }
  }

  const permissionsOf = (asked: PermissionsQuestion, asking: PermitAsking, name: 'user_permissions' | 'user_tenants') => list(asking, async ({ snapshot, judge, pace }) => {
    const { catalogue } = snapshot.world;
    const identity = identityOf(asked.user);
    const vendors = vendorsOf(asked, catalogue.facts.vendors);
    const found: VendorPermissions[] = [];
    for (const vendor of vendors) {
      const { categories, roles } = await judge(questionOf({ identity, vendor: vendor.id, environment: asking.environment }, asked, catalogue.facts), catalogue.leaves, pace);
      if (categories.length > 0) found.push({ vendor, tenant: tenantOf(vendor), categories, roles });
    }
    const permitted = found.map(({ vendor, categories }) => ({ identity, vendor: vendor.id, categories }));
    return { answer: found, listed: { list: name, identity, vendors: vendors.length, ...statedOf(asked, asking, snapshot), permitted } };
  });

  return {
    permissions: (asked, asking) => permissionsOf(asked, asking, 'user_permissions'),

    async userTenants(asked, asking) {
      const found = await permissionsOf(asked, asking, 'user_tenants');
      return [...new Set(found.map(({ tenant }) => tenant))].toSorted();
    },

    authorized: ({ action, resource, ...stated }, asking) => list(asking, async ({ snapshot, judge, pace }) => {
      const { catalogue } = snapshot.world;
      const { vendors, identities } = catalogue.facts;
      const vendor = resource.type === VENDOR && resource.key !== undefined ? vendors.get(resource.key) : undefined;
      const { name: category, mismatch } = categoryOf(action, catalogue);
      const tenant = resource.tenant ?? DEFAULT_TENANT;
      const isAsked = vendor !== undefined && mismatch === undefined && tenantOf(vendor) === tenant;
      if (isAsked && identities.size > MAX_IDENTITIES) throw new SluiceError('too_large', `there are more than ${MAX_IDENTITIES} identities: ask about each for itself`);
      const found: (readonly [string, readonly string[]])[] = [];
      for (const identity of isAsked ? [...identities.keys()].sort() : []) {
        const { categories, roles } = await judge(questionOf({ identity, vendor: vendor!.id, environment: asking.environment }, stated, catalogue.facts), [category], pace);
        if (categories.length > 0) found.push([identity, roles]);
      }
      const permitted = found.map(([identity]) => ({ identity, vendor: vendor!.id, categories: [category] }));
      return {
        answer: { tenant, users: found.map(([identity, roles]) => [toUserKey(identity), roles] as const) },
        listed: { list: 'authorized_users', vendor: vendor?.id ?? `${resource.type}:${resource.key ?? ''}`, category, identities: isAsked ? identities.size : 0, ...statedOf(stated, asking, snapshot), permitted },
      };
    }),
  };
}

/** As they count in questions: with the defaults, and of the context what is declared. */
function statedOf(stated: Pick<PermitQuestion, 'purpose' | 'context'>, { environment }: PermitAsking, { world }: Snapshot) {
  const { purpose, channel, context } = questionOf({ identity: '', vendor: '', environment }, stated, world.catalogue.facts);
  return { environment, purpose: purpose!, channel, context };
}

function vendorsOf({ tenants, resources, types }: PermissionsQuestion, vendors: ReadonlyMap<string, Vendor>): readonly Vendor[] {
  if (types?.has(VENDOR) === false) return [];
  const asked = [...vendors.values()].filter((vendor) => tenants?.has(tenantOf(vendor)) !== false && resources?.has(`${VENDOR}:${vendor.id}`) !== false);
  if (asked.length > MAX_VENDORS) throw new SluiceError('too_large', `there are more than ${MAX_VENDORS} vendors: name the resources or tenants that are meant`);
  return asked;
}

const busy = (message: string) => new SluiceError('rate_limited', message, { retryAfterSeconds: 1 });

const isSame = (a: Snapshot, b: Snapshot, environment: string) => a === b || (a.digest === b.digest && a.numbers.get(environment) === b.numbers.get(environment));
