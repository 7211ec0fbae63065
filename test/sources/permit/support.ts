import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PermitError, type PermitData, type Scanned, type ScanOptions } from '../../../src/sources/permit/data.ts';
import type { Limits } from '../../../src/sources/permit/read/limits.ts';
import { createScan } from '../../../src/sources/permit/read/scan.ts';
import { FACTS, SCHEMA } from '../../emulators/harness.ts';
import { DEMO_KEYS, type Emulator } from '../../emulators/permit/emulator.ts';

/** As patient as ever, without the waiting. */
export const QUICK: Partial<Limits> = { pause: () => Promise.resolve(), timeoutMs: 20_000 };

export function scan({ url }: { readonly url: string }, options: Partial<ScanOptions> = {}, limits: Partial<Limits> = {}): Promise<Scanned> {
  return createScan({ ...QUICK, ...limits })({ apiUrl: url, key: DEMO_KEYS.production, signal: new AbortController().signal, mayRequest: () => Promise.resolve(0), ...options });
}

/** The error of a scan that must fail. */
export async function failed(scanned: Promise<Scanned>): Promise<PermitError> {
  const error: unknown = await scanned.then(() => 'a whole reading', (reason: unknown) => reason);
  if (error instanceof PermitError) return error;
  throw new Error(`the scan ended with ${String(error)}`, { cause: error });
}

/** More than two pages of every list. */
export const MANY = 205;

/** An environment with so many rows in every list, the tenant `default` among them. */
export function fillMany({ act }: Emulator): void {
  const post = (url: string, body: object) => void act({ method: 'POST', url, body });
  const each = (toDo: (i: number) => void) => Array.from({ length: MANY }, (_, i) => toDo(i));
  each((i) => post(`${SCHEMA}/resources`, { key: `type${i}`, name: 'T', actions: { read: {} }, ...i === 0 ? { relations: { parent: 'type0' } } : {} }));
  each((i) => post(`${SCHEMA}/roles`, { key: `role${i}`, name: 'R', permissions: ['type0:read'], ...i === 1 ? { extends: ['role0'] } : {} }));
  each((i) => post(`${SCHEMA}/condition_sets`, { key: `set${i}`, name: 'S', ...i === 0 ? { type: 'userset' } : { type: 'resourceset', resource_id: `type${i}` }, conditions: { allOf: [] } }));
  each((i) => i > 0 && post(`${FACTS}/set_rules`, { user_set: 'set0', permission: 'type0:read', resource_set: `set${i}` }));
  each((i) => i > 0 && post(`${FACTS}/tenants`, { key: `tenant${i}`, name: 'T' }));
  each((i) => post(`${FACTS}/users`, { key: `user|${i}`, attributes: { number: i }, role_assignments: [{ role: 'role0', tenant: 'default' }] }));
  each((i) => post(`${FACTS}/relationship_tuples`, { subject: `type0:i${i}`, relation: 'parent', object: `type0:i${i + 1}`, tenant: 'default' }));
}

export const LISTS: Readonly<Record<Exclude<keyof PermitData, 'scope'>, string>> = {
  resources: '/v2/schema/*/*/resources', roles: '/v2/schema/*/*/roles', conditionSets: '/v2/schema/*/*/condition_sets', rules: '/v2/facts/*/*/set_rules',
  tenants: '/v2/facts/*/*/tenants', users: '/v2/facts/*/*/users', assignments: '/v2/facts/*/*/role_assignments', instances: '/v2/facts/*/*/resource_instances', tuples: '/v2/facts/*/*/relationship_tuples',
};
export type ListName = keyof typeof LISTS;
export const LIST_NAMES = Object.keys(LISTS) as readonly ListName[];

export interface Passing {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly status: number;
  readonly body: unknown;
}

export interface Proxy {
  readonly url: string;
  /** The client's port, by request: which of them came over one connection. */
  readonly ports: readonly number[];
  /** Resolves when no connection is left. */
  readonly idle: () => Promise<void>;
  close(): Promise<void>;
}

/** Stands before the emulator and changes what its knobs can't. @param alter gives what is answered instead. */
export async function openProxy(emulator: Emulator, alter: (passing: Passing) => { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown; readonly text?: string } | undefined): Promise<Proxy> {
  const ports: number[] = [];
  const sockets = new Set<unknown>();
  let left = () => {};
  const server = createServer((req, res) => void pass(req).then(({ status, headers, text }) => res.writeHead(status, headers).end(text), (error: unknown) => res.destroy(error as Error)));
  const pass = async ({ url = '/', headers, socket }: IncomingMessage) => {
    ports.push(socket.remotePort!);
    const answer = await fetch(`${emulator.url}${url}`, { headers: { authorization: headers.authorization ?? '' } });
    const { pathname, searchParams } = new URL(url, emulator.url);
    const body = await answer.json() as unknown;
    const altered = alter({ path: pathname, query: searchParams, status: answer.status, body });
    return { status: altered?.status ?? answer.status, headers: altered?.headers ?? {}, text: altered?.text ?? JSON.stringify(altered !== undefined && 'body' in altered ? altered.body : body) };
  };
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) left();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ports,
    idle: () => new Promise((resolve) => {
      left = resolve;
      if (sockets.size === 0) resolve();
    }),
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

/** The rows of an answer, whichever its form. */
export const rowsOf = (body: unknown) => (Array.isArray(body) ? body : (body as { readonly data: unknown }).data) as Record<string, unknown>[];
