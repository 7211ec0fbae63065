import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { openOpa } from '../../src/ship/sinks/opa.ts';
import { openPostgres } from '../../src/ship/sinks/postgres.ts';
import { openStdout } from '../../src/ship/sinks/stdout.ts';
import { SinkError, type Shipped, type Sink } from '../../src/ship/sinks/sink.ts';
import { openLogService } from '../support/log-service.ts';
import { describePostgres, startPostgres } from '../support/postgres.ts';
import { batch, never, shipped } from './records.ts';

/** A sink and its receiver. */
interface Subject {
  readonly sink: Sink;
  /** What a receiver that keeps each record once has, in the order of their indexes. */
  read(): Promise<readonly Pick<Shipped, 'origin' | 'index' | 'time' | 'kind' | 'leaf'>[]>;
  /** The value of `name` in the record of an index. */
  member(index: number, name: string): Promise<unknown>;
  /** From now on the receiver takes nothing; `recover` ends it. Absent where that can't happen. */
  readonly fail?: { begin(): Promise<void>; recover(): Promise<void> };
  close(): Promise<void>;
}

const keysOf = ({ origin, index, time, kind, leaf }: Shipped) => ({ origin, index, time, kind, leaf });
const once = <T extends { readonly index: number }>(records: readonly T[]) => [...new Map(records.map((record) => [record.index, record])).values()].sort((a, b) => a.index - b.index);

function contract(open: () => Promise<Subject>, canFail = true): void {
  let subject: Subject;
  beforeAll(async () => { subject = await open(); });
  afterAll(() => subject.close());

  test('what was written is there, in order, with its place and its leaf', async () => {
    await subject.sink.write(batch(0, 150), never); // over midnight
    await subject.sink.write(batch(150, 250), never);
    expect(await subject.read()).toEqual(batch(0, 250).map(keysOf));
  });

  test('a batch that comes again changes nothing', async () => {
    const before = await subject.read();
    await subject.sink.write(batch(100, 250), never);
    await subject.sink.write(batch(249, 260), never);
    expect(await subject.read()).toEqual([...before, ...batch(250, 260).map(keysOf)]);
  });

  test('any text survives', async () => {
    let index = 1000;
    await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }), async (texts) => {
      index += 1;
      await subject.sink.write([{ ...shipped(index), time: '2026-11-22T12:00:00.000Z', record: { index, reasons: texts } }], never);
      const usual = texts.map((text) => text.replaceAll('\0', '\ufffd'));
      expect([texts, usual]).toContainEqual(await subject.member(index, 'reasons'));
    }), { numRuns: 50, examples: [[['a\tb\nc\rd\\n\\.', '"\'', '{},', '\\N']], [['\0', '\u2028', '😀']]] });
  });

  if (canFail) test('one that receives nothing is an error that says so, and what comes again afterwards is kept', async () => {
    await subject.fail!.begin();
    await expect(subject.sink.write(batch(2000, 2010), never)).rejects.toThrow(SinkError);
    await expect(subject.sink.write(batch(2000, 2010), never)).rejects.toThrow(SinkError);
    await subject.fail!.recover();
    await subject.sink.write(batch(2000, 2010), never);
    expect((await subject.read()).slice(-10)).toEqual(batch(2000, 2010).map(keysOf));
  });

  test('a write that is to end ends', async () => {
    await expect(subject.sink.write(batch(3000, 3010), AbortSignal.abort())).rejects.toThrow(SinkError);
  });
}

describePostgres('a table of PostgreSQL', () => {
  contract(async () => {
    const server = await startPostgres();
    const sink = openPostgres(server.options);
    return {
      sink,
      read: async () => (await server.query<{ origin: string; index: string; time: Date; kind: string; leaf: string }>('SELECT origin, index, time, kind, leaf FROM sluice_records WHERE index < 1000 OR index >= 2000 ORDER BY index'))
        .map((row) => ({ ...row, index: Number(row.index), time: row.time.toISOString() })),
      member: async (index, name) => (await server.query<{ value: unknown }>(`SELECT record->'${name}' AS value FROM sluice_records WHERE index = ${index}`))[0]?.value,
      fail: { begin: server.kill, recover: server.start },
      async close() {
        await sink.close();
        await server.end();
      },
    };
  });
});

describe('a log service as OPA uses it', () => {
  contract(async () => {
    const service = await openLogService();
    const sink = openOpa({ url: service.url, token: () => 'a-token' });
    return {
      sink,
      read: async () => once(service.events.map(({ labels, timestamp }) => ({ origin: labels['origin']!, index: Number(labels['index']), time: timestamp, kind: labels['kind']!, leaf: labels['leaf']! })))
        .filter(({ index }) => index < 1000 || index >= 2000),
      member: async (index, name) => service.events.find(({ labels }) => labels['index'] === String(index))?.result[name],
      fail: { begin: async () => service.answer(503), recover: async () => service.answer(200) },
      close: service.close,
    };
  });

  test('gets the token, and is told what stayed and what is a hash by JSON pointers', async () => {
    const service = await openLogService();
    const record = { decisionId: '01JD', caller: 'gateway', identity: '?0123456789abcdef', vendor: 'mixpanel', decision: 'deny', bundle: 'sha256:b', program: 'sluice/1', micros: 7 };
    await openOpa({ url: `${service.url}/`, token: () => 'a-token' }).write([{ ...shipped(3), record, withheld: ['about', 'filter.identity'] }], never);
    expect(service.headers[0]).toMatchObject({ authorization: 'Bearer a-token', 'content-encoding': 'gzip', 'content-type': 'application/json' });
    expect(service.events).toEqual([{
      labels: { app: 'sluice', version: 'sluice/1', origin: 'sluice/00000000000000aa', index: '3', kind: 'decision', leaf: shipped(3).leaf },
      decision_id: '01JD', bundles: { sluice: { revision: 'sha256:b' } }, path: 'egress/decision', requested_by: 'gateway',
      input: { identity: '?0123456789abcdef', vendor: 'mixpanel' }, result: { decision: 'deny' }, timestamp: '2026-11-22T12:00:00.003Z', metrics: { timer_server_handler_ns: 7000 },
      erased: ['/input/about', '/result/filter/identity'], masked: ['/input/identity'], req_id: 3,
    }]);
    await service.close();
  });

  test('one that sends elsewhere gets nothing: nobody was asked about that address', async () => {
    const service = await openLogService();
    const elsewhere = await openLogService();
    service.answer(307, { location: `${elsewhere.url}/logs` });
    await expect(openOpa({ url: service.url }).write(batch(0, 1), never)).rejects.toThrow(SinkError);
    expect(elsewhere.uploads()).toBe(0);
    await elsewhere.close();
    await service.close();
    await expect(openOpa({ url: service.url }).write(batch(0, 1), never)).rejects.toThrow('the service can\'t be reached (ECONNREFUSED)');
  });
});

describe('standard output', () => {
  contract(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-stdout-'));
    const file = path.join(folder, 'out');
    const fd = openSync(file, 'w');
    const lines = () => readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as Shipped);
    return {
      sink: openStdout(fd),
      read: async () => once(lines()).map(keysOf).filter(({ index }) => index < 1000 || index >= 2000),
      member: async (index, name) => lines().find((line) => line.index === index)?.record[name],
      async close() {
        closeSync(fd);
        rmSync(folder, { recursive: true });
      },
    };
  }, false);

  test('one that is closed is an error', async () => {
    const fd = openSync('/dev/full', 'w');
    await expect(openStdout(fd).write(batch(0, 1), never)).rejects.toThrow('standard output can\'t be written (ENOSPC)');
    closeSync(fd);
  });
});
