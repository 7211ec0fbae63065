import { refuse } from './errors.ts';
import type { Environment, Project } from './rows.ts';

/** An API key opens an environment, a project with all its environments, or everything. */
export interface ApiKey {
  readonly id: string;
  readonly secret: string;
  readonly name: string;
  readonly project?: Project;
  readonly environment?: Environment;
  readonly createdAtMs: number;
}

export interface Keys {
  add(key: Omit<ApiKey, 'id'>): ApiKey;
  /** @throws {Refusal} 401 for an unknown secret or none. */
  of(secret: string | undefined): ApiKey;
  /** From now on the old secret is refused. */
  rotate(secret: string, to: string): ApiKey;
  removeOf(opened: Environment | Project): void;
  list(): readonly ApiKey[];
}

export function createKeys(newId: () => string): Keys {
  const bySecret = new Map<string, ApiKey>();
  // Assumed (facts 7, 14): the exact body of the 401.
  const unauthorized = () => refuse('UNAUTHORIZED', 'The API key is missing or not valid.');
  const of = (secret: string | undefined): ApiKey => {
    const key = secret === undefined ? undefined : bySecret.get(secret);
    if (key === undefined) throw unauthorized();
    return key;
  };
  const add = (key: ApiKey) => {
    bySecret.set(key.secret, key);
    return key;
  };
  return {
    add: (key) => add({ id: newId(), ...key }),
    of,
    rotate(secret, to) {
      const key = of(secret);
      bySecret.delete(secret);
      return add({ ...key, secret: to });
    },
    removeOf(opened) {
      for (const [secret, key] of bySecret) if (key.environment === opened || key.project === opened) bySecret.delete(secret);
    },
    list: () => [...bySecret.values()],
  };
}

/** Whether the key opens the project itself, not one of its environments only. */
export const opensProject = (key: ApiKey, project: Project) => key.environment === undefined && (key.project === undefined || key.project === project);

export function opensEnvironment(key: ApiKey, environment: Environment): boolean {
  return key.environment === undefined ? opensProject(key, environment.project) : key.environment === environment;
}

export const isOrganizationKey = (key: ApiKey) => key.project === undefined && key.environment === undefined;

/** 403, for what exists and for what does not alike: a key learns nothing of what is not its own. */
export const foreign = () => refuse('FORBIDDEN_ACCESS', 'The API key has no access to this object.');

export const needsProjectKey = () => refuse('MISSING_PERMISSIONS', 'The API key is not of the level that this needs.');
