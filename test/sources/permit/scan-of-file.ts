// A scan for tests of what comes after it: what each key opens stands in a file, whose path is given as the API's address.
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { PermitError, type PermitData, type ScanPermit } from '../../../src/sources/permit/data.ts';

export interface Script {
  /** Counting begins anew with each. */
  readonly id: number;
  /** One after the other, the last for ever. */
  readonly answers: Readonly<Record<string, readonly Answer[]>>;
}

export interface Answer {
  readonly data?: PermitData;
  readonly fails?: { readonly kind: PermitError['kind'] | 'bug'; readonly message: string };
  readonly requests?: number;
  /** `deaf` heeds no signal. */
  readonly hangs?: 'until called off' | 'deaf';
  readonly dies?: 'exit' | 'throw' | 'memory';
}

const counted = new Map<string, number>();

export const scanPermit: ScanPermit = async ({ apiUrl, key, signal, mayRequest, onProgress }) => {
  const { id, answers } = JSON.parse(readFileSync(apiUrl, 'utf8')) as Script;
  const own = answers[key];
  if (own === undefined) throw new PermitError('key', 'the key is refused (401): see to the keys file');
  const name = `${apiUrl} ${key} ${id}`;
  const n = counted.get(name) ?? 0;
  counted.set(name, n + 1);
  const answer = own[Math.min(n, own.length - 1)]!;
  const requests = answer.requests ?? 2;
  for (let i = 0; i < requests; i += 1) await mayRequest();
  onProgress?.({ phase: 'users', rows: 1, requests });
  if (answer.dies !== undefined) await die(answer.dies);
  if (answer.hangs !== undefined) await hang(answer.hangs, signal);
  if (answer.fails?.kind === 'bug') throw new TypeError(answer.fails.message);
  if (answer.fails !== undefined) throw new PermitError(answer.fails.kind, answer.fails.message);
  return { data: answer.data!, requests, workedMs: 1 };
};

function hang(how: 'until called off' | 'deaf', signal: AbortSignal): Promise<never> {
  const keepsOn = setInterval(() => {}, 1000);
  return new Promise((_, reject) => {
    if (how === 'deaf') return;
    signal.addEventListener('abort', () => {
      clearInterval(keepsOn);
      reject(signal.reason as Error);
    });
  });
}

async function die(how: 'exit' | 'throw' | 'memory'): Promise<void> {
  if (how === 'exit') process.exit(3);
  if (how === 'throw') queueMicrotask(() => {
    throw new TypeError('user|sam');
  });
  const filled: string[][] = [];
  for (let i = 0; ; i += 1) {
    filled.push(Array.from({ length: 1000 }, (_, j) => `${i}.${j}`));
    if (i % 100 === 0) await setImmediate();
    if (how === 'throw' && i > 1000) return;
  }
}
