import { spawn } from 'node:child_process';
import path from 'node:path';
import { endServers, newDataDir } from '../support/server.ts';
import { isSoak } from '../support/rounds.ts';
import { findBuiltOpa, ROOT } from '../support/world.ts';

afterAll(endServers);

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
}

/** Ends by SIGABRT when the heap doesn't suffice. */
async function ask(workload: string, { heapMb, memoMb, count }: { readonly heapMb: number; readonly memoMb: number; readonly count: number }): Promise<Ended> {
  const script = path.join(ROOT, 'test', 'server', 'memo-child.ts');
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, script, await newDataDir(), workload, String(count), String(memoMb)], {
    cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, SLUICE_OPA: await findBuiltOpa() },
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  return new Promise((resolve) => { child.once('close', (code, signal) => resolve({ code, signal, stdout })); });
}

// Both die without the bound. In `make test` a smaller memo and heap, so that fewer questions suffice.
const bounds = isSoak ? { heapMb: 256, memoMb: 64 } : { heapMb: 128, memoMb: 32 };
const workloads = [
  { workload: 'ordinary', count: isSoak ? 54_000 : 4500, each: 3000 },
  { workload: 'hostile', count: isSoak ? 594 : 100, each: 1_000_000 },
];

test.each(workloads)('F23, J29: a small heap survives distinct $workload questions, and answers all', async ({ workload, count, each }) => {
  const { code, signal, stdout } = await ask(workload, { ...bounds, count });
  expect([code, signal]).toEqual([0, null]);
  const { answered, bytes, memo } = JSON.parse(stdout) as { answered: number; bytes: number; memo: { entries: number; bytes: number; maxBytes: number } };
  expect(answered).toBe(count);
  expect(bytes).toBeGreaterThan(each);
  expect(memo.bytes).toBeLessThanOrEqual(memo.maxBytes);
  // It holds what it may; of what is too large it holds nothing.
  expect(memo.entries > 0 && memo.bytes > memo.maxBytes * 0.9).toBe(workload === 'ordinary');
}, 900_000);
