// Scans once and prints everything that whoever calls it could print: progress, the error with all that hangs on it.
import { inspect } from 'node:util';
import { createScan } from '../../../src/sources/permit/read/scan.ts';
import type { Limits } from '../../../src/sources/permit/read/limits.ts';

const { CANARY_KEY: key = '', CANARY_URL: apiUrl = '', CANARY_LIMITS: limits = '{}' } = process.env;
const scan = createScan({ pause: () => Promise.resolve(), ...JSON.parse(limits) as Partial<Limits> });

console.log({ phase: 'start' });
try {
  const { data, requests } = await scan({ apiUrl, key, signal: new AbortController().signal, mayRequest: () => Promise.resolve(0), onProgress: (progress) => console.log(progress) });
  console.log(JSON.stringify({ users: data.users.length, requests }), inspect(data, { depth: 10 }));
} catch (error) {
  console.log(inspect(error, { depth: 12, showHidden: true }), JSON.stringify(error), String((error as Error).stack));
}
