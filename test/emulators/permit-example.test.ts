// The example world in the emulator says the same as policies/: whoever changes the one is told of the other.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Permit } from 'permitio';
import { parse } from 'yaml';
import { ROOT } from '../support/world.ts';
import { ALL_RULES, closeEmulators, sdk, start } from './harness.ts';
import { DEMO_KEYS } from './permit/emulator.ts';
import { GROUP_ROLE, RULES, toAction, VENDOR_SETS } from './permit/seed/policy.ts';

interface YamlGrant { readonly role: string; readonly vendors: readonly (string | { readonly party?: string; readonly categories?: readonly string[] })[]; readonly categories: readonly string[] }
interface YamlVendor {
  readonly name: string; readonly party: string; readonly categories: readonly string[]; readonly regions?: readonly string[];
  readonly claims?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly edges?: readonly { readonly to: string; readonly type: string; readonly on?: boolean }[];
}

const yaml = <T>(kind: string) => (parse(readFileSync(path.join(ROOT, `policies/${kind}.yaml`), 'utf8')) as Readonly<Record<string, T>>)[kind]!;

/** Every page of a list of the SDK. */
async function all<T>(read: (page: number) => Promise<readonly T[]>): Promise<T[]> {
  const rows: T[] = [];
  for (let page = 1; ; page += 1) {
    const next = await read(page);
    rows.push(...next);
    if (next.length === 0) return rows;
  }
}

const tuplesOf = ({ api }: Permit) => all((page) => api.relationshipTuples.list({ page, perPage: 100 }));
const rulesOf = ({ api }: Permit) => all((page) => api.conditionSetRules.list({ ...ALL_RULES, page, perPage: 100 }));

describe.each(['production', 'staging'] as const)('in %s', (environment) => {
  let permit: Permit;

  beforeAll(async () => { permit = sdk(await start({ example: true }), DEMO_KEYS[environment]); });
  afterAll(closeEmulators);

  test('users are the identities, and hold their roles', async () => {
    const identities = yaml<Readonly<Record<string, { readonly roles?: readonly string[] }>>>('identities');
    const { data } = await permit.api.users.list({ perPage: 100 });
    expect(Object.fromEntries(data.map(({ key, roles }) => [key.replace('|', ':'), roles!.map(({ role }) => role)]))).toEqual(Object.fromEntries(Object.entries(identities).map(([id, { roles = [] }]) => [id, roles])));
    expect((await permit.api.roles.list()).map(({ key }) => key).sort()).toEqual(Object.keys(yaml('roles')).sort());
  });

  test('actions on vendor are the categories, groups their prefixes', async () => {
    const categories = Object.keys(yaml('categories'));
    const { actions, action_groups } = await permit.api.resources.get('vendor');
    expect(Object.keys(actions!).sort()).toEqual(categories.map(toAction).sort());
    expect(action_groups!['send-user-location-imprecise']).toEqual(categories.filter((one) => one.startsWith('user.location.imprecise.')).map(toAction));
  });

  test('rules and the group\'s role are the grants, category by category', async () => {
    const grants = yaml<Readonly<Record<string, YamlGrant>>>('grants');
    expect([...Object.keys(RULES), ...Object.keys(GROUP_ROLE.categories)].sort()).toEqual(Object.keys(grants).sort());
    const wanted = Object.entries(RULES).flatMap(([id, { vendors }]) => grants[id]!.categories.map((category) => `__autogen_${grants[id]!.role} vendor:${toAction(category)} ${vendors}`));
    expect((await rulesOf(permit)).map(({ user_set, permission, resource_set }) => `${user_set} ${permission} ${resource_set}`).sort()).toEqual(wanted.sort());
    for (const [id, { vendors }] of Object.entries(RULES)) expect(VENDOR_SETS[vendors]).toEqual(atoms(grants[id]!.vendors[0]!));
    const group = Object.keys(GROUP_ROLE.categories).flatMap((id) => grants[id]!.categories).map(toAction);
    expect(await permit.api.resourceRoles.get('vendor', GROUP_ROLE.role)).toMatchObject({ permissions: group, granted_to: { users_with_role: [{ role: GROUP_ROLE.role, on_resource: 'vendor_group', linked_by_relation: 'group' }] } });
  });

  function atoms(selector: YamlGrant['vendors'][number]): object[] {
    if (typeof selector === 'string') return [{ 'resource.key': { equals: selector } }];
    return [...selector.party === undefined ? [] : [{ 'resource.party': { equals: selector.party } }], ...(selector.categories ?? []).map((category) => ({ 'resource.categories': { array_contains: category } }))];
  }

  test('instances of vendor are the vendors, attributes their claims, tuples their edges', async () => {
    const vendors = yaml<Readonly<Record<string, YamlVendor>>>('vendors');
    const held = await all((page) => permit.api.resourceInstances.list({ resource: 'vendor', page, perPage: 100 }));
    expect(Object.fromEntries(held.map(({ key, attributes }) => [key, attributes]))).toEqual(Object.fromEntries(Object.entries(vendors).map(([id, { name, party, categories, regions, claims = {} }]) => [id, {
      name, party, categories, ...regions === undefined ? {} : { regions }, status: 'active',
      ...Object.fromEntries(Object.entries(claims).flatMap(([claim, { value, ...rest }]) => [[claim, value], ...Object.entries(rest).map(([part, of]) => [`${claim}_${part}`, of])])) as object,
    }])));
    const edges = Object.entries(vendors).flatMap(([id, { edges: all = [] }]) => all.filter(({ on }) => on !== false).map(({ to, type }) => `vendor:${to} ${type} vendor:${id}`));
    const tuples = (await tuplesOf(permit)).filter(({ relation }) => relation !== 'group').map(({ subject, relation, object }) => `${subject} ${relation} ${object}`);
    expect(tuples.sort()).toEqual(edges.sort());
  });

  test('the first party is in its group, which the telemetry service has a role on', async () => {
    const first = Object.entries(yaml<Readonly<Record<string, YamlVendor>>>('vendors')).filter(([, { party }]) => party === 'first').map(([id]) => `vendor:${id}`);
    expect((await tuplesOf(permit)).filter(({ relation }) => relation === 'group').map(({ object }) => object).sort()).toEqual(first.sort());
  });

  test('relations of identities are roles on instances', async () => {
    const { tuples } = yaml<unknown>('relations') as { readonly tuples: readonly string[] };
    const assignments = await permit.api.roleAssignments.list({ perPage: 100 }) as readonly { readonly user: string; readonly role: string; readonly resource_instance: string | null }[];
    const held = assignments.flatMap(({ user, role, resource_instance: on }) => on === null || on.startsWith('vendor_group:') ? [] : [`${user.replace('|', ':')} ${role} ${on}`]);
    expect(held.sort()).toEqual([...tuples].sort());
    expect(await permit.api.resourceRoles.get('account', 'owner')).toMatchObject({ extends: ['assigned'] });
    expect(await permit.api.resourceRoles.get('account', 'assigned')).toMatchObject({ granted_to: { users_with_role: [{ role: 'assigned', on_resource: 'account', linked_by_relation: 'parent' }] } });
  });
});

test('by hand: says where it listens and which keys it knows, answers them, and ends when it is told', async () => {
  const child = spawn(process.execPath, ['test/emulators/permit/main.ts'], { cwd: ROOT, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  try {
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line.startsWith('Faults')) break;
    }
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(lines[0]!)![0];
    for (const key of Object.values(DEMO_KEYS)) {
      expect(lines.join('\n')).toContain(key);
      expect((await fetch(`${url}/v2/api-key/scope`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
    }
    expect((await sdk({ url } as Parameters<typeof sdk>[0]).api.users.get('service|telemetry')).roles).toEqual([{ role: 'dashboard_telemetry', tenant: 'default' }]);
  } finally {
    child.kill('SIGTERM');
  }
  expect(await exited).toBe(0);
});
