import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createAnswer } from './answer.ts';
import { control } from './control.ts';
import { createFaults, type Faults, type Inner } from './faults.ts';
import { createHttpServer, type Seen } from './server.ts';
import { fillExample } from './seed/fill.ts';
import { addEnvironment, addProject, createWorld, type WorldOptions } from './world.ts';

/** One project with two environments, which every emulator has. */
export const PROJECT = 'sluice';
export const ENVIRONMENTS = ['production', 'staging'] as const;

/** For the loopback only: they open nothing else in the world. */
export const DEMO_KEYS = {
  production: 'permit_key_demo_production',
  staging: 'permit_key_demo_staging',
  project: 'permit_key_demo_project',
  organization: 'permit_key_demo_organization',
} as const;

export interface EmulatorOptions extends WorldOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Whether both environments hold the example world; otherwise they are fresh. */
  readonly example?: boolean;
}

export interface Emulator {
  /** `http://127.0.0.1:<port>`, for `apiUrl`. */
  readonly url: string;
  readonly faults: Faults;
  /** The last thousand that asked Permit's part, oldest first. */
  readonly requests: readonly Seen[];
  /** The last thousand that a PDP uploaded. */
  readonly decisionLogs: readonly unknown[];
  /** What an administrator does meanwhile: without a socket, past all faults. @throws {Error} unless it succeeds. */
  act(request: Inner): unknown;
  /** From now on `from` is refused, and `to` opens what it opened. */
  rotateKey(from: string, to: string): void;
  /** Puts the clock off by so many milliseconds. */
  skew(ms: number): void;
  /** Ends every connection, hanging ones too. */
  close(): Promise<void>;
}

const KEPT_REQUESTS = 1000;

/** Permit's REST API on a port of the loopback, in this process. */
export async function openEmulator({ port = 0, example = false, ...options }: EmulatorOptions = {}): Promise<Emulator> {
  const world = createWorld(options);
  const [logs, requests]: [unknown[], Seen[]] = [[], []];
  const answer = createAnswer(world, logs);
  const faults = createFaults(options.seed ?? 1);
  const root = world.keys.add({ secret: randomUUID(), name: 'the emulator itself', createdAtMs: world.now() });

  const project = addProject(world, { key: PROJECT, name: 'Sluice' });
  world.keys.add({ secret: DEMO_KEYS.organization, name: 'organization', createdAtMs: world.now() });
  world.keys.add({ secret: DEMO_KEYS.project, name: 'project', project, createdAtMs: world.now() });
  for (const key of ENVIRONMENTS) world.keys.add({ secret: DEMO_KEYS[key], name: key, environment: addEnvironment(world, project, { key, name: key }), createdAtMs: world.now() });

  const act = ({ skewMs = 0, ...asked }: Inner): unknown => {
    world.skewMs += skewMs;
    const { status, body } = answer({ ...asked, secret: root.secret });
    world.skewMs -= skewMs;
    if (status >= 300) throw new Error(`${asked.method} ${asked.url}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  if (example) for (const environment of ENVIRONMENTS) fillExample((method, path, body) => act({ method, url: path.replace('{scope}', `${PROJECT}/${environment}`), body }));

  const server = createHttpServer({
    answer, faults, act: (request) => void act(request),
    control: (method, url, body) => control(emulator, method, url, body),
    saw(seen) {
      requests.push(seen);
      if (requests.length > KEPT_REQUESTS) requests.shift();
    },
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const emulator: Emulator = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults, requests, decisionLogs: logs, act,
    rotateKey: (from, to) => void world.keys.rotate(from, to),
    skew(ms) { world.skewMs = ms; },
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
  return emulator;
}
