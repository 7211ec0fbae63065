import type { Call, EnvironmentCall, Route } from './call.ts';
import { notFound, plain } from './errors.ts';
import { foreign, opensEnvironment } from './keys.ts';
import type { Environment } from './rows.ts';

export interface Found {
  readonly params: Readonly<Record<string, string>>;
  readonly handler: Route[2];
}

export type Find = (method: string, path: string) => Found;

/** A pattern is `/v2/users/:user`; where two fit, the one that comes first is taken. */
export function createRouter(routes: readonly Route[]): Find {
  const bySize = Map.groupBy(routes.map(([method, pattern, handler]) => ({ method, handler, parts: pattern.split('/') })), ({ parts }) => parts.length);
  return (method, path) => {
    const segments = path.split('/').map(decode);
    const fitting = (bySize.get(segments.length) ?? []).filter(({ parts }) => parts.every((part, i) => part.startsWith(':') ? segments[i] !== '' : part === segments[i]));
    if (fitting.length === 0) throw plain(404, 'Not Found');
    const found = fitting.find((route) => route.method === method);
    if (found === undefined) throw plain(405, 'Method Not Allowed');
    return { handler: found.handler, params: Object.fromEntries(found.parts.flatMap((part, i) => part.startsWith(':') ? [[part.slice(1), segments[i]!]] : [])) };
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw plain(404, 'Not Found');
  }
}

/** Routes below `prefix/{proj}/{env}`: project and environment are found by id or key. */
export function inEnvironment(prefix: string, routes: readonly Route<EnvironmentCall>[]): readonly Route[] {
  return routes.map(([method, pattern, handler]) => [method, `${prefix}/:proj/:env${pattern}`, (call) => handler({ ...call, environment: environmentOf(call) })]);
}

/** @throws {Refusal} 403 for what the key doesn't open, 404 where it would open it. */
export function environmentOf({ world, key, params }: Call): Environment {
  const project = world.projects.find(params['proj']!);
  const environment = project?.environments.find(params['env']!);
  if (environment !== undefined) {
    if (!opensEnvironment(key, environment)) throw foreign();
    return environment;
  }
  if (key.environment !== undefined || (key.project !== undefined && key.project !== project)) throw foreign();
  throw project === undefined ? notFound('project', params['proj']!) : notFound('environment', params['env']!);
}
