import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

const PASSWORD = 'only for this test';

/** A PostgreSQL server of its own on loopback. */
export interface Postgres {
  readonly options: { readonly host: string; readonly port: number; readonly database: string; readonly user: string; readonly password: () => string; readonly tls: false };
  readonly passwordFile: string;
  query<Row extends pg.QueryResultRow>(text: string): Promise<readonly Row[]>;
  /** As a power cut would: every process of it, at once. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its files. */
  end(): Promise<void>;
}

// Debian keeps them out of PATH.
function findBinaries(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => path.join(debian, version, 'bin')) : [];
  return [...versions, ...(process.env['PATH'] ?? '').split(path.delimiter)].find((folder) => existsSync(path.join(folder, 'initdb')) && existsSync(path.join(folder, 'postgres')));
}

const binaries = findBinaries();

/** For tests that need a server: where none is installed they are skipped, and say so. */
export const describePostgres: jest.Describe = binaries === undefined
  ? ((name: string, run: () => void) => describe.skip(`${name} (skipped: PostgreSQL is not installed)`, run)) as jest.Describe
  : describe;

export async function startPostgres(): Promise<Postgres> {
  if (binaries === undefined) throw new Error('PostgreSQL is not installed');
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-postgres-'));
  const data = path.join(folder, 'data');
  const passwordFile = path.join(folder, 'password');
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  // The server refuses to run as root.
  const owner = process.getuid?.() === 0 ? { uid: Number(execFileSync('id', ['-u', 'postgres'])), gid: Number(execFileSync('id', ['-g', 'postgres'])) } : {};
  if (owner.uid !== undefined) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, folder]);
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
  execFileSync(path.join(binaries, 'initdb'), ['-D', data, '-U', 'sluice', '-A', 'scram-sha-256', '--pwfile', passwordFile, '-E', 'UTF8', '--no-sync'], { ...owner, env, cwd: '/', stdio: 'ignore' });
  if (owner.uid !== undefined) execFileSync('chown', ['0:0', passwordFile]);
  chmodSync(passwordFile, 0o600);
  const port = await freePort();
  let server: ChildProcess;

  const options = { host: '127.0.0.1', port, database: 'postgres', user: 'sluice', password: () => PASSWORD, tls: false } as const;

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...options, password: PASSWORD, ssl: false });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async function start(): Promise<void> {
    // After a kill its memory may be held for a moment by what has not ended yet: then it ends by itself, and is started again.
    for (const endMs = performance.now() + 60_000; performance.now() < endMs; await wait(50)) {
      server = spawn(path.join(binaries!, 'postgres'), ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-c', 'unix_socket_directories=', '-c', 'fsync=on'], { ...owner, env, cwd: '/', stdio: 'ignore', detached: true });
      while (server.exitCode === null && server.signalCode === null) {
        const client = await connect().catch(() => undefined);
        if (client !== undefined) return client.end();
        await wait(50);
      }
    }
    throw new Error('PostgreSQL did not start');
  }

  async function kill(): Promise<void> {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    process.kill(-server.pid!, 'SIGKILL'); // its whole group
    await ended;
  }

  await start();
  return {
    options, passwordFile, start, kill,
    async query<Row extends pg.QueryResultRow>(text: string) {
      const client = await connect();
      try {
        return (await client.query<Row>(text)).rows;
      } finally {
        await client.end();
      }
    },
    async end() {
      if (server.exitCode === null && server.signalCode === null) await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
