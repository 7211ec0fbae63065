/** Where a mistake stands in a request: `['body', 'key']`. */
export type Place = readonly (string | number)[];

export interface Mistake {
  readonly loc: Place;
  readonly msg: string;
  readonly type: string;
}

// The status of each code but NOT_FOUND and DUPLICATE_ENTITY is assumed (facts 7 gives the codes, not their statuses).
const STATUS = {
  INVALID_INPUT: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN_ACCESS: 403,
  MISSING_PERMISSIONS: 403,
  NOT_FOUND: 404,
  DUPLICATE_ENTITY: 409,
  INVALID_PERMISSION_FORMAT: 400,
  MISMATCH_ATTRIBUTES_TYPES: 400,
  MISMATCH_RESOURCE_INSTANCES_TENANTS: 400,
  MISMATCH_RELATION_TYPE: 400,
  PAGINATION_SIZE_OVERREACHED: 400,
  UNEXPECTED_ERROR: 500,
} as const;

export type ErrorCode = keyof typeof STATUS;

/** A refusal, as Permit words it: status and JSON body. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, message: string, body: unknown) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** The body of every 4xx and 5xx that is not about the form of a request. Id and title are assumed texts (facts 7). */
export const errorBody = (code: string, message: string, id = 'emulated') => ({ id, title: code.toLowerCase().replaceAll('_', ' '), error_code: code, message });

export const refuse = (code: ErrorCode, message: string): Refusal => new Refusal(STATUS[code], message, errorBody(code, message));

/** 422, the form of FastAPI. The words of `msg` and `type` are assumed (facts 7). */
export const malformed = (mistakes: readonly Mistake[]): Refusal => new Refusal(422, 'the request is malformed', { detail: mistakes });

/** An error of the router itself, which knows no codes; assumed to be FastAPI's own (facts 7). */
export const plain = (status: number, detail: string): Refusal => new Refusal(status, detail, { detail });

export const notFound = (kind: string, name: string): Refusal => refuse('NOT_FOUND', `The requested data could not be found: there is no ${kind} '${name}'.`);

export const duplicate = (kind: string, name: string): Refusal => refuse('DUPLICATE_ENTITY', `The ${kind} '${name}' exists already.`);

/** A refusal as the answer that it is; anything else that is thrown is a bug of the emulator, and says so. */
export function foldErrors<T>(answer: () => T): T | { readonly status: number; readonly body: unknown } {
  try {
    return answer();
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, body: error.body };
    return { status: 500, body: errorBody('UNEXPECTED_ERROR', `The emulator failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`) };
  }
}
