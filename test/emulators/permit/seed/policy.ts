// The identities, roles and grants of the example world as Permit holds them: what policies/identities.yaml, roles.yaml,
// grants.yaml and relations.yaml say, less what a permission can't: that is in policies/terms.yaml.

/** Every category of the catalogue: each is an action on `vendor`, so that an administrator may grant it. */
export const CATEGORIES: readonly string[] = [
  'user.unique_id.account', 'user.unique_id.service_account', 'user.unique_id.pseudonymous', 'user.account.username',
  'user.name.full', 'user.name.first', 'user.name.last', 'user.job_title',
  'user.demographic.age_range', 'user.demographic.date_of_birth', 'user.demographic.gender',
  'user.contact.email', 'user.contact.email_hash', 'user.contact.email_domain', 'user.contact.phone_number', 'user.contact.organization',
  'user.contact.url', 'user.contact.address.street', 'user.contact.address.postal_code',
  'user.location.precise', 'user.location.imprecise.postal_code', 'user.location.imprecise.city', 'user.location.imprecise.state',
  'user.location.imprecise.region', 'user.location.imprecise.country',
  'user.device.ip_address', 'user.device.ip_prefix', 'user.device.device_id', 'user.device.cookie_id', 'user.device.user_agent', 'user.device.browser',
  'user.device.os', 'user.device.model', 'user.device.screen', 'user.device.timezone', 'user.device.language',
  'user.behavior.usage', 'user.behavior.browsing_history', 'user.behavior.search_history', 'user.behavior.purchase_history',
  'user.content.private', 'user.content.public', 'user.authorization.credentials', 'user.authorization.password',
  'user.health_and_medical.condition', 'user.health_and_medical.record_id', 'user.financial.bank_account', 'user.financial.credit_card',
  'user.government_id.national_identification_number',
  'system.tenant.org_id', 'system.tenant.account_id', 'system.tenant.name', 'system.tenant.project_code',
  'system.ai.prompt_category', 'system.ai.prompt_shape', 'system.ai.tool_id', 'system.ai.knowledge_base_id', 'system.ai.agent_session',
  'system.ai.escalation', 'system.ai.output', 'system.ai.model', 'system.url.path', 'system.url.query',
  'system.operations.event_name', 'system.operations.timestamp', 'system.operations.time_bucket', 'system.operations.plan',
  'system.operations.feature_flag', 'system.operations.experiment', 'system.operations.error_code', 'system.operations.fallback',
  'system.operations.latency', 'system.operations.app_version', 'system.operations.message_id',
  'system.audit.proof', 'system.audit.outcome', 'system.audit.program', 'system.audit.names',
];

/** A category, or a prefix of some, as an action: `send-` before it, dashes for its dots. */
export const toAction = (category: string) => `send-${category.replaceAll('.', '-')}`;

/** By identity: its roles. A key in Permit has `|` for the `:`. */
export const IDENTITIES: Readonly<Record<string, readonly string[]>> = {
  'service:analytics-pipeline': ['analytics_pipeline'],
  'service:telemetry': ['dashboard_telemetry'],
  'service:checkout': ['product_events'],
  'user:sam': ['support_agent'],
  'user:dana': ['privacy_officer'],
  'agent:copilot': ['genai_tool'],
  'webhook:crm-sync': [],
  'tag:web': ['web_tag'],
  'service:sluice': ['decision_log'],
};

export const toUserKey = (identity: string) => identity.replace(':', '|');

export const ROLES: Readonly<Record<string, string>> = {
  analytics_pipeline: 'Sends anonymized usage events to Vendor X',
  dashboard_telemetry: 'The one telemetry service of the GenAI dashboard',
  product_events: 'Sends product events to analytics',
  support_agent: 'Exports reports for support',
  privacy_officer: 'Approves what needs an approval',
  genai_tool: 'Logs how GenAI tools are used',
  web_tag: 'Scripts in the browser; no grant',
  decision_log: 'Sends copies of the decision log to sinks',
};

/** Resource sets: vendors by name, or by what they are. */
export const VENDOR_SETS: Readonly<Record<string, readonly object[]>> = {
  only_vendor_x: [{ 'resource.key': { equals: 'vendor-x' } }],
  only_amplitude: [{ 'resource.key': { equals: 'amplitude' } }],
  only_intercom: [{ 'resource.key': { equals: 'intercom' } }],
  analytics: [{ 'resource.categories': { array_contains: 'analytics' } }],
  first_party: [{ 'resource.party': { equals: 'first' } }],
  third_party_analytics: [{ 'resource.party': { equals: 'third' } }, { 'resource.categories': { array_contains: 'analytics' } }],
};

/** Rules: the holders of a role may send these categories to the vendors of a set. By the id of the grant in the YAML. */
export const RULES: Readonly<Record<string, { readonly role: string; readonly vendors: string; readonly categories: readonly string[] }>> = {
  'analytics-pipeline-vendor-x': {
    role: 'analytics_pipeline', vendors: 'only_vendor_x',
    categories: ['system.operations.event_name', 'user.unique_id.pseudonymous', 'system.operations.feature_flag'],
  },
  'telemetry-basic': {
    role: 'dashboard_telemetry', vendors: 'third_party_analytics',
    categories: ['user.unique_id.pseudonymous', 'user.location.imprecise.region', 'system.operations.feature_flag'],
  },
  'telemetry-city': {
    role: 'dashboard_telemetry', vendors: 'third_party_analytics',
    categories: ['user.location.imprecise.city'],
  },
  'product-events': {
    role: 'product_events', vendors: 'analytics',
    categories: ['system.operations.event_name', 'user.unique_id.pseudonymous', 'system.operations.feature_flag', 'system.operations.timestamp', 'user.behavior.usage'],
  },
  'product-events-amplitude': {
    role: 'product_events', vendors: 'only_amplitude',
    categories: ['user.device.user_agent', 'user.device.timezone', 'user.device.screen', 'user.device.language', 'user.job_title', 'user.contact.email_domain'],
  },
  'support-reports': {
    role: 'support_agent', vendors: 'only_intercom',
    categories: ['system.operations.plan', 'system.operations.timestamp', 'user.behavior.usage'],
  },
  'genai-log': {
    role: 'genai_tool', vendors: 'analytics',
    categories: ['system.ai.prompt_category', 'system.operations.error_code'],
  },
  'decision-log-first-party': {
    role: 'decision_log', vendors: 'first_party',
    categories: [
      'system.audit.proof', 'system.audit.outcome', 'system.audit.program', 'system.audit.names', 'system.operations.message_id', 'system.operations.timestamp',
      'system.tenant.account_id', 'user.unique_id.account', 'user.unique_id.pseudonymous',
    ],
  },
};

/** Derivation: whoever has the role `telemetry` on a group of vendors has it on each vendor of the group. By the id of the grant in the YAML. */
export const GROUP_ROLE = {
  role: 'telemetry',
  group: 'first-party',
  vendors: ['internal-obs', 'posthog-selfhosted'],
  holder: 'service:telemetry',
  categories: {
    'telemetry-first-party': [
      'user.unique_id.pseudonymous', 'user.location.imprecise.region', 'system.operations.feature_flag', 'system.ai.tool_id', 'system.ai.knowledge_base_id',
      'system.tenant.org_id', 'system.tenant.account_id', 'system.tenant.name',
    ],
    'telemetry-first-party-city': ['user.location.imprecise.city'],
  },
} as const;

/** `user:sam assigned account:A1`, `agent:copilot acts_for user:sam`: roles that identities hold on instances. */
export const HELD: readonly (readonly [identity: string, role: string, instance: string])[] = [
  ['user:sam', 'assigned', 'account:A1'],
  ['agent:copilot', 'acts_for', 'user:sam'],
];

/** Instances besides the vendors and their group. */
export const INSTANCES: readonly (readonly [type: string, key: string])[] = [['account', 'A1'], ['account', 'A2'], ['user', 'sam']];
