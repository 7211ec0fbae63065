// Workload E: a made-up company, the same in every run. 5,000 fields, 1,000 vendors, 40 categories, 30 roles, 200 grants.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { seeded } from './random.ts';

export const TOKEN = 'bench-token-of-no-other-use';
export const FIELDS_PER_EVENT = 50;
export const PROFILES = 8;

export interface WorldSize {
  /** One event for every 50. */
  readonly fields: number;
  readonly vendors: number;
  readonly roles: number;
  readonly grants: number;
  /** How many of its grants apply to a question that role 0 asks of an analytics vendor. */
  readonly applicable: number;
}

export const WORKLOAD_E: WorldSize = { fields: 5000, vendors: 1000, roles: 30, grants: 200, applicable: 3 };

/** Five areas of eight categories; an event draws its fields from one. */
const AREAS = [
  ['system.operations.feature_flag', 'system.operations.event_name', 'system.operations.plan', 'system.operations.status', 'system.operations.latency', 'system.operations.release', 'system.operations.screen', 'system.operations.experiment'],
  ['user.behavior.usage', 'user.behavior.clicks', 'user.behavior.browsing_history', 'user.behavior.search_history', 'user.behavior.session', 'user.unique_id.pseudonymous', 'user.location.imprecise.region', 'user.location.imprecise.country'],
  ['user.contact.email', 'user.contact.email_domain', 'user.contact.phone_number', 'user.contact.organization', 'user.name.full', 'user.job_title', 'user.unique_id.account', 'user.location.imprecise.city'],
  ['system.ai.tool_id', 'system.ai.model', 'system.ai.knowledge_base_id', 'system.ai.tokens', 'user.content.private', 'user.content.public', 'user.device.os', 'user.device.browser'],
  ['system.tenant.org_id', 'system.tenant.plan', 'system.tenant.name', 'system.tenant.seats', 'user.device.ip_address', 'user.device.device_id', 'user.device.language', 'user.device.timezone'],
] as const;
const CONFIDENTIAL = new Set<string>(['user.contact.email', 'user.contact.phone_number', 'user.contact.organization', 'user.name.full', 'user.unique_id.account', 'system.tenant.org_id', 'system.tenant.name', 'user.device.ip_address', 'user.device.device_id', 'user.behavior.search_history', 'user.behavior.browsing_history']);
const DIRECT = new Set<string>(['user.contact.email', 'user.contact.phone_number', 'user.name.full', 'user.unique_id.account', 'user.device.ip_address', 'user.device.device_id']);
export const CATEGORIES = AREAS.flat();
const VENDOR_KINDS = ['analytics', 'observability', 'support', 'billing', 'marketing'] as const;
const PURPOSE = { analytics: 'analytics', observability: 'essential.service.operations.improve', support: 'essential.service.operations.support', billing: 'finance', marketing: 'marketing.communications' } as const;

export const sensitivityOf = (category: string) => (category === 'user.content.private' ? 'restricted' : CONFIDENTIAL.has(category) ? 'confidential' : 'internal');
export const identifiabilityOf = (category: string) => (DIRECT.has(category) ? 'direct' : category.startsWith('user.') && !category.endsWith('region') && !category.endsWith('country') ? 'quasi' : 'none');

export const eventName = (event: number) => `area${event % AREAS.length}.event${event}`;
/** Field f of event e has one of the eight categories of the event's area. */
export const fieldPath = (field: number) => (field % 3 === 0 ? `properties.group${field % 7}.field${field}` : `field${field}`);
export const categoryOf = (event: number, field: number): string => AREAS[event % AREAS.length]![field % PROFILES]!;
export const vendorId = (vendor: number) => `vendor-${vendor}`;
export const vendorKind = (vendor: number) => VENDOR_KINDS[vendor % VENDOR_KINDS.length]!;
export const roleId = (role: number) => `role${role}`;
export const identityId = (identity: number) => `service:sender${identity}`;

export interface BenchGrant {
  readonly id: string;
  readonly role: string;
  readonly kind: (typeof VENDOR_KINDS)[number];
  readonly environments: readonly string[];
  readonly purpose: string;
  readonly categories: readonly string[];
  readonly effect: 'permit' | 'transform';
}

/**
 * A role sends to vendors of one kind by as many grants as are applicable, the rest of its grants are for other kinds.
 * Together they cover all of some areas and a part of the others.
 */
export function grantsOf({ roles, grants, applicable }: WorldSize): readonly BenchGrant[] {
  return Array.from({ length: grants }, (_, index): BenchGrant => {
    const role = index % roles;
    const turn = Math.floor(index / roles);
    const kind = VENDOR_KINDS[(role + (turn < applicable ? 0 : 1 + (turn % 4))) % VENDOR_KINDS.length]!;
    const mine = AREAS.flatMap((area, at) => area.filter((_, slot) => slot % Math.min(applicable, PROFILES) === turn % Math.min(applicable, PROFILES) && (at !== (role + 2) % AREAS.length || slot < 5)));
    return {
      id: `grant-${role}-${turn}`, role: roleId(role), kind, environments: ['production', 'staging'], purpose: PURPOSE[kind], categories: mine,
      effect: turn === 1 && role % 3 === 0 ? 'transform' : 'permit',
    };
  });
}

export interface BenchVendor {
  readonly id: string;
  readonly kind: (typeof VENDOR_KINDS)[number];
  readonly party: 'first' | 'third';
  readonly region: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Sub-processors. */
  readonly edges: readonly string[];
}

export function vendorsOf({ vendors }: WorldSize): readonly BenchVendor[] {
  const random = seeded(11);
  return Array.from({ length: vendors }, (_, index): BenchVendor => {
    const claims: Record<string, unknown> = {
      dpa: true, transfer_basis: { type: 'SCC', covers_subprocessors: random() < 0.8 }, trains_on_data: random() < 0.15, breach_notice_hours: random() < 0.9 ? 48 : 96, retention_days: random() < 0.9 ? 30 : 365,
    };
    if (random() < 0.1) delete claims['dpa'];
    const first = index % 10 === 9;
    return {
      id: vendorId(index), kind: vendorKind(index), party: first ? 'first' : 'third', region: random() < 0.3 ? 'DE' : 'US', claims: first ? {} : claims,
      edges: first ? [] : [index * 2 + 1, index * 2 + 2].filter((to) => to < vendors && to % 10 !== 9 && index % 4 === 0).map(vendorId),
    };
  });
}

/** Writes the world as a folder of policies. */
export async function writeWorld(folder: string, size: WorldSize = WORKLOAD_E): Promise<void> {
  await mkdir(path.join(folder, 'events'), { recursive: true });
  const write = (name: string, content: object) => writeFile(path.join(folder, `${name}.yaml`), `${JSON.stringify(content, null, 1)}\n`);
  const map = <T, V>(list: readonly T[], entry: (item: T, index: number) => readonly [string, V]) => Object.fromEntries(list.map(entry));
  const expires = '2036-12-31';
  await Promise.all([
    write('categories', { categories: map(CATEGORIES, (id) => [id, { sensitivity: sensitivityOf(id), identifiability: identifiabilityOf(id) }]) }),
    write('purposes', { purposes: [...new Set(['analytics', 'essential', 'finance', 'marketing', ...Object.values(PURPOSE).flatMap((id) => id.split('.').map((_, at, parts) => parts.slice(0, at + 1).join('.')))])] }),
    write('environments', { environments: { production: { tier: 'production', maxAge: '30d' }, staging: { tier: 'staging' } } }),
    write('roles', { roles: map(Array.from({ length: size.roles }), (_, role) => [roleId(role), { title: `Role ${role}` }]) }),
    write('identities', { identities: map(Array.from({ length: size.roles * 10 }), (_, index) => [identityId(index), { roles: [roleId(index % size.roles)] }]) }),
    write('vendors', { vendors: map(vendorsOf(size), (vendor) => [vendor.id, {
      name: vendor.id, party: vendor.party, categories: [vendor.kind], regions: [vendor.region],
      claims: map(Object.entries(vendor.claims), ([name, value]) => [name, { value, evidence: 'made up', issued: '2026-01-01', expires }]),
      edges: vendor.edges.map((to) => ({ to, type: 'sub_processor', on: true })),
    }]) }),
    write('grants', { grants: map(grantsOf(size), (grant) => [grant.id, {
      title: grant.id, role: grant.role, vendors: [{ categories: [grant.kind] }], environments: grant.environments, purposes: [grant.purpose], categories: grant.categories, expires,
      ...(grant.effect === 'transform' && { effect: 'transform', obligations: [{ op: 'hmac' }] }),
    }]) }),
    write('callers', { callers: { bench: { tokenSha256: createHash('sha256').update(TOKEN).digest('hex'), identities: ['*'], environments: ['*'], powers: ['check'], supports: '*' } } }),
    ...Array.from({ length: size.fields / FIELDS_PER_EVENT }, (_, event) => write(`events/event${event}`, {
      event: eventName(event), app: 'bench', owner: 'bench', kind: 'raw_event', purposes: Object.values(PURPOSE),
      fields: map(Array.from({ length: FIELDS_PER_EVENT }), (_, field) => [fieldPath(field), categoryOf(event, field)]),
    })),
  ]);
}

/** A question as the wire has it. */
export interface BenchQuestion {
  readonly identity: string;
  readonly vendor: string;
  readonly environment: string;
  readonly purpose: string;
  readonly event: string;
  readonly fields: readonly string[];
}

export interface Numbers { readonly identity: number; readonly vendor: number; readonly event: number }

/** Distinct questions of so many fields, all eight profiles in each. Most are of a vendor of the kind that the role serves. */
export function questionsOf(count: number, fields: number, size: WorldSize = WORKLOAD_E, role?: number): readonly BenchQuestion[] {
  const random = seeded(fields);
  const below = (end: number) => Math.floor(random() * end);
  const seen = new Set<string>();
  const questions: BenchQuestion[] = [];
  while (questions.length < count) {
    const identity = role === undefined ? below(size.roles * 10) : role + size.roles * below(10);
    const event = below(size.fields / FIELDS_PER_EVENT);
    const wanted = (identity % size.roles) % VENDOR_KINDS.length;
    const vendor = random() < 0.9 ? below(size.vendors / VENDOR_KINDS.length) * VENDOR_KINDS.length + wanted : below(size.vendors);
    const from = below(FIELDS_PER_EVENT);
    const question = {
      identity: identityId(identity), vendor: vendorId(vendor), environment: random() < 0.7 ? 'production' : 'staging', purpose: PURPOSE[vendorKind(vendor)], event: eventName(event),
      fields: Array.from({ length: fields }, (_, at) => fieldPath((from + at) % FIELDS_PER_EVENT)),
    };
    const key = JSON.stringify(question);
    if (seen.has(key)) continue;
    seen.add(key);
    questions.push(question);
  }
  return questions;
}
