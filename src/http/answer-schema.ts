import { EFFECTS } from '../core/answer.ts';
import { OBLIGATION_OPS, VENDOR_STATES } from '../core/facts.ts';
import { REASON_CODES } from '../core/reason-codes.ts';

// Answers may gain keys within v1, so their schemas let others pass (design, section 3).

const TEXTS = { type: 'array', items: { type: 'string' } } as const;
const object = (required: readonly string[], properties: object) => ({ type: 'object', required, properties });
const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const Revision = object(['number', 'digest', 'ageMs'], {
  number: { type: 'integer', minimum: 0, description: 'of one environment; only grows' },
  digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' },
  ageMs: { type: 'number', minimum: 0 },
});

const Verdict = object(['effect', 'rules'], {
  effect: { enum: EFFECTS },
  category: { type: 'string' },
  rules: { ...TEXTS, description: 'ids of the rules and grants that determined the effect' },
});

const Reason = object(['code', 'rule', 'fields', 'message', 'fix'], {
  code: {
    type: 'string', pattern: '^[a-z][a-z0-9_]*$', examples: REASON_CODES,
    description: `${REASON_CODES.join(', ')}; or one that begins with x_ and stands in codes.yaml`,
  },
  rule: { type: 'string' },
  fields: TEXTS,
  message: { type: 'string' },
  fix: { type: 'string' },
  path: { ...TEXTS, description: 'how the data would get there: vendor ids' },
  detector: { type: 'string' },
});

const Obligation = object(['field', 'op'], {
  field: { type: 'string', description: 'a path, or * for the whole question' },
  op: { enum: OBLIGATION_OPS },
  params: { type: 'object' },
  resultCategory: { type: 'string' },
});

const SHARED = {
  decisionId: { type: 'string' },
  fields: { type: 'object', additionalProperties: ref('Verdict') },
  obligations: { type: 'array', items: ref('Obligation') },
  reasons: { type: 'array', items: ref('Reason') },
  approval: nullable(object(['id', 'scope', 'approverRole'], { id: { type: 'string' }, scope: { type: 'object' }, approverRole: { type: ['string', 'null'] } })),
  mode: { enum: ['enforce', 'shadow'] },
  revision: ref('Revision'),
  expiresAt: { type: ['string', 'null'], description: 'RFC 3339: when time alone may change the answer' },
  log: object(['origin', 'index'], { origin: { type: 'string' }, index: { type: 'integer', minimum: 0 } }),
} as const;

const Permitted = object(Object.keys(SHARED), SHARED);

const Answer = object([...Object.keys(SHARED), 'decision', 'fix'], {
  ...SHARED,
  decision: { enum: EFFECTS, description: 'deny and review: send nothing; transform: only after the obligations' },
  fix: nullable(object(['drop', 'exact'], {
    drop: { ...TEXTS, description: 'without these fields the decision is allow or transform; of a payload every object, list and element of a list that this empties goes too' },
    exact: { type: 'boolean', description: 'whether no smaller set would do' },
  })),
  wouldBe: object(['decision', 'reasons'], { decision: { enum: EFFECTS }, reasons: { type: 'array', items: ref('Reason') } }),
});

const ItemError = object(['error'], { error: object(['code', 'message'], { code: { type: 'string' }, message: { type: 'string' } }) });

/** Why it is degraded: an old policy, old facts, an alarm of the sync or a generation that is pinned. */
const DEGRADED = { reload: { const: 'failed' }, facts: { const: 'old' }, sync: { enum: ['alarm', 'pinned'] } } as const;

/** `components.schemas` of what is answered with 200. */
export const ANSWER_SCHEMAS = {
  Answer,
  BatchAnswer: object(['items'], { items: { type: 'array', minItems: 1, maxItems: 1000, items: { oneOf: [ref('Answer'), ItemError] } } }),
  Permitted,
  Verdict,
  Reason,
  Obligation,
  Revision,
  Reloaded: object(['ok', 'errors', 'digest'], { ok: { type: 'boolean' }, errors: TEXTS, digest: { type: 'string' } }),
  VendorState: object(['state'], { state: { enum: VENDOR_STATES } }),
  Live: object(['status'], { status: { const: 'live' } }),
  Ready: object(['status'], { status: { enum: ['ready', 'degraded'] }, ...DEGRADED }),
  NotReady: object(['status', 'reasons'], { status: { const: 'not_ready' }, reasons: { type: 'array', minItems: 1, items: { enum: ['log_failed', 'facts_unverified', 'draining'] } }, ...DEGRADED }),
  Sync: object(['environments'], { environments: { type: 'array', items: { type: 'object', required: ['environment', 'kept', 'unmapped', 'setAside', 'unmappedObjects'] } } }),
  Pruned: object(['from', 'to', 'segments'], { from: { type: 'integer', minimum: 0 }, to: { type: 'integer', minimum: 0, description: 'not included; equal to from when nothing left' }, segments: { type: 'integer', minimum: 0 } }),
  Vkey: object(['vkey'], { vkey: { type: 'string', description: 'the public key that signs from now on' } }),
  Ok: object(['ok'], { ok: { const: true } }),
} as const;
