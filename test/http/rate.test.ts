import { createRate } from '../../src/http/rate.ts';
import { QUESTION, closeAll, openHarness } from './harness.ts';

afterEach(closeAll);

const ask = { body: QUESTION, token: 'slow' };

test('a caller may ask as often as its rate allows, and is told when to come back', async () => {
  let nowMs = 0;
  const { send } = await openHarness({ monotonic: () => nowMs });
  for (let asked = 0; asked < 5; asked += 1) expect((await send('/check', ask)).status).toBe(200);
  const refused = await send('/check', ask);
  expect({ status: refused.status, retryAfter: refused.headers['retry-after'], ...refused.json() }).toMatchObject({ status: 429, retryAfter: '1', code: 'rate_limited' });
  // Others are not concerned, and neither is what needs no question.
  expect((await send('/check', { body: QUESTION })).status).toBe(200);
  nowMs = 199;
  expect((await send('/check', ask)).status).toBe(429);
  nowMs = 200;
  expect((await send('/check', ask)).status).toBe(200);
  expect((await send('/check', ask)).status).toBe(429);
});

test('what is refused or can not be read was asked as well', async () => {
  const { send } = await openHarness();
  for (let asked = 0; asked < 5; asked += 1) expect((await send('/check', { body: '{', token: 'slow' })).status).toBe(400);
  expect((await send('/permitted', ask)).status).toBe(429);
});

test('a batch costs its items', async () => {
  let nowMs = 0;
  const { send } = await openHarness({ monotonic: () => nowMs });
  const batch = (items: number) => send('/check/batch', { body: { defaults: QUESTION, items: new Array(items).fill({}) }, token: 'slow' });
  expect((await batch(4)).status).toBe(200);
  expect((await batch(2)).status).toBe(429);
  nowMs = 10_000;
  expect((await batch(5)).status).toBe(200);
  expect((await send('/check', ask)).status).toBe(429);
});

test('a batch larger than the rate passes from a full bucket, and is paid back', () => {
  let nowMs = 0;
  const rate = createRate(() => nowMs);
  const caller = { id: 'a', ratePerSecond: 10 };
  const batch = (items: number) => {
    rate.take(caller, 1);
    rate.take(caller, items - 1, 1);
  };
  batch(50);
  // 40 in debt: 4.1 s until one question has its own.
  expect(() => rate.take(caller, 1)).toThrow(expect.objectContaining({ code: 'rate_limited', retryAfterSeconds: 5 }));
  nowMs = 4_000;
  expect(() => rate.take(caller, 1)).toThrow();
  nowMs = 4_100;
  rate.take(caller, 1);
  nowMs = 4_500;
  expect(() => batch(50)).toThrow(expect.objectContaining({ retryAfterSeconds: 1 }));
  nowMs = 6_000;
  batch(50);
});

test('without a rate nothing is counted', () => {
  const rate = createRate(() => 0);
  for (let asked = 0; asked < 10_000; asked += 1) rate.take({ id: 'a' }, 1000);
});
