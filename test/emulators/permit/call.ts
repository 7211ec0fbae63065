import type { ApiKey } from './keys.ts';
import type { Listing } from './paging.ts';
import type { Environment } from './rows.ts';
import type { World } from './world.ts';

/** A request that has found its route and its key. */
export interface Call {
  readonly world: World;
  readonly key: ApiKey;
  /** Decoded segments of the path, by the names in the route's pattern. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
}

/** A call under `/v2/schema/{proj}/{env}` or `/v2/facts/{proj}/{env}`, by a key that opens the environment. */
export interface EnvironmentCall extends Call {
  readonly environment: Environment;
}

export interface Reply {
  readonly status: number;
  /** Undefined: no body. */
  readonly body?: unknown;
}

/** A list is paged, and disturbed, after the handler. */
export type Result = Reply | Listing;

export type Route<C extends Call = Call> = readonly [method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', pattern: string, handler: (call: C) => Result];

export const ok = (body: unknown): Reply => ({ status: 200, body });
export const NO_CONTENT: Reply = { status: 204 };

/** The parameter `name` of the route's pattern. */
export const param = (call: Call, name: string): string => call.params[name]!;
