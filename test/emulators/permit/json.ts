import type { Environment, Project } from './rows.ts';
import type { Row } from './table.ts';

/** As in `2023-11-16T08:30:46+00:00`: whole seconds. */
export const timestamp = (atMs: number) => `${new Date(atMs).toISOString().slice(0, 19)}+00:00`;

export const times = ({ createdAtMs, updatedAtMs }: Row) => ({ created_at: timestamp(createdAtMs), updated_at: timestamp(updatedAtMs) });

/** The common tail of what lies in an environment (facts 5). */
export const tail = (organizationId: string, environment: Environment, row: Row) => ({ ...place(organizationId, environment, row), ...times(row) });

/** The tail without timestamps: a role assignment has one of its own. */
export const place = (organizationId: string, { id, project }: Environment, row: Row) => ({ id: row.id, organization_id: organizationId, project_id: project.id, environment_id: id });

export const toProject = (organizationId: string, project: Project) => ({
  key: project.key, name: project.name, description: project.description ?? null, id: project.id, organization_id: organizationId, ...times(project), settings: {}, active_policy_repo_id: null,
});

export const toEnvironment = (organizationId: string, environment: Environment) => ({
  key: environment.key, name: environment.name, description: environment.description ?? null,
  id: environment.id, organization_id: organizationId, project_id: environment.project.id, ...times(environment), custom_branch_name: null, jwks: null,
});
