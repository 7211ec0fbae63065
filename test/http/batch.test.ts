import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { Answered, Asked } from '../../src/pdp.ts';
import { answerInTurns, type Batch } from '../../src/http/batch/answer.ts';
import { MAX_ANSWER_BYTES, MAX_BATCH_FIELDS } from '../../src/http/batch/budget.ts';
import { BATCH_LIMIT, BODIES_LIMIT, SMALL_BODY } from '../../src/http/body.ts';
import { createTurns, type Turns } from '../../src/http/batch/turns.ts';
import { answerTo, closeAll, fakePdp, openHarness, QUESTION } from './harness.ts';

afterEach(closeAll);

describe('F24: turns', () => {
  test('one work has its turn at a time, in the order in which they ask, and between two the event loop goes on', async () => {
    const turns = createTurns();
    let [goes, ended] = [0, false];
    const loop = () => {
      goes += 1;
      if (!ended) setImmediate(loop);
    };
    setImmediate(loop);
    const order: string[] = [];
    const work = async (name: string) => {
      for (let times = 0; times < 3; times += 1) {
        await turns.take();
        order.push(`${name}${goes}`);
      }
    };
    await Promise.all(['a', 'b', 'c'].map(work));
    ended = true;
    expect(order.map((one) => one[0]).join('')).toBe('abcabcabc');
    expect(new Set(order.map((one) => one.slice(1))).size).toBe(9);
  });

  test('a turn is over after some milliseconds, and less than ten', async () => {
    let nowMs = 0;
    const turn = await createTurns(() => nowMs).take();
    const over = [0, 5, 10].map((ms) => {
      nowMs = ms;
      return turn.isOver();
    });
    expect(over).toEqual([false, false, true]);
  });
});

/** Turns of so many items. */
const turnsOf = (items: number): Turns => ({
  async take() {
    let left = items;
    return { isOver: () => (left -= 1) <= 0 };
  },
});

const TOGETHER = { snapshots: () => { throw new Error('not asked'); }, revised: async () => {}, relief: async () => {} };

const numbers = (count: number, more: Partial<Batch<number>>): Batch<number> => ({
  items: Array.from({ length: count }, (_, n) => () => n), fieldsOf: () => 1, ask: async (n) => String(n), failed: (thrown) => (thrown as { code?: string }).code ?? String(thrown), ...more,
});

async function all(answers: AsyncGenerator<string>): Promise<readonly string[]> {
  const given: string[] = [];
  for await (const one of answers) given.push(one);
  return given;
}

describe('F24, J26: a batch is answered in turns', () => {
  test('those of a turn don\'t wait for each other, nor does the next turn for them; the answers come in the order of the items', async () => {
    const [asked, held] = [[] as number[], new Map<number, () => void>()];
    const answers = answerInTurns(numbers(9, {
      ask: (n) => new Promise((resolve) => {
        asked.push(n);
        held.set(n, () => resolve(String(n)));
      }),
    }), { turns: turnsOf(3), together: () => TOGETHER });
    const given = all(answers);
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(asked).toEqual([0, 1, 2, 3, 4, 5]);
    for (const n of [2, 1, 0]) held.get(n)!();
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    for (const n of [8, 7, 6, 5, 4, 3]) held.get(n)!();
    expect(await given).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  });

  test('no more is asked than is taken, nor while the log has no room', async () => {
    let asked = 0;
    const room = Promise.withResolvers<void>();
    const counted = numbers(100, { ask: async () => String(asked += 1) });
    const answers = answerInTurns(counted, { turns: turnsOf(5), together: () => TOGETHER });
    await answers.next();
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(asked).toBe(10);
    await answers.return();
    expect(asked).toBe(10);

    asked = 0;
    const waiting = all(answerInTurns(counted, { turns: turnsOf(5), together: () => ({ ...TOGETHER, relief: () => room.promise }) }));
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(asked).toBe(0);
    room.resolve();
    expect(await waiting).toHaveLength(100);
  });

  test.each([
    ['exactly as many fields as are allowed', [MAX_BATCH_FIELDS - 1, 1], ['0', '1']],
    ['one more', [MAX_BATCH_FIELDS - 1, 2, 1], ['0', 'too_large', 'too_large']],
    ['an item that has too many by itself', [1, MAX_BATCH_FIELDS, 1], ['0', 'too_large', 'too_large']],
  ])('%s', async (_name, sizes, want) => {
    const asked: number[] = [];
    const sized = numbers(sizes.length, { fieldsOf: (n) => sizes[n]!, ask: async (n) => String(asked[asked.push(n) - 1]) });
    expect(await all(answerInTurns(sized, { turns: turnsOf(1), together: () => TOGETHER }))).toEqual(want);
    // What is refused is not judged, so that it is not on record.
    expect(asked).toEqual(want.filter((one) => one !== 'too_large').map(Number));
  });

  test('an answer of more bytes than are allowed is given, the rest is refused, also within its turn', async () => {
    const large = numbers(5, { ask: async (n, { onJudged }) => {
      onJudged(n === 1 ? MAX_ANSWER_BYTES : 1);
      return String(n);
    } });
    expect(await all(answerInTurns(large, { turns: turnsOf(5), together: () => TOGETHER }))).toEqual(['0', '1', 'too_large', 'too_large', 'too_large']);
  });

  test('when there is to be no answer to the whole, it ends with that, and the others\' failures with it', async () => {
    const broken = numbers(20, { ask: async () => { throw new Error('no'); }, failed: (thrown) => { throw thrown; } });
    await expect(all(answerInTurns(broken, { turns: turnsOf(7), together: () => TOGETHER }))).rejects.toThrow('no');
  });
});

/** Answers of so many bytes, as the real one counts them. */
function sized(bytes: number) {
  const state = { asked: 0 };
  const pdp = fakePdp({
    async check(question, { onJudged }: Asked): Promise<Answered> {
      state.asked += 1;
      onJudged?.(bytes);
      return { answer: answerTo(question), json: JSON.stringify('x'.repeat(bytes - 2)) };
    },
  });
  return { pdp, state };
}

const batchOf = (items: number) => ({ defaults: QUESTION, items: new Array(items).fill({}) });

function open(port: number, body: object): Promise<IncomingMessage> {
  const req = request({ host: '127.0.0.1', port, path: '/check/batch', method: 'POST', headers: { authorization: 'Bearer gateway', 'content-type': 'application/json' } });
  req.end(JSON.stringify(body));
  return once(req, 'response').then(([res]) => res as IncomingMessage);
}

describe('F24: the answer to a batch', () => {
  test('is sent whole when it is short, and streamed when it is long', async () => {
    const { send } = await openHarness({ pdp: sized(1000).pdp });
    const [short, long] = [await send('/check/batch', { body: batchOf(3), undescribed: true }), await send('/check/batch', { body: batchOf(1000), undescribed: true })];
    expect([short.headers['content-length'], short.headers['transfer-encoding']]).toEqual([String(Buffer.byteLength(short.text)), undefined]);
    expect([long.headers['content-length'], long.headers['transfer-encoding']]).toEqual([undefined, 'chunked']);
    for (const [{ headers, json }, items] of [[short, 3], [long, 1000]] as const) {
      expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-request-id': expect.any(String) });
      expect((json()['items'] as string[]).map(({ length }) => length)).toEqual(new Array(items).fill(998));
    }
  });

  test('J32: over 16 MiB the rest is 413 for each', async () => {
    const { pdp, state } = sized(1024 * 1024);
    const { send } = await openHarness({ pdp });
    const { status, json } = await send('/check/batch', { body: batchOf(1000), undescribed: true });
    const items = json()['items'] as (string | { error: { code: string } })[];
    expect([status, items.length, state.asked]).toEqual([200, 1000, 17]);
    expect(items.map((one) => typeof one === 'string' || one.error.code).slice(15, 20)).toEqual([true, true, 'too_large', 'too_large', 'too_large']);
  });

  test('J32: over 20,000 fields the rest is 413 for each, counted in the order of the items', async () => {
    const { pdp, state } = sized(10);
    const { send } = await openHarness({ pdp });
    const fields = (count: number) => Array.from({ length: count }, (_, n) => `f${n}`);
    const { json } = await send('/check/batch', { body: { defaults: { ...QUESTION, fields: fields(1000) }, items: [...new Array(19).fill({}), { fields: fields(999) }, { fields: ['a'] }, { fields: ['b'] }, {}] }, undescribed: true });
    const codes = (json()['items'] as (string | { error: { code: string; message: string } })[]).map((one) => (typeof one === 'string' ? 'answered' : one.error.code));
    expect(codes).toEqual([...new Array(21).fill('answered'), 'too_large', 'too_large']);
    expect(state.asked).toBe(21);
  });

  test('waits for a client that doesn\'t read, and ends when it goes', async () => {
    const { pdp, state } = sized(128 * 1024);
    const { port, server } = await openHarness({ pdp });
    const res = await open(port, batchOf(100));
    const settled = async () => {
      for (let [before, quiet] = [-1, 0]; quiet < 10; quiet = state.asked === before ? quiet + 1 : 0, before = state.asked) await new Promise((resolve) => { setTimeout(resolve, 20); });
      return state.asked;
    };
    const asked = await settled();
    expect(asked).toBeLessThan(100);
    res.destroy();
    await once(res, 'close');
    expect(await settled()).toBeLessThan(100);
    expect(await new Promise((resolve) => { server.getConnections((_, count) => resolve(count)); })).toBe(0);
  });
});

test('F23: the long bodies of all that ask are bounded together; short ones are read all the same, and room comes back', async () => {
  const { port, send } = await openHarness();
  const fitting = Math.floor(BODIES_LIMIT / (BATCH_LIMIT - 1 - SMALL_BODY));
  const answers: IncomingMessage[] = [];
  const refused = Promise.withResolvers<void>();
  const begun = Array.from({ length: fitting + 2 }, () => {
    const req = request({
      host: '127.0.0.1', port, path: '/check/batch', method: 'POST', agent: false,
      headers: { authorization: 'Bearer gateway', 'content-type': 'application/json' },
    });
    req.on('error', () => {}).on('response', (res) => {
      if (answers.push(res.resume()) === 2) refused.resolve();
    });
    // One byte is missing: it is never answered, but for being refused.
    req.write(Buffer.alloc(BATCH_LIMIT - 1, ' '));
    return req;
  });
  await refused.promise;
  expect(answers.map(({ statusCode, headers }) => [statusCode, headers['retry-after']])).toEqual([[429, '1'], [429, '1']]);
  expect((await send('/check', { body: QUESTION })).status).toBe(200);
  const stop = { body: { state: 'breached' }, token: 'admin' };
  expect((await send('/admin/vendors/mixpanel/state', stop)).status).toBe(200);
  expect(answers).toHaveLength(2);

  for (const req of begun) req.destroy();
  const long = { body: { defaults: QUESTION, items: [{ context: { text: 'x'.repeat(2 * 2 ** 20) } }] } };
  for (let status = 429; status !== 200;) ({ status } = await send('/check/batch', long));
});
