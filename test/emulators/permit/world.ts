import { hash } from 'node:crypto';
import { duplicate, Refusal } from './errors.ts';
import { createKeys, type Keys } from './keys.ts';
import { nameOf, type Environment, type Project, type Resource, type Tenant } from './rows.ts';
import { createTable, type Quota, type Row, type Table } from './table.ts';

/** Everything that the emulator knows: one organization. */
export interface World {
  readonly organizationId: string;
  readonly projects: Table<Project>;
  readonly keys: Keys;
  readonly quota: Quota;
  /** Milliseconds since the Unix epoch, less or more the skew. */
  now(): number;
  /** What a new row starts with: an id of 32 hex digits, its place in the order, both timestamps. */
  stamp(): Row;
  /** Added to the clock: a row that is made in the past stands first in its list. */
  skewMs: number;
}

export interface WorldOptions {
  /** Ids follow from it. Default 1. */
  readonly seed?: number;
  /** Of all tables together. Default 3,000,000. */
  readonly maxRows?: number;
  /** Milliseconds since the Unix epoch. Default: the machine's clock. */
  readonly now?: () => number;
}

export function createWorld({ seed = 1, maxRows = 3_000_000, now = Date.now }: WorldOptions = {}): World {
  let [rows, made] = [0, 0];
  const newId = () => hash('sha256', `${seed}:${made += 1}`).slice(0, 32);
  const quota: Quota = {
    take() {
      // No answer of Permit's: the emulator's own bound.
      if (rows >= maxRows) throw new Refusal(507, 'the emulator is full', { detail: `The emulator holds ${maxRows} rows, and no more.` });
      rows += 1;
    },
    give(count) { rows -= count; },
  };
  const world: World = {
    organizationId: newId(),
    projects: createTable<Project>(({ key }) => key, quota),
    keys: createKeys(newId),
    quota,
    skewMs: 0,
    now: () => now() + world.skewMs,
    stamp: () => {
      const atMs = world.now();
      return { id: newId(), order: made, createdAtMs: atMs, updatedAtMs: atMs };
    },
  };
  return world;
}

export interface Named {
  readonly key: string;
  readonly name: string;
  readonly description?: string | undefined;
}

export function addProject(world: World, { key, name, description }: Named): Project {
  if (world.projects.find(key) !== undefined) throw duplicate('project', key);
  return world.projects.add({ ...world.stamp(), key, name, description, environments: createTable<Environment>((row) => row.key, world.quota) });
}

/** A fresh environment holds no role, no resource that is listed, and exactly one tenant. */
export function addEnvironment(world: World, project: Project, { key, name, description }: Named): Environment {
  if (project.environments.find(key) !== undefined) throw duplicate('environment', key);
  const byKey = <T extends Row & { readonly key: string }>() => createTable<T>((row) => row.key, world.quota);
  const environment: Environment = project.environments.add({
    ...world.stamp(), key, name, description, project,
    resources: byKey(), roles: byKey(), sets: byKey(), tenants: byKey(), users: byKey(),
    rules: createTable(({ userSet, resource, action, resourceSet }) => [userSet.id, resource.id, action, resourceSet.id].join(' '), world.quota),
    assignments: createTable(({ user, role, tenant, instance }) => [user.id, role.id, tenant.id, instance?.id].join(' '), world.quota),
    instances: createTable(nameOf, world.quota),
    tuples: createTable(({ subject, relation, object }) => [subject.id, relation.id, object.id].join(' '), world.quota),
  });
  for (const builtIn of ['__user', '__tenant']) environment.resources.add({ ...newResource(world, { key: builtIn, name: builtIn }), builtIn: true });
  environment.tenants.add({ ...world.stamp(), key: 'default', name: 'Default Tenant', description: undefined, attributes: undefined } satisfies Tenant);
  return environment;
}

/** Without any part, and in no table yet. */
export function newResource(world: World, { key, name, description }: Named): Resource {
  const byKey = <T extends Row & { readonly key: string }>() => createTable<T>((row) => row.key, world.quota);
  return { ...world.stamp(), key, name, description, urn: undefined, builtIn: false, actions: byKey(), attributes: byKey(), groups: byKey(), relations: byKey(), roles: byKey() };
}
