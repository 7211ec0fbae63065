import { key, object, optional, readBody, text } from './body.ts';
import { NO_CONTENT, ok, param, type Call, type Route } from './call.ts';
import { emptyEnvironment } from './cascade.ts';
import { notFound } from './errors.ts';
import { timestamp, toEnvironment, toProject } from './json.ts';
import { foreign, isOrganizationKey, needsProjectKey, opensEnvironment, opensProject } from './keys.ts';
import { listing } from './paging.ts';
import type { Environment, Project } from './rows.ts';
import { environmentOf } from './router.ts';
import { addEnvironment, addProject } from './world.ts';

const Rest = { name: optional(text), description: optional(text) };
const Create = object({ key, name: text, description: optional(text) });

/** @throws {Refusal} 403 for a project of which the key opens nothing, 404 where it would. */
function projectOf({ world, key: apiKey, params }: Call): Project {
  const project = world.projects.find(params['proj']!);
  if (project === undefined) throw isOrganizationKey(apiKey) ? notFound('project', params['proj']!) : foreign();
  if (!opensProject(apiKey, project) && apiKey.environment?.project !== project) throw foreign();
  return project;
}

/** What creates or removes environments (facts 2: by a key of the project or above). */
function projectToChange(call: Call): Project {
  const project = projectOf(call);
  if (!opensProject(call.key, project)) throw needsProjectKey();
  return project;
}

function removeEnvironment({ world }: Call, environment: Environment): void {
  environment.project.environments.remove(environment);
  emptyEnvironment(environment);
  world.keys.removeOf(environment);
}

/** What is counted as a policy is assumed (facts 3): the rules of condition sets; and that nobody was active this month. */
const statsOf = (environment: Environment) => ({
  roles: environment.roles.size, users: environment.users.size, policies: environment.rules.size, tenants: environment.tenants.size,
  resources: environment.resources.rows.filter(({ builtIn }) => !builtIn).length, has_decision_logs: false, members: [], mau: 0,
});

const environmentPath = '/v2/projects/:proj/envs/:env';

// That a list shows what the key opens, and nothing else, is assumed (facts 2, 4).
export const projectRoutes: readonly Route[] = [
  ['GET', '/v2/api-key/scope', ({ world, key: { project, environment } }) => ok({
    organization_id: world.organizationId, project_id: (environment?.project ?? project)?.id ?? null, environment_id: environment?.id ?? null,
  })],
  ['GET', '/v2/api-key/:proj/:env', (call) => {
    const { world } = call;
    const environment = environmentOf(call);
    const held = world.keys.list().find((one) => one.environment === environment);
    if (held === undefined) throw notFound('API key of the environment', param(call, 'env'));
    return ok({
      id: held.id, organization_id: world.organizationId, project_id: environment.project.id, environment_id: environment.id, object_type: 'env', access_level: 'write', owner_type: 'pdp_config',
      name: held.name, secret: held.secret, created_at: timestamp(held.createdAtMs), env: toEnvironment(world.organizationId, environment), project: toProject(world.organizationId, environment.project),
    });
  }],

  ['GET', '/v2/projects', ({ world, key: apiKey }) => listing('array', world.projects.rows.filter((project) => opensProject(apiKey, project) || apiKey.environment?.project === project), (row) => toProject(world.organizationId, row))],
  ['POST', '/v2/projects', ({ world, key: apiKey, body }) => {
    if (!isOrganizationKey(apiKey)) throw needsProjectKey();
    return ok(toProject(world.organizationId, addProject(world, readBody(body, Create))));
  }],
  ['GET', '/v2/projects/:proj', (call) => ok(toProject(call.world.organizationId, projectOf(call)))],

  ['PATCH', '/v2/projects/:proj', (call) => {
    const project = projectToChange(call);
    const { name, description } = readBody(call.body, object(Rest));
    project.name = name ?? project.name;
    project.description = description ?? project.description;
    project.updatedAtMs = call.world.now();
    return ok(toProject(call.world.organizationId, project));
  }],
  ['DELETE', '/v2/projects/:proj', (call) => {
    const project = projectToChange(call);
    if (!isOrganizationKey(call.key)) throw needsProjectKey();
    for (const environment of [...project.environments.rows]) removeEnvironment(call, environment);
    call.world.keys.removeOf(project);
    call.world.projects.remove(project);
    return NO_CONTENT;
  }],

  ['GET', '/v2/projects/:proj/envs', (call) => {
    const shown = projectOf(call).environments.rows.filter((environment) => opensEnvironment(call.key, environment));
    return listing('array', shown, (row) => toEnvironment(call.world.organizationId, row));
  }],
  ['POST', '/v2/projects/:proj/envs', (call) => {
    const { world } = call;
    const environment = addEnvironment(world, projectToChange(call), readBody(call.body, Create));
    // Assumed (facts 4): a new environment has a key of its own, which GET /v2/api-key/{proj}/{env} shows.
    world.keys.add({ secret: `permit_key_${environment.id}`, name: environment.key, environment, createdAtMs: environment.createdAtMs });
    return ok(toEnvironment(world.organizationId, environment));
  }],
  ['GET', environmentPath, (call) => ok(toEnvironment(call.world.organizationId, environmentOf(call)))],
  ['PATCH', environmentPath, (call) => {
    const environment = environmentOf(call);
    projectToChange(call);
    const { name, description } = readBody(call.body, object(Rest));
    environment.name = name ?? environment.name;
    environment.description = description ?? environment.description;
    environment.updatedAtMs = call.world.now();
    return ok(toEnvironment(call.world.organizationId, environment));
  }],
  ['DELETE', environmentPath, (call) => {
    const environment = environmentOf(call);
    projectToChange(call);
    removeEnvironment(call, environment);
    return NO_CONTENT;
  }],
  ['GET', `${environmentPath}/stats`, (call) => {
    const environment = environmentOf(call);
    return ok({ ...toEnvironment(call.world.organizationId, environment), pdp_configs: [], stats: statsOf(environment) });
  }],
];
