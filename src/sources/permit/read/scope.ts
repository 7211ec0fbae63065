import type { AxiosInstance } from 'axios';
import { PermitError, type PermitScope } from '../data.ts';

const ID = /^[0-9a-fA-F-]{8,64}$/;

/**
 * What the key opens. Asked for by ourselves: the SDK doesn't tell a refused key from an outage.
 *
 * @throws {PermitError} `key` for a key that is refused, or opens more than one environment.
 */
export async function readScope(axios: AxiosInstance, apiUrl: string, key: string): Promise<PermitScope> {
  const { data } = await axios.get<unknown>(`${apiUrl.replace(/\/+$/, '')}/v2/api-key/scope`, { headers: { authorization: `Bearer ${key}` } });
  const { organization_id: organization, project_id: project, environment_id: environment } = (typeof data === 'object' && data !== null ? data : {}) as Readonly<Record<string, unknown>>;
  if (!isId(organization)) throw new PermitError('invalid', 'Permit did not say what the key opens: is SLUICE_PERMIT_API_URL the address of its API?');
  if (!isId(project)) throw new PermitError('key', 'this is the key of an organization: put the environment\'s own key into SLUICE_PERMIT_KEYS_FILE');
  if (!isId(environment)) throw new PermitError('key', 'this is the key of a project: put the environment\'s own key into SLUICE_PERMIT_KEYS_FILE');
  return { organization, project, environment };
}

const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);
