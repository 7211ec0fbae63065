import { INCIDENT_SCHEMA } from '../../reports/incident-schema.ts';
import { PARAMETERS, REPORTS, type ParameterName } from '../../reports/run.ts';

const TEXT = { type: 'string' } as const;

// The incident's form is the one that is handed on to authorities (R82); of the others the first members are told.
const JSON_FORM = {
  anyOf: [INCIDENT_SCHEMA, { type: 'object', required: ['report', 'v'], properties: { report: { enum: Object.keys(REPORTS).filter((kind) => kind !== 'incident') }, v: { const: 1 } } }],
} as const;

/** @param errors gives the descriptions of these statuses. */
export function reportPaths(errors: (statuses: readonly number[]) => object): Readonly<Record<string, object>> {
  const inQuery = (name: ParameterName) => ({
    name, in: 'query', required: false, description: `for ${Object.entries(REPORTS).filter(([, { parameters }]) => parameters.includes(name)).map(([kind]) => kind).join(', ')}`, schema: TEXT,
  });
  return {
    '/reports/{kind}': {
      get: {
        operationId: 'report', summary: 'A report from the decision log, for auditors; its reading is recorded', security: [{ bearer: [] }],
        parameters: [
          { $ref: '#/components/parameters/RequestId' },
          { name: 'kind', in: 'path', required: true, description: Object.entries(REPORTS).map(([kind, { summary }]) => `${kind}: ${summary}`).join('; '), schema: { enum: Object.keys(REPORTS) } },
          ...(Object.keys(PARAMETERS) as ParameterName[]).map(inQuery),
          { name: 'format', in: 'query', required: false, description: 'without it JSON, or Markdown by Accept', schema: { enum: ['json', 'markdown', 'csv', 'mermaid'] } },
        ],
        responses: {
          200: { description: 'Made, and the reading recorded', content: { 'application/json': { schema: JSON_FORM }, 'text/markdown': { schema: TEXT }, 'text/csv': { schema: TEXT }, 'text/vnd.mermaid': { schema: TEXT } } },
          ...errors([400, 401, 403, 404, 405, 408, 413, 429, 431, 500, 503]),
        },
      },
    },
  };
}
