import { INCIDENT_SCHEMA } from '../../reports/incident-schema.ts';
import { PARAMETERS, REPORTS, type ParameterName } from '../../reports/run.ts';
import { MOMENT } from '../describe/bodies.ts';
import { answer, named, only, ref, TEXT, type Schema } from '../describe/parts.ts';
import { errors, ok, REQUEST_ID } from '../describe/responses.ts';

// The incident's form is the one that is handed on to authorities (R82); of the others the first members are told.
export const REPORT_SCHEMAS = {
  IncidentReport: INCIDENT_SCHEMA,
  OtherReport: answer(['report', 'v'], {
    report: named(Object.keys(REPORTS).filter((kind) => kind !== 'incident')),
    v: only(1),
  }),
} as const;

const TIME = { ...MOMENT, pattern: MOMENT.pattern.replace('{1,9}', '{1,3}') } as const;
const SCHEMA_OF: Readonly<Partial<Record<ParameterName, Schema>>> = {
  from: TIME,
  to: TIME,
  detected: TIME,
  notified: TIME,
  aware: TIME,
  told: TIME,
  days: { type: 'integer', minimum: 1, maximum: 99_999, default: 90 },
};

export function reportPaths(): Readonly<Record<string, object>> {
  const inQuery = (name: ParameterName) => ({
    name,
    in: 'query',
    required: false,
    description: `for ${Object.entries(REPORTS)
      .filter(([, { parameters }]) => parameters.includes(name))
      .map(([kind]) => kind)
      .join(', ')}`,
    schema: SCHEMA_OF[name] ?? TEXT,
  });
  return {
    '/reports/{kind}': {
      get: {
        operationId: 'report',
        tags: ['log'],
        summary: 'A report from the decision log, for auditors; its reading is recorded',
        security: [{ bearer: [] }],
        parameters: [
          REQUEST_ID,
          {
            name: 'kind',
            in: 'path',
            required: true,
            description: Object.entries(REPORTS)
              .map(([kind, { summary }]) => `${kind}: ${summary}`)
              .join('; '),
            schema: named(Object.keys(REPORTS)),
          },
          ...(Object.keys(PARAMETERS) as ParameterName[]).map(inQuery),
          {
            name: 'format',
            in: 'query',
            required: false,
            description: 'without it JSON or Markdown, as Accept prefers',
            schema: named(['json', 'markdown', 'csv', 'mermaid']),
          },
        ],
        responses: {
          200: ok('Made, and the reading recorded', {
            'application/json': { schema: { anyOf: [ref('IncidentReport'), ref('OtherReport')] } },
            'text/markdown': { schema: TEXT },
            'text/csv': { schema: TEXT },
            'text/vnd.mermaid': { schema: TEXT },
          }),
          ...errors([400, 401, 403, 404, 405, 408, 413, 429, 431, 500, 503]),
        },
      },
    },
  };
}
