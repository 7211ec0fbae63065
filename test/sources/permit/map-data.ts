import type { Json } from '../../../src/core/facts.ts';
import type { PermitData, PermitResource, PermitResourceRole } from '../../../src/sources/permit/data.ts';

export const role = (key: string, more: Partial<PermitResourceRole> = {}): PermitResourceRole => ({ key, permissions: [], extends: [], derived: [], noDirectRoles: false, ...more });

export const resource = (key: string, more: Partial<PermitResource> = {}): PermitResource => ({ key, actions: [], actionGroups: {}, relations: {}, roles: [], ...more });

export const vendor = (key: string, attributes: Readonly<Record<string, Json>> = {}, tenant = 'default') => ({ type: 'vendor', key, tenant, attributes });

export const instance = (id: string, tenant = 'default') => ({ type: id.split(':')[0]!, key: id.split(':')[1]!, tenant, attributes: {} });

export const tuple = (text: string, tenant = 'default') => {
  const [subject = '', relation = '', object = ''] = text.split(' ');
  return { subject, relation, object, tenant };
};

/** `service|a sender`, `service|a telemetry vendor:v`. */
export const assigned = (text: string, tenant = 'default') => {
  const [user = '', held = '', on] = text.split(' ');
  return { user, role: held, tenant, ...(on !== undefined && { instance: on }) };
};

export const ACTIONS = ['send-system-operations-plan', 'send-system-operations-timestamp', 'send-user-contact-email', 'send-user-contact-email_domain'];

export const VENDOR_TYPE = resource('vendor', {
  actions: ACTIONS, actionGroups: { 'send-user-contact': ['send-user-contact-email', 'send-user-contact-email_domain'] },
  relations: { group: 'vendor_group', sub_processor: 'vendor' },
});

/** A small environment: a vendor, a user, a role that sends plans; with this instead of its parts. */
export const environment = (more: Partial<PermitData> = {}): PermitData => ({
  scope: { organization: 'o', project: 'p', environment: 'e' },
  resources: [VENDOR_TYPE],
  roles: [{ key: 'sender', permissions: ['vendor:send-system-operations-plan'], extends: [] }],
  conditionSets: [], rules: [], tenants: ['default'], users: [{ key: 'service|a', attributes: {} }],
  assignments: [assigned('service|a sender')], instances: [vendor('mixpanel')], tuples: [],
  ...more,
});
