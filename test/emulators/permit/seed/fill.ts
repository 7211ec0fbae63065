import { CATEGORIES, GROUP_ROLE, HELD, IDENTITIES, INSTANCES, ROLES, RULES, toAction, toUserKey, VENDOR_SETS } from './policy.ts';
import { attributesOf, EDGES, VENDOR_ATTRIBUTES, VENDORS } from './vendors.ts';

/** One request, as anyone could send it; `{scope}` in the path stands for `{project}/{environment}`. */
export type Ask = (method: string, path: string, body?: object) => unknown;

const SCHEMA = '/v2/schema/{scope}';
const FACTS = '/v2/facts/{scope}';
const TENANT = 'default';

/** Writes the example world into a fresh environment. Whatever `ask` throws ends it. */
export function fillExample(ask: Ask): void {
  fillTypes(ask);
  for (const [key, name] of Object.entries(ROLES)) ask('POST', `${SCHEMA}/roles`, { key, name });
  for (const [key, conditions] of Object.entries(VENDOR_SETS)) {
    ask('POST', `${SCHEMA}/condition_sets`, { key, name: key, type: 'resourceset', resource_id: 'vendor', conditions: { allOf: [{ allOf: conditions }] } });
  }
  for (const { role, vendors, categories } of Object.values(RULES)) for (const category of categories) {
    ask('POST', `${FACTS}/set_rules`, { user_set: role, is_role: true, permission: `vendor:${toAction(category)}`, resource_set: vendors });
  }
  fillFacts(ask);
}

function fillTypes(ask: Ask): void {
  ask('POST', `${SCHEMA}/resources`, { key: 'user', name: 'A person that others act for', actions: {}, roles: { acts_for: { name: 'Acts for' } } });
  ask('POST', `${SCHEMA}/resources`, {
    key: 'account', name: 'A customer account', actions: {}, relations: { parent: 'account' },
    roles: {
      owner: { name: 'Owner', extends: ['assigned'] },
      assigned: { name: 'Assigned', granted_to: { users_with_role: [{ role: 'assigned', on_resource: 'account', linked_by_relation: 'parent' }] } },
    },
  });
  ask('POST', `${SCHEMA}/resources`, { key: 'vendor_group', name: 'Vendors that are treated alike', actions: {}, roles: { [GROUP_ROLE.role]: { name: 'Telemetry' } } });
  ask('POST', `${SCHEMA}/resources`, {
    key: 'vendor', name: 'Who receives data', attributes: VENDOR_ATTRIBUTES,
    actions: Object.fromEntries(CATEGORIES.map((category) => [toAction(category), { name: category }])),
    relations: { group: 'vendor_group', sub_processor: 'vendor', forwards_to: 'vendor', user_connector: 'vendor' },
    roles: {
      [GROUP_ROLE.role]: {
        name: 'Telemetry', permissions: Object.values(GROUP_ROLE.categories).flat().map(toAction),
        granted_to: { users_with_role: [{ role: GROUP_ROLE.role, on_resource: 'vendor_group', linked_by_relation: 'group' }] },
      },
    },
  });
  for (const [prefix, categories] of prefixes()) ask('POST', `${SCHEMA}/resources/vendor/action_groups`, { key: toAction(prefix), name: `${prefix}.*`, actions: categories.map(toAction) });
}

/** What a category stands under: a group holds every category below it. */
function prefixes(): ReadonlyMap<string, readonly string[]> {
  const below = new Map<string, string[]>();
  for (const category of CATEGORIES) {
    const parts = category.split('.');
    for (let length = 1; length < parts.length; length += 1) {
      const prefix = parts.slice(0, length).join('.');
      below.set(prefix, [...below.get(prefix) ?? [], category]);
    }
  }
  return below;
}

function fillFacts(ask: Ask): void {
  for (const [identity, roles] of Object.entries(IDENTITIES)) {
    ask('POST', `${FACTS}/users`, { key: toUserKey(identity), attributes: {}, role_assignments: roles.map((role) => ({ role, tenant: TENANT })) });
  }
  const instances = [
    ...Object.entries(VENDORS).map(([key, vendor]) => ({ resource: 'vendor', key, attributes: attributesOf(vendor) })),
    { resource: 'vendor_group', key: GROUP_ROLE.group },
    ...INSTANCES.map(([resource, key]) => ({ resource, key })),
  ];
  for (const instance of instances) ask('POST', `${FACTS}/resource_instances`, { ...instance, tenant: TENANT });

  const held = [...HELD, [GROUP_ROLE.holder, GROUP_ROLE.role, `vendor_group:${GROUP_ROLE.group}`] as const];
  for (const [identity, role, instance] of held) ask('POST', `${FACTS}/role_assignments`, { user: toUserKey(identity), role, resource_instance: instance });

  // The object has the relation to the subject: `vendor:openai sub_processor vendor:mixpanel` says that Mixpanel uses OpenAI.
  for (const vendor of GROUP_ROLE.vendors) ask('POST', `${FACTS}/relationship_tuples`, { subject: `vendor_group:${GROUP_ROLE.group}`, relation: 'group', object: `vendor:${vendor}` });
  for (const [vendor, relation, to] of EDGES) ask('POST', `${FACTS}/relationship_tuples`, { subject: `vendor:${to}`, relation, object: `vendor:${vendor}` });
}
