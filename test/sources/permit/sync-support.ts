import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Active, Outcome, PermitStatus } from '../../../src/sources/permit/keep/status.ts';
import { openPermitSync, type PermitSync, type PermitSyncOptions } from '../../../src/sources/permit/sync.ts';
import { AT_MS, inFolder } from './keep-support.ts';
import { simulate } from './loop-support.ts';
import type { Answer, Script } from './scan-of-file.ts';

export const KEY = 'permit_key_production_secret';
const SCAN = new URL('scan-of-file.ts', import.meta.url).href;
export const BUILD = new URL('build-of-users.ts', import.meta.url).href;

/** Syncs in a folder of their own, over a simulated clock and the real thread. */
export function inSync() {
  const files = inFolder();
  const opened: PermitSync[] = [];
  let sim = simulate();
  let wall = AT_MS;
  let id = 0;
  beforeEach(() => {
    sim = simulate();
    wall = AT_MS;
  });
  afterEach(async () => {
    const closing = Promise.all(opened.splice(0).map((sync) => sync.close()));
    await sim.pass(10_000);
    await closing;
  });
  const script = () => join(files.dir(), 'script.json');
  const write = (answers: Script['answers']) => writeFileSync(script(), JSON.stringify({ id: id += 1, answers } satisfies Script));

  return {
    ...files,
    sim: () => sim,
    pass: (ms: number) => sim.pass(ms),
    setWall: (byMs: number) => void (wall += byMs),
    /** What the production key gives from now on. */
    answer: (...answers: readonly Answer[]) => write({ [KEY]: answers }),
    answers: write,
    noScript: () => rmSync(script()),
    async open(options: Partial<PermitSyncOptions> & { readonly wanted?: string | undefined } = {}) {
      const seen: Active[] = [];
      const waiting: ((status: PermitStatus) => void)[] = [];
      const sync = await openPermitSync({
        folder: files.dir(), apiUrl: script(), program: 'sluice/test', scan: SCAN, memoryMb: 200,
        environments: new Map([['production', { key: KEY, wanted: options.wanted === undefined ? undefined : { digest: options.wanted } }]]),
        onVerified: (_, generation) => void seen.push(generation),
        onAttempt: (status) => waiting.shift()?.(status),
        now: () => wall + sim.now(), monotonic: sim.now, timers: sim.timers, random: () => 0.5,
        ...options,
      });
      opened.push(sync);
      const attempted = () => new Promise<PermitStatus>((resolve) => void waiting.push(resolve));
      return {
        sync,
        seen,
        attempted,
        active: () => sync.active('production'),
        status: () => sync.status()[0]!,
        /** Lets time pass until a poll begins, and waits for its end; gives its outcome. */
        async poll(): Promise<Outcome> {
          const ended = attempted();
          sync.start();
          while (!sync.status()[0]!.polling) await sim.pass(Math.ceil(sync.status()[0]!.nextPollInMs!));
          return (await ended).lastAttempt!.outcome;
        },
        async close() {
          opened.splice(opened.indexOf(sync), 1);
          await sync.close();
        },
      };
    },
  };
}
