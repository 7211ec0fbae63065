// How long a full verified scan of a large Permit environment takes, and in how much memory. The emulator and the scan
// are processes of their own, which talk over HTTP alone: neither's memory or work is counted as the other's.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { scanPermit } from '../src/sources/permit/read/scan.ts';
import { DEMO_KEYS, openEmulator, PROJECT } from '../test/emulators/permit/emulator.ts';
import { seeded } from './random.ts';

export interface ScanSize {
  readonly users: number;
  /** What the tuples are between. */
  readonly instances: number;
  readonly tuples: number;
}

export interface ScanMeasure extends ScanSize {
  readonly seconds: number;
  readonly requests: number;
  /** Of the scanning process, with the environment that it read. */
  readonly peakRssBytes: number;
  /** Of the same, before it begins. */
  readonly startRssBytes: number;
}

export const FULL: ScanSize = { users: 100_000, instances: 300_000, tuples: 1_000_000 };

/** Reads an environment of that size from the emulator, 100 rows a page, twice, without a budget. */
export async function measureScan(size: ScanSize = FULL): Promise<ScanMeasure> {
  const emulator = start('emulator', size, ['--max-old-space-size=4096']);
  try {
    const { url } = await answerOf<{ readonly url: string }>(emulator);
    const scan = start('scan', { url });
    try {
      return { ...size, ...await answerOf<Omit<ScanMeasure, keyof ScanSize>>(scan) };
    } finally {
      scan.kill('SIGKILL');
    }
  } finally {
    emulator.kill('SIGKILL');
  }
}

function start(part: keyof typeof PARTS, given: object, execArgv: readonly string[] = []): ChildProcess {
  return fork(import.meta.filename, [part, JSON.stringify(given)], { execArgv: [...execArgv] });
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => { throw new Error(`a part of the measurement ended with ${String(code)}`); });
  const [answer] = await Promise.race([once(child, 'message') as Promise<unknown[]>, ended]);
  return answer as T;
}

async function serve({ users, instances, tuples }: ScanSize): Promise<{ readonly url: string }> {
  const emulator = await openEmulator();
  const facts = `/v2/facts/${PROJECT}/production`;
  const random = seeded(11);
  emulator.act({ method: 'POST', url: `/v2/schema/${PROJECT}/production/resources`, body: { key: 'account', name: 'Account', actions: {}, relations: { parent: 'account' } } });
  const bulk = (url: string, count: number, toItem: (i: number) => object) => {
    for (let from = 0; from < count; from += 1000) emulator.act({ method: 'POST', url, body: { operations: Array.from({ length: Math.min(1000, count - from) }, (_, i) => toItem(from + i)) } });
  };
  bulk(`${facts}/bulk/users`, users, (i) => ({ key: `user|u${i}`, attributes: { team: `team-${i % 200}`, clearance: i % 5 } }));
  const account = (i: number) => `account:a${i % instances}`;
  // Every object has its tuples in a row, each to another subject, so that no two are alike.
  const each = Math.ceil(tuples / instances);
  bulk(`${facts}/relationship_tuples/bulk`, tuples, (i) => {
    const object = Math.floor(i / each);
    return { subject: account(object + 1 + (i % each) * 1000 + Math.floor(random() * 1000)), relation: 'parent', object: account(object), tenant: 'default' };
  });
  return { url: emulator.url };
}

async function scan({ url }: { readonly url: string }): Promise<Omit<ScanMeasure, keyof ScanSize>> {
  const startRssBytes = process.memoryUsage.rss();
  const startedAt = performance.now();
  const { data, requests } = await scanPermit({ apiUrl: url, key: DEMO_KEYS.production, signal: new AbortController().signal, mayRequest: () => Promise.resolve(0) });
  const seconds = (performance.now() - startedAt) / 1000;
  if (data.users.length === 0 || data.tuples.length === 0) throw new Error('nothing was read');
  return { seconds, requests, startRssBytes, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
}

const PARTS = {
  emulator: (given: string) => serve(JSON.parse(given) as ScanSize),
  scan: (given: string) => scan(JSON.parse(given) as { readonly url: string }),
};

// As a part of a measurement, or by hand: `node bench/permit-scan.ts`.
if (process.argv[1] === import.meta.filename) {
  const [, , part, given = '{}'] = process.argv;
  if (part === undefined) console.log(await measureScan());
  else process.send!(await PARTS[part as keyof typeof PARTS](given));
}
