// How a scan deals with the network, its budget and its signal; and that the key stays where it belongs.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { closeEmulators, start } from '../../emulators/harness.ts';
import { DEMO_KEYS, type Emulator } from '../../emulators/permit/emulator.ts';
import type { Fault } from '../../emulators/permit/faults.ts';
import { LIMITS } from '../../../src/sources/permit/read/limits.ts';
import { ROOT } from '../../support/world.ts';
import { failed, LISTS, openProxy, scan } from './support.ts';

let emulator: Emulator;
beforeEach(async () => { emulator = await start({ example: true }); });
afterEach(closeEmulators);

const asksFor = (part: string) => emulator.requests.filter(({ url }) => url.includes(part));
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(1);
}

describe('the signal', () => {
  // Nothing here would end by itself within the test's time.
  const hour = 3_600_000;

  test.each([
    ['an answer that never comes', { kind: 'hang', path: LISTS.users }, () => asksFor('/users').length > 0],
    ['the scope, which never comes', { kind: 'hang', path: '/v2/api-key/scope' }, () => asksFor('/scope').length > 0],
    ['a pause before the next try', { kind: 'status', status: 429, retryAfter: '30', path: LISTS.users }, () => asksFor('/users').length > 0],
  ] as const)('ends %s, and nothing is asked for afterwards', async (_name, fault, isThere) => {
    emulator.faults.add(fault as Fault);
    const control = new AbortController();
    let asked = 0;
    const mayRequest = () => {
      asked += 1;
      return Promise.resolve(0);
    };
    const scanned = scan(emulator, { signal: control.signal, mayRequest }, { timeoutMs: hour, pause: LIMITS.pause });
    const rejected = expect(scanned).rejects.toThrow('the server closes');
    await until(isThere);
    control.abort(new Error('the server closes'));
    await rejected;
    // What was sent before may still arrive there.
    const before = asked;
    await wait(20);
    expect([asked, emulator.requests.length <= asked]).toEqual([before, true]);
  });

  test('ends the waiting for the budget', async () => {
    const control = new AbortController();
    let asked = 0;
    const scanned = scan(emulator, { signal: control.signal, mayRequest: () => (asked += 1) < 5 ? Promise.resolve(0) : new Promise(() => {}) });
    const rejected = expect(scanned).rejects.toThrow('the server closes');
    await until(() => asked >= 5);
    control.abort(new Error('the server closes'));
    await rejected;
  });

  test('that is aborted already sends nothing', async () => {
    await expect(scan(emulator, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
    expect(emulator.requests).toEqual([]);
  });

  test('ends an answer that stops in its body', async () => {
    const server = createServer((_req, res) => void res.writeHead(200, { 'content-type': 'application/json' }).write('{"organization_id":')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await failed(scan({ url }, {}, { timeoutMs: 100, tries: 2 }));
    expect([error.kind, error.message]).toEqual(['unreachable', expect.stringContaining('no complete answer within 0.1 s, tried 2 times')]);
    server.close();
    server.closeAllConnections();
  });
});

test('the first failure ends what is under way: a list that hangs doesn\'t hold up the refusal of another', async () => {
  emulator.faults.add({ kind: 'hang', path: LISTS.resources });
  emulator.faults.add({ kind: 'status', status: 401, path: LISTS.tuples });
  expect((await failed(scan(emulator, {}, { timeoutMs: 3_600_000 }))).kind).toBe('key');
});

describe('the budget', () => {
  test('every request waits for it, those that are sent again too', async () => {
    emulator.faults.add({ kind: 'status', status: 503, path: LISTS.roles, times: 2 });
    let allowed = 0;
    const { requests } = await scan(emulator, { mayRequest: () => Promise.resolve(allowed += 1).then(() => 0) });
    expect([requests, allowed]).toEqual([emulator.requests.length, emulator.requests.length]);
  });

  test('waiting for it is no working time', async () => {
    const { workedMs } = await scan(emulator);
    expect(workedMs).toBeGreaterThan(0);
    expect((await scan(emulator, { mayRequest: () => Promise.resolve(3_600_000) })).workedMs).toBe(0);
  });

  test('that fails ends the scan with its error', async () => {
    await expect(scan(emulator, { mayRequest: () => Promise.reject(new Error('closed')) })).rejects.toThrow('closed');
    expect(emulator.requests).toEqual([]);
  });
});

describe('pauses before a further try', () => {
  const pausesAfter = async (retryAfter: string | undefined, status = 429) => {
    emulator.faults.add({ kind: 'status', status, path: LISTS.users, ...retryAfter === undefined ? {} : { retryAfter } });
    const pauses: number[] = [];
    await failed(scan(emulator, {}, { random: () => 1, pause: (ms) => Promise.resolve(pauses.push(ms)) }));
    expect(asksFor('/users')).toHaveLength(4);
    return pauses;
  };

  test.each([
    ['no word of it: longer each time', undefined, [500, 1000, 2000]], ['7 seconds: no less', '7', [7050, 7100, 7200]], ['an hour: the most that is waited', '3600', [30_000, 30_000, 30_000]],
    ['a date that has passed', 'Wed, 21 Oct 2015 07:28:00 GMT', [500, 1000, 2000]], ['a date far ahead', 'Wed, 21 Oct 2065 07:28:00 GMT', [30_000, 30_000, 30_000]], ['nonsense', 'soon', [500, 1000, 2000]],
  ])('Retry-After has %s', async (_name, retryAfter, wanted) => {
    expect(await pausesAfter(retryAfter)).toEqual(wanted);
  });

  test('an outage may say when it ends, too', async () => {
    expect(await pausesAfter('9', 503)).toEqual([9050, 9100, 9200]);
  });
});

test('each reading has connections of its own, and none is left in the end', async () => {
  const proxy = await openProxy(emulator, () => undefined);
  await scan({ url: proxy.url });
  await proxy.idle();
  const each = (proxy.ports.length - 1) / 2;
  const [scope, first, second] = [proxy.ports.slice(0, 1), proxy.ports.slice(1, 1 + each), proxy.ports.slice(1 + each)].map((ports) => new Set(ports));
  expect([first!.size <= LIMITS.lanes, first!.intersection(second!).size, scope!.intersection(first!).size]).toEqual([true, 0, 0]);
  await proxy.close();
});

test.each([['no server at all', 'http://127.0.0.1:1', 'ECONNREFUSED'], ['no such host', 'http://nowhere.invalid', /ENOTFOUND|EAI_AGAIN/]])('%s is unreachable', async (_name, url, message) => {
  const error = await failed(scan({ url }));
  expect([error.kind, error.message]).toEqual(['unreachable', expect.stringMatching(message)]);
});

test.each(['nonsense', 'ftp://api.permit.io', 'https://name:word@api.permit.io', 'https://api.permit.io?x=1'])('%s is no address of an API', async (url) => {
  const error = await failed(scan({ url }));
  expect([error.kind, error.message]).toEqual(['key', expect.not.stringContaining('word@')]);
});

test('a path before that of the API, and a slash behind it, are kept and let go', async () => {
  const proxy = await openProxy(emulator, () => undefined);
  expect((await failed(scan({ url: `${proxy.url}/prefix/` }))).kind).toBe('invalid');
  expect(emulator.requests.at(-1)!.url).toBe('/prefix/v2/api-key/scope');
  expect((await scan({ url: `${proxy.url}/` })).data.users).toHaveLength(9);
  await proxy.close();
});

describe('the key', () => {
  const CANARY = 'permit_key_CANARY_7f3a9c';
  // In a process of its own: the SDK's log goes past every stream of this one.
  const output = async (key: string, limits: object = {}) => {
    const env = { ...process.env, PERMIT_LOG_LEVEL: 'debug', CANARY_KEY: key, CANARY_URL: emulator.url, CANARY_LIMITS: JSON.stringify(limits) };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['test/sources/permit/scan-and-tell.ts'], { cwd: ROOT, env });
    return `${stdout}${stderr}`;
  };

  const FAULTS: readonly (readonly [string, Fault | undefined, string])[] = [
    ['a good scan', undefined, '"users":9'], ['a refusal', { kind: 'status', status: 401, path: LISTS.users }, 'kind: \'key\''],
    ['an outage', { kind: 'status', status: 503, path: LISTS.users, body: 'null' }, 'kind: \'unreachable\''], ['a reset', { kind: 'reset', path: LISTS.tuples }, 'kind: \'unreachable\''],
    ['no answer', { kind: 'hang', path: '/v2/api-key/scope' }, 'kind: \'unreachable\''], ['half an answer', { kind: 'truncated', path: LISTS.roles }, 'kind: \'invalid\''], ['doubled rows', { kind: 'duplicate' }, 'kind: \'unstable\''],
  ];

  test.each(FAULTS)('is nowhere in what is printed, thrown or told of %s', async (_name, fault, shown) => {
    emulator.rotateKey(DEMO_KEYS.production, CANARY);
    if (fault !== undefined) emulator.faults.add(fault);
    const told = await output(CANARY, fault?.kind === 'hang' ? { timeoutMs: 300 } : {});
    expect(told).toContain(shown);
    expect(told).toContain('phase');
    expect(told).not.toMatch(/CANARY_7f3a9c|Bearer/i);
  });

  test('nor is one that no header can hold', async () => {
    const told = await output(`${CANARY}\nX-Other: 1`);
    expect(told).toContain('kind: \'key\'');
    expect(told).not.toContain('CANARY_7f3a9c');
  });
});
