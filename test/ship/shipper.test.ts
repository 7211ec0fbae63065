import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { leafHash } from '../../src/core/tlog/merkle.ts';
import type { OpenedLog } from '../../src/log/log.ts';
import { fieldsOf } from '../../src/ship/members.ts';
import { SinkError } from '../../src/ship/sinks/sink.ts';
import { AT_MS, decision, inFolder, readSegment, recordsOf, segmentsOf, write } from '../log/support.ts';
import { createReceiver, startShipper, verdict, type Running, type Surroundings } from './support.ts';

const folder = inFolder();
const dir = () => path.join(folder.dir(), 'log');
let running: Running | undefined;

const open = (options = {}) => folder.open({ dir: dir(), maxSegmentBytes: 2000, ...options });
const start = (log: OpenedLog, options: Omit<Surroundings, 'dir' | 'origin' | 'durable'> & { readonly durable?: number }): Running => {
  running = startShipper({ dir: dir(), origin: log.origin, durable: log.size(), ...options });
  return running;
};
const all = (size: number) => (news: { readonly next: number }) => news.next === size;
const own = (n: number) => ({ kind: 'decision', members: `"n":${n},"caller":"sluice","event":"sluice.decision_record"` }) as const;

afterEach(async () => {
  await running?.end();
  running = undefined;
});

async function logOf(count: number): Promise<OpenedLog> {
  const log = await open();
  await write(log, ...Array.from({ length: count }, (_, n) => decision(n)));
  return log;
}

test('every record comes once, in order, over segments, with the leaf of its stored line', async () => {
  const log = await logOf(95);
  const receiver = createReceiver();
  await start(log, { sink: receiver.sink }).heard(all(95));
  expect(segmentsOf(dir()).length).toBeGreaterThan(2);
  const lines = segmentsOf(dir()).flatMap((name) => readSegment(dir(), name).split('\n').slice(0, -1));
  expect(receiver.all().map(({ index, leaf }) => [index, leaf])).toEqual(lines.map((line, index) => [index, leafHash(Buffer.from(line)).toString('hex')]));
  expect(Math.max(...receiver.batches.map((batch) => batch.length))).toBe(10);
});

test('what is not durable does not leave', async () => {
  const log = await logOf(20);
  const receiver = createReceiver();
  const shipper = start(log, { sink: receiver.sink, durable: 13 });
  await shipper.heard(all(13));
  expect(receiver.all()).toHaveLength(13);
  shipper.set({ durable: 20 });
  await shipper.heard(all(20));
  expect(receiver.all()).toHaveLength(20);
});

test('a start goes on where the last run ended, and with a damaged cursor from the first record', async () => {
  const log = await logOf(20);
  const first = createReceiver();
  await start(log, { sink: first.sink, durable: 12 }).heard(all(12));
  await running!.end();
  const second = createReceiver();
  await start(log, { sink: second.sink }).heard(all(20));
  expect(second.all().map(({ index }) => index)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
  await running!.end();
  writeFileSync(path.join(folder.dir(), 'ship-log', 'test.json'), '{"origin":');
  const third = createReceiver();
  await start(log, { sink: third.sink }).heard(all(20));
  expect(third.all()).toHaveLength(20);
});

test('a cursor of another log counts for nothing', async () => {
  const log = await logOf(5);
  writeFileSync(path.join(folder.dir(), 'x'), '');
  const before = createReceiver();
  await start(log, { sink: before.sink }).heard(all(5));
  await running!.end();
  const after = createReceiver();
  running = startShipper({ dir: dir(), origin: 'sluice/ffffffffffffffff', durable: 5, sink: after.sink });
  await running.heard(all(5));
  expect(after.all()).toHaveLength(5);
});

test('a sink that has more than the log gets nothing: the log was set back', async () => {
  const log = await logOf(20);
  const before = createReceiver();
  await start(log, { sink: before.sink }).heard(all(20));
  await running!.end();
  const after = createReceiver();
  const shipper = start(log, { sink: after.sink, durable: 12 });
  expect((await shipper.heard(({ problem }) => problem !== undefined)).problem).toContain('the sink has 20 records of this log, and the log has 12: it was set back');
  await write(log, ...Array.from({ length: 10 }, (_, n) => decision(n)));
  shipper.set({ durable: 30 });
  await new Promise((resolve) => { setImmediate(resolve); });
  expect(after.all()).toEqual([]);
});

test('a sink that refuses for an hour: one batch is held, tried ever more rarely, told, and then all of it arrives once', async () => {
  const log = await logOf(500);
  const receiver = createReceiver();
  let [ms, attempts] = [0, 0];
  receiver.refuse(() => {
    attempts += 1;
    return ms < 3_600_000 ? new SinkError('the service answered 503') : undefined;
  });
  const shipper = start(log, { sink: receiver.sink, hurried: true });
  const counting = shipper.pauses as number[];
  const push = counting.push.bind(counting);
  counting.push = (pause: number) => {
    ms += pause;
    return push(pause);
  };
  await shipper.heard(all(500));
  expect(counting.slice(0, 8)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  expect(attempts).toBeLessThan(150);
  const failed = shipper.news.filter(({ problem }) => problem !== undefined);
  expect(failed[0]).toMatchObject({ next: 0, failures: 1, problem: 'the service answered 503', oldestMs: AT_MS, shipped: 0 });
  expect(failed.at(-1)).toMatchObject({ next: 0, oldestMs: AT_MS });
  expect(receiver.all().map(({ index }) => index)).toEqual(Array.from({ length: 500 }, (_, index) => index));
  expect(shipper.news.at(-1)).toMatchObject({ failures: 0, shipped: 500, oldestMs: null });
  expect(shipper.news.at(-1)).not.toHaveProperty('problem');
});

test('it is asked once for each kind, again with a new revision, and again when the answer has ended', async () => {
  const log = await open();
  await write(log, decision(0), decision(1), { kind: 'start', members: '"program":"p"' }, decision(2));
  const receiver = createReceiver({ records: 1, bytes: 1 });
  let nowMs = 1000;
  let revision = 1;
  const shipper = start(log, { sink: receiver.sink, now: () => nowMs, ask: (kind) => verdict(kind, { revision, expiresAtMs: 5000 }) });
  await shipper.heard(all(4));
  expect(shipper.asked).toEqual(['decision', 'input', 'start']);
  await write(log, decision(3));
  revision = 2;
  shipper.set({ durable: 5, revision: 2 });
  await shipper.heard(all(5));
  expect(shipper.asked).toEqual(['decision', 'input', 'start', 'decision', 'input']);
  nowMs = 5000;
  await write(log, decision(4));
  shipper.set({ durable: 6 });
  await shipper.heard(all(6));
  expect(shipper.asked.slice(5)).toEqual(['decision', 'input']);
});

test('it is asked again when the clock is set back, however little: what had started by it may not have', async () => {
  const log = await open();
  await write(log, decision(0));
  const receiver = createReceiver();
  let nowMs = 100_000;
  const shipper = start(log, { sink: receiver.sink, now: () => nowMs });
  const next = async (size: number) => {
    await write(log, decision(size));
    shipper.set({ durable: size });
    await shipper.heard(all(size));
    return shipper.asked.length;
  };
  await shipper.heard(all(1));
  nowMs = 200_000;
  expect(await next(2)).toBe(2);
  nowMs = 199_000; // later than when it was asked
  expect(await next(3)).toBe(4);
  nowMs = 50_000;
  expect(await next(4)).toBe(6);
  expect(await next(5)).toBe(6);
});

test('what changes between a look and the wait for a change is not missed', async () => {
  const log = await logOf(12);
  const receiver = createReceiver();
  const shipper = start(log, { sink: receiver.sink, durable: 0 });
  await shipper.heard(() => { // called while the shipper tells that it has found nothing, and waits next
    shipper.set({ durable: 12 });
    return true;
  });
  await shipper.heard(all(12));
  expect(receiver.all()).toHaveLength(12);
});

test('the records of asking are no reason to ask, even when every answer has ended at once', async () => {
  const log = await open();
  await write(log, decision(0));
  const receiver = createReceiver();
  // As the server does: each question is itself recorded, and first its input.
  let size = 1;
  const shipper: Running = start(log, {
    sink: receiver.sink,
    ask: async (kind) => {
      await write(log, { kind: 'input', members: `"digest":"${kind}"` }, own(size));
      size += 2;
      setImmediate(() => shipper.set({ durable: size }));
      return verdict(kind, { expiresAtMs: 0 });
    },
  });
  await shipper.heard(({ next, oldestMs }) => next === 1 && oldestMs === null && size === 5);
  shipper.set({});
  await new Promise((resolve) => { setImmediate(resolve); });
  expect(shipper.asked).toEqual(['decision', 'input']);
  expect(receiver.all()).toHaveLength(1);
  await write(log, decision(1));
  size += 1;
  shipper.set({ durable: size });
  await shipper.heard(({ next }) => next === 6);
  expect(receiver.all().map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(shipper.asked).toEqual(['decision', 'input', 'input', 'decision']);
});

test('more records of asking than a batch takes do not keep those behind them: then it is asked', async () => {
  const log = await open();
  await write(log, decision(0), ...Array.from({ length: 25 }, (_, n) => own(n)), decision(1));
  const receiver = createReceiver();
  let revision = 1;
  const shipper = start(log, { sink: receiver.sink, durable: 1, ask: (kind) => verdict(kind, { revision }) });
  await shipper.heard(all(1));
  revision = 2;
  shipper.set({ durable: 27, revision });
  await shipper.heard(all(27));
  expect(receiver.all()).toHaveLength(27);
  expect(shipper.asked).toEqual(['decision', 'input', 'decision', 'input']);
});

test('a record that may not leave at all keeps those behind it, until a revision lets it', async () => {
  const log = await open();
  await write(log, decision(0), { kind: 'start', members: '' }, decision(1));
  const receiver = createReceiver();
  let isHeld = true;
  const shipper = start(log, { sink: receiver.sink, ask: (kind) => verdict(kind, kind === 'start' && isHeld ? { held: 'leaf may not leave: no_permit (default-deny)' } : { revision: isHeld ? 1 : 2 }) });
  const news = await shipper.heard(({ held }) => held !== undefined);
  expect(news).toMatchObject({ next: 1, oldestMs: AT_MS, held: 'records of kind start: leaf may not leave: no_permit (default-deny)', failures: 0 });
  expect(receiver.all()).toHaveLength(1);
  isHeld = false;
  shipper.set({ revision: 2 });
  await shipper.heard(all(3));
  expect(receiver.all()).toHaveLength(3);
  expect(shipper.news.at(-1)).not.toHaveProperty('held');
});

test('what stays is told by kind; without a question nothing leaves', async () => {
  const log = await open();
  await write(log, { kind: 'decision', members: '"about":"account:A1","secret":1' });
  const receiver = createReceiver();
  let isDown = true;
  const shipper = start(log, {
    sink: receiver.sink, hurried: true,
    ask: (kind) => {
      if (isDown && receiver.batches.length === 0) {
        isDown = false;
        throw new Error('it can\'t be asked now: the log is not writable');
      }
      return verdict(kind, { leaves: verdict(kind).leaves.map(([field, leave]) => [field, field === 'about' ? 'hashed' : leave]) });
    },
  });
  await shipper.heard(all(1));
  expect(shipper.news.find(({ problem }) => problem !== undefined)).toMatchObject({ problem: expect.stringContaining('it can\'t be asked now') as string, oldestMs: AT_MS });
  expect(shipper.news.at(-1)!.withheld).toEqual({ decision: ['secret'] });
  expect(receiver.all()[0]).toMatchObject({ record: { about: '?10' }, withheld: ['secret'], masked: ['about'] });
});

test('records pruned before they were shipped are told, and the record that says so is shipped', async () => {
  let nowMs = AT_MS;
  const log = await open({ keysDir: path.join(folder.dir(), 'keys'), now: () => nowMs });
  const many = () => Promise.all(Array.from({ length: 600 }, (_, n) => log.append(decision(n)).durable));
  await many();
  nowMs += 1000;
  await many();
  const { to } = await log.evidence!.prune({ beforeMs: AT_MS + 500 });
  expect(to).toBeGreaterThan(0);
  const receiver = createReceiver({ records: 1000, bytes: 1 << 20 });
  const shipper = start(log, { sink: receiver.sink });
  await shipper.heard(all(log.size()));
  expect(shipper.pruned).toEqual([[0, to]]);
  expect(receiver.all()[0]).toMatchObject({ index: to });
  expect(receiver.all().at(-1)).toMatchObject({ kind: 'pruned', record: { from: 0, to } });
  // A member that nobody has listed would stay, and is asked about by nobody.
  const members = Object.keys(recordsOf(dir()).at(-1)!);
  expect(members).toContain('acts');
  expect(fieldsOf('pruned', members)).toEqual(members);
});

test('a line that is not the record of its index stops shipping, naming file and line', async () => {
  const log = await logOf(10);
  const [name] = segmentsOf(dir());
  const file = path.join(dir(), 'segments', name!);
  const lines = readSegment(dir(), name!).split('\n');
  [lines[3], lines[4]] = [lines[4]!, lines[3]!];
  writeFileSync(file, lines.join('\n'));
  const receiver = createReceiver();
  const news = await start(log, { sink: receiver.sink }).heard(({ problem }) => problem !== undefined);
  expect(news.problem).toBe(`${file}:4: must be the record of index 3, and is not`);
  expect(receiver.all()).toEqual([]);
});
