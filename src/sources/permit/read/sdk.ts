import type { AxiosInstance, InternalAxiosRequestConfig } from 'axios';
import type { Permit } from 'permitio';
import { PermitError, type PermitScope } from '../data.ts';

export interface SdkOptions {
  readonly apiUrl: string;
  readonly key: string;
  readonly scope: PermitScope;
  readonly client: AxiosInstance;
}

/**
 * The SDK over `client`. It is loaded when it is first needed, not at the program's start. It doesn't try again by
 * itself, and logs nothing: its errors would show answers, and its debug log the key.
 */
export async function openSdk({ apiUrl, key, scope, client }: SdkOptions): Promise<Permit['api']> {
  const { Permit } = await import('permitio');
  tellScope(client, `${apiUrl}/v2/api-key/scope`, scope);
  try {
    return new Permit({ token: key, apiUrl, axiosInstance: client as object, retry: false, proxyFactsViaPdp: false, log: { level: 'silent', label: 'permit', json: false } }).api;
  } catch {
    // It reads PERMIT_LOG_JSON as JSON whatever it is given; its message would quote the variable.
    throw new PermitError('key', 'The Permit SDK can\'t be set up: check the environment variables whose names begin with PERMIT_.');
  }
}

// At its first call the SDK asks for the scope again, which may have become another, and hides why it got none.
function tellScope(client: AxiosInstance, url: string, { organization, project, environment }: PermitScope): void {
  const send = client.defaults.adapter as (config: InternalAxiosRequestConfig) => Promise<never>;
  const data = { organization_id: organization, project_id: project, environment_id: environment };
  client.defaults.adapter = (config) => config.url === url ? Promise.resolve({ data, status: 200, statusText: 'OK', headers: {}, config }) : send(config);
}
