import { VENDOR_STATES } from '../../core/facts.ts';
import { MAX_ITEMS, PERMITTED_SCHEMA, QUESTION_SCHEMA } from '../../core/parse/parse.ts';
import { closed, named, nullable, ref } from './parts.ts';

/** A date, or a time with its zone; whether the day exists is for the server. */
export const MOMENT = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d))?$',
  examples: ['2026-01-31', '2026-01-31T12:00:00Z'],
} as const;

/** What an item lacks in the end, or has too much, is its own error: nothing is required, and null unsets (J26). */
const QuestionPart = {
  ...closed(
    [],
    Object.fromEntries(Object.entries(QUESTION_SCHEMA.properties).map(([name, schema]) => [name, nullable(schema)])),
  ),
  description: 'members of a question; an item overlays the defaults, and null unsets',
};

/** `components.schemas` of what is sent. */
export const BODY_SCHEMAS = {
  Question: QUESTION_SCHEMA,
  PermittedQuestion: PERMITTED_SCHEMA,
  QuestionPart,
  Batch: closed(['items'], {
    defaults: ref('QuestionPart'),
    items: { type: 'array', minItems: 1, maxItems: MAX_ITEMS, items: ref('QuestionPart') },
  }),
  SyncAct: {
    ...closed(['action'], {
      action: named(['poll', 'rollback', 'resume']),
      generation: {
        type: 'integer',
        format: 'int64',
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'with rollback alone; without it the one before',
      },
    }),
    dependentSchemas: { generation: { properties: { action: { const: 'rollback' } } } },
  },
  VendorStateBody: closed(['state'], { state: named(VENDOR_STATES) }),
  PruneBody: closed([], { before: { ...MOMENT, description: 'not in the future; default: SLUICE_LOG_KEEP_DAYS ago' } }),
  Nothing: { type: 'object', maxProperties: 0, description: 'no body, or an empty object' },
} as const;
