// The emulator by the calls of Permit's SDK for Python, whose models are strict: ids are UUIDs, with dashes in paths.
import { closeEmulators, sdk, start } from './harness.ts';
import { DEMO_KEYS, PROJECT, type Emulator } from './permit/emulator.ts';
import { closePython, pythonSdk, withPython, type PythonSdk } from './python/sdk.ts';

afterEach(closeEmulators);
afterAll(closePython);

async function open(
  token: string = DEMO_KEYS.production,
): Promise<{ readonly emulator: Emulator; readonly call: PythonSdk['call'] }> {
  const emulator = await start({ example: true });
  return { emulator, call: pythonSdk({ token, api_url: emulator.url, pdp: emulator.url }).call };
}

const DASHED = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const named = (rows: readonly { readonly key: string }[]) => rows.map(({ key }) => key);

describe("F19: Permit's SDK for Python", () => {
  withPython("calls with the dashed ids of its key's scope, and finds rows by dashed ids and by keys", async () => {
    const { emulator, call } = await open();
    const made = await call('api.users.create', [
      { key: 'py|sam', email: 'sam@example.com', attributes: { team: 'growth' } },
    ]);
    expect(made).toMatchObject({ key: 'py|sam', id: expect.stringMatching(DASHED) });
    expect(emulator.requests.at(-1)!.url).toMatch(
      /\/v2\/facts\/[0-9a-f]{8}-[0-9a-f-]{27}\/[0-9a-f]{8}-[0-9a-f-]{27}\/users$/,
    );
    expect(await call('api.users.get_by_id', [made['id']])).toEqual(made);
    expect(await call('api.users.get', ['py|sam'])).toEqual(made);
    expect(await call('api.role_assignments.list', [], { user_key: 'py|sam' })).toEqual([]);
    await expect(call('api.users.get', [made['organization_id']])).rejects.toMatchObject({
      kind: 'PermitNotFoundError',
    });
  });

  withPython(
    'assigns and takes away roles by POST and DELETE of users/{user}/roles, in a tenant and on an instance',
    async () => {
      const { emulator, call } = await open();
      await call('api.users.create', [{ key: 'py' }]);
      const inTenant = { user: 'py', role: 'dashboard_telemetry', tenant: 'default' };
      expect(await call('api.users.assign_role', [inTenant])).toMatchObject({
        user: 'py',
        role: 'dashboard_telemetry',
        tenant: 'default',
        resource_instance: null,
      });
      expect(emulator.requests.at(-1)).toMatchObject({
        method: 'POST',
        url: expect.stringMatching(/\/users\/py\/roles$/),
        status: 200,
      });
      expect(await sdk(emulator).api.users.getAssignedRoles({ user: 'py' })).toMatchObject([
        { role: 'dashboard_telemetry' },
      ]);
      await expect(call('api.users.assign_role', [inTenant])).rejects.toMatchObject({
        kind: 'PermitAlreadyExistsError',
      });
      await call('api.users.unassign_role', [inTenant]);
      expect(emulator.requests.at(-1)).toMatchObject({ method: 'DELETE', status: 204 });
      expect(await call('api.users.get_assigned_roles', ['py'])).toEqual([]);
      await expect(call('api.users.unassign_role', [inTenant])).rejects.toMatchObject({ kind: 'PermitNotFoundError' });
      await expect(call('api.users.assign_role', [{ ...inTenant, user: 'nobody' }])).rejects.toMatchObject({
        kind: 'PermitNotFoundError',
      });

      const onInstance = { user: 'py', role: 'sender', resource_instance: 'vendor:mixpanel', tenant: 'default' };
      await call('api.resource_roles.create', ['vendor', { key: 'sender', name: 'Sender' }]);
      expect(await call('api.users.assign_role', [onInstance])).toMatchObject({
        resource_instance: 'vendor:mixpanel',
        resource_instance_id: expect.stringMatching(DASHED),
      });
      await call('api.users.unassign_role', [onInstance]);
      expect(await call('api.role_assignments.list', [], { resource_instance_key: 'vendor:mixpanel' })).toEqual([]);
    },
  );

  withPython('reads derived roles, whose block has an id that stays, and the counts of an environment', async () => {
    const { call } = await open();
    await call('api.resources.create', [
      {
        key: 'folder',
        name: 'Folder',
        actions: { read: {} },
        roles: { viewer: { name: 'Viewer', permissions: ['read'] } },
      },
    ]);
    await call('api.resources.create', [
      {
        key: 'doc',
        name: 'Doc',
        actions: { read: {} },
        relations: { parent: 'folder' },
        roles: { viewer: { name: 'Viewer' } },
      },
    ]);
    const rule = { role: 'viewer', on_resource: 'folder', linked_by_relation: 'parent' };
    expect(await call('api.resource_roles.create_role_derivation', ['doc', 'viewer', rule])).toMatchObject({
      ...rule,
      role_id: expect.stringMatching(DASHED),
    });
    const block = {
      id: expect.stringMatching(DASHED),
      when: { no_direct_roles_on_object: true },
      users_with_role: [expect.objectContaining(rule)],
    };
    await call('api.resource_roles.update_role_derivation_conditions', [
      'doc',
      'viewer',
      { no_direct_roles_on_object: true },
    ]);
    const role = await call('api.resource_roles.get', ['doc', 'viewer']);
    expect(role['granted_to']).toEqual(block);
    expect((await call<{ granted_to: unknown }[]>('api.resource_roles.list', ['doc']))[0]!.granted_to).toEqual(
      role['granted_to'],
    );
    expect(
      (await call<{ roles: Record<string, { granted_to: unknown }> }>('api.resources.get', ['doc'])).roles['viewer']!
        .granted_to,
    ).toEqual(role['granted_to']);
    await call('api.resource_roles.delete_role_derivation', ['doc', 'viewer', rule]);
    expect(await call('api.environments.get_stats', [PROJECT, 'production'])).toMatchObject({
      stats: { tenants: 1, mau: 0 },
    });
  });

  withPython('creates, replaces and deletes tenants and instances in bulk', async () => {
    const { call } = await open();
    await call('api.tenants.bulk_create', [
      [
        { key: 'a', name: 'A' },
        { key: 'b', name: 'B', attributes: { n: 1 } },
      ],
    ]);
    await expect(
      call('api.tenants.bulk_create', [
        [
          { key: 'c', name: 'C' },
          { key: 'b', name: 'B' },
        ],
      ]),
    ).rejects.toMatchObject({ kind: 'PermitAlreadyExistsError' });
    expect(named(await call('api.tenants.list'))).toEqual(['default', 'a', 'b']);
    const account = (key: string, tenant: string, attributes = {}) => ({
      key,
      resource: 'account',
      tenant,
      attributes,
    });
    await call('api.resource_instances.bulk_replace', [[account('one', 'a'), account('two', 'b', { n: 1 })]]);
    await call('api.resource_instances.bulk_replace', [[account('two', 'b', { n: 2 }), account('three', 'b')]]);
    await expect(
      call('api.resource_instances.bulk_replace', [[account('four', 'a'), account('two', 'a')]]),
    ).rejects.toThrow(/MISMATCH_RESOURCE_INSTANCES_TENANTS/);
    const accounts = async (tenant: string) =>
      (
        await call<{ key: string; attributes: object }[]>('api.resource_instances.list', [], {
          tenant_key: tenant,
          resource_key: 'account',
        })
      ).map(({ key, attributes }) => [key, attributes]);
    expect([await accounts('a'), await accounts('b')]).toEqual([
      [['one', {}]],
      [
        ['two', { n: 2 }],
        ['three', {}],
      ],
    ]);
    const { id } = await call('api.resource_instances.get', ['account:three']);
    await call('api.resource_instances.bulk_delete', [['account:one', id, 'account:nobody']]);
    expect([await accounts('a'), await accounts('b')]).toEqual([[], [['two', { n: 2 }]]]);
    await call('api.tenants.bulk_delete', [['a', 'b', 'nobody']]);
    expect(named(await call('api.tenants.list'))).toEqual(['default']);
    await expect(call('api.resource_instances.get', ['account:two'])).rejects.toMatchObject({
      kind: 'PermitNotFoundError',
    });
  });

  withPython('reads every list and every object of the example world: its models miss nothing', async () => {
    const { call } = await open();
    const resources = await call<{ key: string }[]>('api.resources.list');
    expect(named(resources)).toEqual(expect.arrayContaining(['vendor', 'account']));
    for (const list of [
      'users',
      'tenants',
      'roles',
      'condition_sets',
      'condition_set_rules',
      'role_assignments',
      'resource_instances',
      'relationship_tuples',
    ]) {
      const got = await call<unknown[] | { data: unknown[] }>(`api.${list}.list`);
      expect([list, (Array.isArray(got) ? got : got.data).length > 0]).toEqual([list, true]);
    }
    for (const { key } of resources) {
      for (const part of [
        'resource_roles',
        'resource_relations',
        'resource_actions',
        'resource_attributes',
        'action_groups',
      ])
        await call(`api.${part}.list`, [key]);
    }
    expect(await call('api.tenants.list_tenant_users', ['default'])).toMatchObject({ total_count: expect.any(Number) });
    expect(await call('api.environments.get_api_key', [PROJECT, 'production'])).toMatchObject({
      secret: DEMO_KEYS.production,
    });
  });

  withPython('writes projects and environments with a key of the organization', async () => {
    const { emulator, call } = await open(DEMO_KEYS.organization);
    await call('api.projects.create', [{ key: 'other', name: 'Other' }]);
    const made = await call('api.environments.create', ['other', { key: 'dev', name: 'Dev' }]);
    expect(await call('api.environments.get_by_id', [made['project_id'], made['id']])).toEqual(made);
    expect(await call('api.environments.update', ['other', 'dev', { name: 'Development' }])).toMatchObject({
      name: 'Development',
    });
    expect(await call('api.projects.update', ['other', { description: 'x' }])).toMatchObject({
      name: 'Other',
      description: 'x',
    });
    const { secret } = await call('api.environments.get_api_key', ['other', 'dev']);
    await call('api.projects.delete', ['other']);
    expect(named(await call('api.projects.list'))).toEqual([PROJECT]);
    await expect(sdk(emulator, secret as string).api.users.list()).rejects.toThrow();
  });
});
