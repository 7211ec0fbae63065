import { Permit } from 'permitio';
import { DEMO_KEYS, openEmulator, PROJECT, type Emulator, type EmulatorOptions } from './permit/emulator.ts';

export const SCHEMA = `/v2/schema/${PROJECT}/production`;
export const FACTS = `/v2/facts/${PROJECT}/production`;

const open = new Set<Emulator>();

/** For `afterEach`: ends what the tests of a file have started. */
export async function closeEmulators(): Promise<void> {
  await Promise.all([...open].map((emulator) => emulator.close()));
  open.clear();
}

export async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await openEmulator(options);
  open.add(emulator);
  return emulator;
}

type Config = NonNullable<ConstructorParameters<typeof Permit>[0]>;

/** The SDK as anyone would make it; its own log is off, since it prints what is refused. */
export const sdk = ({ url }: Emulator, token: string = DEMO_KEYS.production, config: Partial<Config> = {}) => new Permit({ token, apiUrl: url, pdp: url, log: { level: 'silent' }, ...config } as Config);

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

/** What the SDK can't send, or would hide. */
export async function ask({ url }: Emulator, method: string, path: string, options: { readonly key?: string | undefined; readonly body?: unknown } = {}): Promise<Answered> {
  const key = 'key' in options ? options.key : DEMO_KEYS.production;
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { ...key === undefined ? {} : { authorization: `Bearer ${key}` }, ...options.body === undefined ? {} : { 'content-type': 'application/json' } },
    ...options.body === undefined ? {} : { body: JSON.stringify(options.body) },
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: jsonIn(text) };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export interface Failure {
  readonly status: number | undefined;
  /** Of Permit's own errors. */
  readonly code: string | undefined;
  readonly message: string;
}

/** How a call of the SDK fails. @throws {Error} if it does not. */
export async function failure(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    const { message, response } = error as Error & { readonly response?: { readonly status: number; readonly data?: { readonly error_code?: string } | null } };
    return { status: response?.status, code: response?.data?.error_code, message };
  }
  throw new Error('the call succeeded');
}

/** The SDK's type wants three keys, its method none. */
export const ALL_RULES = {} as Parameters<Permit['api']['conditionSetRules']['list']>[0];

/** Creates `<prefix>0`, `<prefix>1`, … */
export async function addUsers(permit: Permit, count: number, prefix = 'user-'): Promise<void> {
  const { users } = permit.api;
  for (let from = 0; from < count; from += 100) await users.bulkUserCreate(Array.from({ length: Math.min(100, count - from) }, (_, i) => ({ key: `${prefix}${from + i}` })));
}

/** Types account, folder and document, where a folder's editor derives to its documents. */
export async function addDocuments(permit: Permit): Promise<void> {
  const { api } = permit;
  await api.resources.create({ key: 'account', name: 'Account', actions: {}, roles: { admin: { name: 'Admin' } } });
  await api.resources.create({
    key: 'folder', name: 'Folder', actions: { read: {}, write: {} }, relations: { account: 'account' },
    roles: { editor: { name: 'Editor', permissions: ['read', 'folder:write'] }, viewer: { name: 'Viewer', permissions: ['read'] } },
  });
  await api.resources.create({
    key: 'document', name: 'Document', actions: { read: {}, write: { name: 'Write' } }, attributes: { pages: { type: 'number' } }, relations: { parent: 'folder' },
    roles: { editor: { name: 'Editor', permissions: ['document:write'], granted_to: { users_with_role: [{ role: 'editor', on_resource: 'folder', linked_by_relation: 'parent' }] } } },
  });
}
