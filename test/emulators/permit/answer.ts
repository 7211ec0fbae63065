import type { Reply } from './call.ts';
import { foldErrors } from './errors.ts';
import { assignmentRoutes } from './facts/assignments.ts';
import { instanceRoutes } from './facts/instances.ts';
import { ruleRoutes } from './facts/rules.ts';
import { tenantRoutes } from './facts/tenants.ts';
import { tupleRoutes } from './facts/tuples.ts';
import { userRoutes } from './facts/users.ts';
import { internalRoutes } from './internal.ts';
import { toPage, type Disturb } from './paging.ts';
import { projectRoutes } from './projects.ts';
import { createRouter, inEnvironment } from './router.ts';
import { derivationRoutes } from './schema/derivations.ts';
import { partRoutes } from './schema/parts.ts';
import { resourceRoutes } from './schema/resources.ts';
import { roleRoutes } from './schema/roles.ts';
import { setRoutes } from './schema/sets.ts';
import type { World } from './world.ts';

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  /** What stands after `Bearer `. */
  readonly secret: string | undefined;
  readonly body?: unknown;
}

/** Everything that Permit's API does, without a socket. Never throws. */
export type Answer = (asked: Asked, disturb?: Disturb) => Reply;

export function createAnswer(world: World, logs: unknown[]): Answer {
  const find = createRouter([
    ...projectRoutes,
    ...inEnvironment('/v2/schema', [...partRoutes, ...resourceRoutes, ...roleRoutes, ...derivationRoutes, ...setRoutes]),
    ...inEnvironment('/v2/facts', [...userRoutes, ...tenantRoutes, ...assignmentRoutes, ...instanceRoutes, ...tupleRoutes, ...ruleRoutes]),
    ...internalRoutes(logs),
  ]);
  return ({ method, url, secret, body }, disturb) => foldErrors(() => {
    const [path, query] = split(url);
    const { handler, params } = find(method, path);
    const result = handler({ world, key: world.keys.of(secret), params, query, body });
    return 'rows' in result ? toPage(result, query, disturb) : result;
  });
}

/** Not by `URL`, which would resolve dots. */
export function split(url: string): readonly [path: string, query: URLSearchParams] {
  const at = url.indexOf('?');
  return at < 0 ? [url, new URLSearchParams()] : [url.slice(0, at), new URLSearchParams(url.slice(at + 1))];
}
