import type { Caller } from '../../src/core/facts.ts';
import { toCell } from '../../src/log/index/csv.ts';
import type { Page, PageQuery } from '../../src/log/index/ask/page.ts';
import { parseQuery } from '../../src/log/index/ask/parse.ts';
import type { LogIndex } from '../../src/log/index/log-index.ts';
import type { DecisionLog, Entry } from '../../src/log/types.ts';
import { createReading } from '../../src/service/reading.ts';

const by = { caller: { id: 'auditor' } as Caller, requestId: 'r-1' };

/** A reading of which the records become durable when a test says so. */
function open({ size = 10, queued = 0 } = {}) {
  const appended: { readonly entry: Entry; readonly settle: PromiseWithResolvers<void> }[] = [];
  const asked: PageQuery[] = [];
  const page: Page = { rows: ['{"index":3}'], known: [] };
  const log = {
    origin: 'sluice/00000000000000aa', size: () => size, queued: () => queued,
    append(entry: Entry) {
      const settle = Promise.withResolvers<void>();
      appended.push({ entry, settle });
      return { index: size, durable: settle.promise };
    },
  } as unknown as DecisionLog;
  const index = { page: (ask: PageQuery) => { asked.push(ask); return Promise.resolve(page); } } as unknown as LogIndex;
  return { reading: createReading({ log, index, hash: (name) => `?${name.length}` }), appended, asked };
}

const turn = () => new Promise((resolve) => { setImmediate(resolve); });
const parsed = () => parseQuery([['order', 'oldest']], 'sluice/00000000000000aa');

test.each<readonly [string, (reading: ReturnType<typeof open>['reading']) => Promise<unknown>]>([
  ['a page', (reading) => reading.page(parsed(), 'json', by)],
  ['an export', (reading) => reading.all(parsed(), 'ndjson', by)],
  ['a record', (reading) => reading.record('3', by)],
  ['a proof', (reading) => reading.noted('proof', '3', by)],
])('nothing is given of %s before the reading is on disk; a reading that does not come there is none', async (_, read) => {
  for (const isKept of [true, false]) {
    const { reading, appended } = open();
    let told = 'nothing';
    const done = read(reading).then(() => { told = 'given'; }, () => { told = 'refused'; });
    await turn();
    expect([told, appended.map(({ entry }) => entry.kind)]).toEqual(['nothing', ['log_read']]);
    if (isKept) appended[0]!.settle.resolve();
    else appended[0]!.settle.reject(new Error('the disk is full'));
    await done;
    expect(told).toBe(isKept ? 'given' : 'refused');
  }
});

test('an export gives what was durable when it was asked for, however the log grows meanwhile', async () => {
  const { reading, appended, asked } = open({ size: 10, queued: 3 });
  const exported = reading.all(parsed(), 'ndjson', by);
  await turn();
  appended[0]!.settle.resolve();
  expect(asked[0]!.query.below).toBe(7);
  await (await exported).return(undefined);
});

test('an export that could not begin takes no place', async () => {
  const { reading, appended } = open();
  for (let n = 0; n < 40; n += 1) {
    const refused = reading.all(parsed(), 'csv', by);
    await turn();
    appended[n]!.settle.reject(new Error('the disk is full'));
    await expect(refused).rejects.toThrow('the disk is full');
  }
});

test.each([
  ['=1', '\'=1'], ['+1', '\'+1'], ['-1', '\'-1'], ['@a', '\'@a'], ['\t=1', '"\'\t=1"'], ['\r=1', '"\'\r=1"'], ['\uFF1D1', '\'\uFF1D1'], ['\uFF0B1', '\'\uFF0B1'], ['\uFF0D1', '\'\uFF0D1'], ['\uFF201', '\'\uFF201'],
  ['a;=1', '"a;=1"'], // where ; parts the cells a spreadsheet would see a second one
  ['a,b', '"a,b"'], ['a"b', '"a""b"'], ['a\nb', '"a\nb"'], ['a b', '"a b"'], ['=a"b', '"\'=a""b"'], ['', ''], [-1, '-1'], [null, ''], [undefined, ''], [{ a: '=' }, '"{""a"":""=""}"'],
])('a cell of %j', (value, cell) => {
  expect(toCell(value)).toBe(cell);
});
