import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** The core of the servers, and that of whoever asks them. */
export const SERVER_CORE = '1';
export const LOAD_CORE = '0';

export interface Server {
  readonly url: string;
  readonly pid: number;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly url: string;
  /** Answers 200 once the server is ready. */
  readonly ready: string;
}

/** Starts a server alone on its core, and waits until it is ready. What it prints goes nowhere, unless it fails. */
export async function start({ command, env = {}, url, ready }: ServerOptions): Promise<Server> {
  const child = spawn('taskset', ['-c', SERVER_CORE, ...command], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said = (said + String(chunk)).slice(-4000); });
  const ended = once(child, 'exit');
  const until = performance.now() + 120_000;
  while (!await answers(ready)) {
    if (child.exitCode !== null || performance.now() > until) throw new Error(`${command.join(' ')} did not become ready:\n${said}`);
    await pause(10);
  }
  return { url, pid: child.pid!, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const killed = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(killed);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** A port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Memory of a process that is in RAM now, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

export async function post(url: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}
