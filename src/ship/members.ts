import type { RecordKind } from '../log/types.ts';

/** The event that a record is when it is shipped. */
export const RECORD_EVENT = 'sluice.decision_record';
/** Who sends it. */
export const SHIPPING_IDENTITY = 'service:sluice';
/** The caller that its questions are recorded under. */
export const SHIPPING_CALLER = 'sluice';

/** Where a record stands, and what it is matched to its proof by: when these may not leave, nothing of it does. */
export const KEYS = ['v', 'index', 'origin', 'kind', 'time', 'leaf'] as const;

const QUESTION = [
  'identity', 'onBehalfOf', 'vendor', 'environment', 'purpose', 'channel', 'event', 'eventVersion', 'eventKind', 'about', 'region', 'secure', 'aggregate', 'byCategory', 'asserted',
];
const ASKING = ['decisionId', 'requestId', 'caller', 'rows'];
const PROVENANCE = ['bundle', 'revision', 'program', 'expiresAt', 'ageMs', 'memo', 'micros'];
const DECISION = [
  ...ASKING, ...QUESTION, ...PROVENANCE,
  'decision', 'mode', 'wouldBe', 'fields', 'findings', 'obligations', 'reasons', 'fix', 'approvalAsked', 'approvals', 'input',
];

/** What records of each kind may have besides KEYS. A member that is not listed here is asked about by nobody, and stays. */
const MEMBERS: Readonly<Record<RecordKind, readonly string[]>> = {
  decision: DECISION,
  permitted: [...DECISION, 'list', 'category', 'vendors', 'identities', 'permitted'],
  refused: ['code', 'caller', 'requestId', ...QUESTION],
  input: ['digest', 'shape'],
  start: ['program', 'node'],
  stop: ['program'],
  gap: ['refused', 'since', 'reason'],
  clock_jump: ['byMs'],
  config_changed: ['environment', 'sync', 'generation', 'log', 'before', 'caller', 'requestId'],
  bundle_activated: ['bundle', 'source', 'program'],
  snapshot_activated: ['digest', 'facts', 'environments', 'vendorStates', 'permit'],
  vendor_state: ['vendor', 'state', 'caller', 'requestId'],
  log_read: ['caller', 'requestId', 'read', 'format', 'filter', 'from', 'to', 'requested', 'order', 'rows', 'state', 'id', 'what'],
  key_rotated: ['from', 'to', 'caller', 'requestId'],
  names_key_rotated: ['from', 'to', 'caller', 'requestId'],
  pruned: ['from', 'to', 'before', 'root', 'archived', 'segments', 'acts', 'caller', 'requestId'],
  new_origin: ['old', 'lost', 'more'],
  recovered: ['what', 'tiles', 'more', 'size', 'root', 'from', 'to'],
};

/** The fields of the event that concern records of this kind. @param declared its paths. */
export function fieldsOf(kind: string, declared: readonly string[]): readonly string[] {
  const members: readonly string[] = [...KEYS, ...(Object.hasOwn(MEMBERS, kind) ? MEMBERS[kind as RecordKind] : [])];
  return declared.filter((path) => members.includes(path.split('.', 1)[0]!.replaceAll('[]', '')));
}
