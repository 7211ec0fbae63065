import { EFFECTS } from '../../core/answer.ts';
import { OBLIGATION_OPS, VENDOR_STATES } from '../../core/facts.ts';
import { REASON_CODES } from '../../core/reason-codes.ts';
import { STATUS } from '../errors.ts';
import {
  ANY_OBJECT,
  answer,
  closed,
  COUNT,
  DIGEST,
  listOf,
  mapOf,
  named,
  nullable,
  NUMBER,
  ref,
  TEXT,
  TEXTS,
  titled,
  YES_OR_NO,
} from './parts.ts';

const Revision = answer(['number', 'digest', 'ageMs'], {
  number: { ...COUNT, description: 'of one environment; only grows' },
  digest: DIGEST,
  ageMs: { type: 'number', minimum: 0 },
});

const Verdict = answer(['effect', 'rules'], {
  effect: ref('Effect'),
  category: TEXT,
  rules: { ...TEXTS, description: 'ids of the rules and grants that determined the effect' },
});

const Reason = answer(['code', 'rule', 'fields', 'message', 'fix'], {
  code: {
    type: 'string',
    pattern: '^[a-z][a-z0-9_]*$',
    examples: REASON_CODES,
    description: `${REASON_CODES.join(', ')}; or one that begins with x_ and stands in codes.yaml`,
  },
  rule: TEXT,
  fields: TEXTS,
  message: TEXT,
  fix: TEXT,
  path: { ...TEXTS, description: 'how the data would get there: vendor ids' },
  detector: TEXT,
});

const Obligation = answer(['field', 'op'], {
  field: { type: 'string', description: 'a path, or * for the whole question' },
  op: named(OBLIGATION_OPS),
  params: ANY_OBJECT,
  resultCategory: TEXT,
});

const SHARED = {
  decisionId: TEXT,
  fields: mapOf(ref('Verdict')),
  obligations: listOf(ref('Obligation')),
  reasons: listOf(ref('Reason')),
  approval: ref('Approval'),
  mode: named(['enforce', 'shadow']),
  revision: ref('Revision'),
  expiresAt: { ...nullable(TEXT), description: 'RFC 3339: when time alone may change the answer' },
  log: ref('LogPlace'),
} as const;

const Permitted = answer(Object.keys(SHARED), SHARED);

const Answer = answer([...Object.keys(SHARED), 'decision', 'fix'], {
  ...SHARED,
  decision: {
    $ref: '#/components/schemas/Effect',
    description: 'deny and review: send nothing; transform: only after the obligations',
  },
  fix: nullable(
    titled(
      'Fix',
      answer(['drop', 'exact'], {
        drop: {
          ...TEXTS,
          description:
            'without these fields the decision is allow or transform; ' +
            'of a payload every object, list and element of a list that this empties goes too',
        },
        exact: { ...YES_OR_NO, description: 'whether no smaller set would do' },
      }),
    ),
  ),
  wouldBe: titled(
    'WouldBe',
    answer(['decision', 'reasons'], { decision: ref('Effect'), reasons: listOf(ref('Reason')) }),
  ),
});

const ErrorCode = { ...named(Object.keys(STATUS)), description: 'closed; told apart by these, not by their messages' };

/** Why it is degraded: an old policy, old facts, an alarm of the sync or a generation that is pinned. */
const DEGRADED = { reload: named(['failed']), facts: named(['old']), sync: named(['alarm', 'pinned']) } as const;

const Synced = answer(
  ['environment', 'kept', 'unmapped', 'setAside', 'unmappedObjects', 'polling', 'failures', 'requests', 'workedMs'],
  {
    environment: TEXT,
    active: titled(
      'ActiveGeneration',
      answer(['number', 'digest', 'counts', 'verifiedAtMs', 'ageMs'], {
        number: COUNT,
        digest: DIGEST,
        counts: mapOf(COUNT),
        verifiedAtMs: NUMBER,
        ageMs: NUMBER,
      }),
    ),
    newest: COUNT,
    pinned: COUNT,
    kept: { ...listOf(COUNT), description: 'generations on disk, which a rollback may name' },
    lastAttempt: titled(
      'SyncAttempt',
      answer(['atMs', 'outcome', 'requests', 'workedMs'], {
        atMs: NUMBER,
        outcome: TEXT,
        message: TEXT,
        requests: COUNT,
        workedMs: NUMBER,
      }),
    ),
    nextPollAtMs: NUMBER,
    alarm: { type: 'string', description: 'a mass change that is not applied until a further reading confirms it' },
    refused: { type: 'string', description: 'why nothing was taken from disk at start' },
    progress: titled(
      'SyncProgress',
      answer(['phase', 'rows', 'requests'], { phase: TEXT, rows: COUNT, requests: COUNT }),
    ),
    unmapped: { ...COUNT, description: 'how many objects of Permit could not be mapped' },
    setAside: { ...TEXTS, description: 'what of the policy folder Permit takes the place of' },
    unmappedObjects: listOf(ANY_OBJECT),
    polling: YES_OR_NO,
    failures: COUNT,
    nextPollInMs: NUMBER,
    requests: COUNT,
    workedMs: NUMBER,
    revocationBoundMs: { ...NUMBER, description: 'within which a revocation in Permit denies here' },
  },
);

/** `components.schemas` of what is answered: with 200, and of every error. */
export const ANSWER_SCHEMAS = {
  Effect: named(EFFECTS),
  Answer,
  BatchAnswer: answer(['items'], {
    items: {
      type: 'array',
      minItems: 1,
      maxItems: 1000,
      description: 'in the order of the questions',
      items: { oneOf: [ref('Answer'), ref('ItemError')] },
    },
  }),
  ItemError: answer(['error'], {
    error: titled('ItemFailure', answer(['code', 'message'], { code: ref('ErrorCode'), message: TEXT })),
  }),
  Permitted,
  Approval: {
    ...nullable(
      answer(['id', 'scope', 'approverRole'], { id: TEXT, scope: ref('ApprovalScope'), approverRole: nullable(TEXT) }),
    ),
    description: 'of a review: what to ask for, and of whom; else null',
  },
  ApprovalScope: { ...ANY_OBJECT, description: 'what it would cover; the id is its digest' },
  LogPlace: answer(['origin', 'index'], { origin: TEXT, index: COUNT }),
  Verdict,
  Reason,
  Obligation,
  Revision,
  Reloaded: answer(['ok', 'errors', 'digest'], { ok: YES_OR_NO, errors: TEXTS, digest: DIGEST }),
  VendorState: answer(['state'], { state: named(VENDOR_STATES) }),
  Live: answer(['status'], { status: named(['live']) }),
  Ready: answer(['status'], { status: named(['ready', 'degraded']), ...DEGRADED }),
  NotReady: answer(['status', 'reasons'], {
    status: named(['not_ready']),
    reasons: { ...listOf(named(['log_failed', 'facts_unverified', 'draining'])), minItems: 1 },
    ...DEGRADED,
  }),
  Sync: answer(['environments'], { environments: listOf(ref('Synced')) }),
  Synced,
  Pruned: answer(['from', 'to', 'segments'], {
    from: COUNT,
    to: { ...COUNT, description: 'not included; equal to from when nothing left' },
    segments: COUNT,
  }),
  Vkey: answer(['vkey'], { vkey: { type: 'string', description: 'the public key that signs from now on' } }),
  Ok: answer(['ok'], { ok: YES_OR_NO }),
  ErrorCode,
  Error: closed(['code', 'message', 'requestId'], {
    code: ref('ErrorCode'),
    message: TEXT,
    requestId: { type: 'string', minLength: 1, maxLength: 64 },
  }),
} as const;
