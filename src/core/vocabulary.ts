/** The closed lists of words (design, section 2): one word, one meaning, in code, Rego, YAML and documents alike. */

export const SENSITIVITIES = ['public', 'internal', 'confidential', 'restricted'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

export const IDENTIFIABILITIES = ['none', 'quasi', 'direct'] as const;
export type Identifiability = (typeof IDENTIFIABILITIES)[number];

export const IDENTITY_TYPES = ['user', 'service', 'job', 'webhook', 'tag', 'agent', 'tool', 'connector'] as const;
export type IdentityType = (typeof IDENTITY_TYPES)[number];

export const VENDOR_CATEGORIES = [
  'analytics', 'cdp', 'observability', 'support', 'billing', 'marketing', 'identity', 'cdn', 'ci', 'cloud', 'llm',
] as const;
export type VendorCategory = (typeof VENDOR_CATEGORIES)[number];

export const VENDOR_STATES = ['active', 'under_review', 'breached', 'terminated'] as const;
/** In the order of J17: the later one is the worse. */
export type VendorState = (typeof VENDOR_STATES)[number];

export const CHANNELS = ['telemetry', 'export', 'webhook', 'prompt', 'retrieval', 'tool_call', 'response'] as const;
export type Channel = (typeof CHANNELS)[number];

export const EVENT_KINDS = ['raw_event', 'aggregate', 'snapshot'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** In the order in which duties on one field run (J2). `scope_destinations` concerns the whole question (J16). */
export const OBLIGATION_OPS = [
  'drop', 'hmac', 'tokenize', 'coarsen_ip', 'coarsen_geo', 'truncate_time', 'redact_url', 'mask', 'bucket', 'truncate',
  'encrypt', 'scope_destinations',
] as const;
export type ObligationOp = (typeof OBLIGATION_OPS)[number];

export const CLAIM_NAMES = [
  'soc2_type2', 'iso27001', 'dpa', 'transfer_basis', 'residency', 'trains_on_data', 'retention_days', 'deletion_api',
  'breach_notice_hours', 'encryption_at_rest', 'log_access_control', 'uses_llm',
] as const;
export type ClaimName = (typeof CLAIM_NAMES)[number];

export const EDGE_TYPES = ['sub_processor', 'forwards_to', 'user_connector', 'owned_by', 'exports_to'] as const;
export type EdgeType = (typeof EDGE_TYPES)[number];

/** `poll` alone is for a webhook, which may say that something has changed in Permit. */
export const POWERS = ['check', 'read_log', 'vendor_state', 'reload', 'sync', 'poll', 'log_admin'] as const;
export type Power = (typeof POWERS)[number];
