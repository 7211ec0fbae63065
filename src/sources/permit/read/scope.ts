import type { AxiosInstance } from 'axios';
import { PermitError, type PermitScope, type ScanOptions } from '../data.ts';
import type { Asker } from './ask.ts';
import { invalid } from './errors.ts';

export interface ScopeDeps extends Pick<ScanOptions, 'apiUrl' | 'key' | 'signal'> {
  readonly client: AxiosInstance;
  readonly asker: Asker;
}

/**
 * Which environment the key opens. Asked past the SDK, which says the same of a refused key and of an outage.
 *
 * @throws {PermitError} `key` for a key that is refused, or of another level; the others as of any request.
 */
export async function readScope({ apiUrl, key, signal, client, asker }: ScopeDeps): Promise<PermitScope> {
  const headers = { Authorization: `Bearer ${key}` };
  const { data } = await asker.ask('scope of the key', () => client.get<unknown>(`${apiUrl}/v2/api-key/scope`, { headers }), signal);
  return toScope(data);
}

function toScope(answer: unknown): PermitScope {
  const { organization_id, project_id, environment_id } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  if (!isId(organization_id) || !isIdOrNone(project_id) || !isIdOrNone(environment_id)) throw invalid('Permit answered the question for the key\'s scope with no scope. Check the address of the API.');
  if (isId(project_id) && isId(environment_id)) return { organization: organization_id, project: project_id, environment: environment_id };
  const level = isId(project_id) ? `project ${project_id}` : `organization ${organization_id}`;
  throw new PermitError('key', `The API key is of the level of a ${isId(project_id) ? 'project' : 'whole organization'} (${level}). An environment's own API key is needed: it is in Permit under the settings of the environment.`);
}

// 32 hex digits, or a UUID with dashes.
const isId = (value: unknown): value is string => typeof value === 'string' && /^[0-9A-Fa-f-]{32,36}$/.test(value);
const isIdOrNone = (value: unknown) => value === undefined || value === null || isId(value);
