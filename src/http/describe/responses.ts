import { content, ref, type Schema } from './parts.ts';

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not one that can be understood',
  401: 'No known bearer token',
  403: 'The caller may not ask this, or lacks the power',
  404: 'Nothing has this name',
  405: 'Another method is needed: see Allow',
  408: 'The request took too long to arrive',
  409: 'No revision as new as minRevision asks for',
  413: 'Larger than the limits',
  415: 'Not application/json in UTF-8',
  429: "Faster than the caller's rate, or too many long bodies at once: see Retry-After",
  431: 'The headers are too large',
  500: 'A fault in Sluice; nothing was decided',
  503: 'The decision can not be recorded, so there is none: see Retry-After',
};

export const REQUEST_ID = { $ref: '#/components/parameters/RequestId' } as const;

// Written out in each response: what refers to a header of `components` stops a widespread generator.
const HEADERS = {
  'X-Request-ID': {
    description: 'of this request; errors and records name it',
    schema: { type: 'string', minLength: 1, maxLength: 64 },
  },
  Allow: { description: 'the methods that there are', schema: { type: 'string' } },
  'WWW-Authenticate': { schema: { type: 'string' } },
  'Retry-After': { description: 'seconds', schema: { type: 'integer', minimum: 0 } },
  'X-Next-After': { description: 'what `after` takes for the next page', schema: { type: 'string' } },
} as const;

/** With these statuses alone they come. */
const OF_STATUS: Readonly<Record<number, keyof typeof HEADERS>> = {
  401: 'WWW-Authenticate',
  405: 'Allow',
  429: 'Retry-After',
  503: 'Retry-After',
};

const headers = (...names: readonly (keyof typeof HEADERS)[]) =>
  Object.fromEntries(['X-Request-ID' as const, ...names].map((name) => [name, HEADERS[name]]));

export const ok = (description: string, of: object, ...more: readonly (keyof typeof HEADERS)[]) => ({
  description,
  headers: headers(...more),
  content: of,
});

/** The descriptions of errors of these statuses, in their order. */
export function errors(
  statuses: readonly number[],
  {
    titles = TITLES,
    schema = () => ref('Error'),
  }: { readonly titles?: Readonly<Record<number, string>>; readonly schema?: (status: number) => Schema } = {},
) {
  return Object.fromEntries(
    [...new Set(statuses)]
      .toSorted((a, b) => a - b)
      .map((status) => [
        status,
        {
          description: titles[status]!,
          headers: headers(...(OF_STATUS[status] === undefined ? [] : [OF_STATUS[status]])),
          content: content(schema(status)),
        },
      ]),
  );
}

/** A request's body. What is larger than `limit` bytes is 413. */
export const sent = (of: object, limit: number, required = true) => ({
  description: `at most ${limit / 2 ** 20} MiB of JSON in UTF-8`,
  required,
  content: of,
});
