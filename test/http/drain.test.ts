import { once } from 'node:events';
import { Agent, request, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { createDrain, type Drain } from '../../src/http/drain.ts';
import { QUESTION, answerTo, closeAll, fakePdp, openHarness, type Harness } from './harness.ts';

afterEach(async () => {
  jest.useRealTimers();
  await closeAll();
});

interface Draining extends Harness { readonly drain: Drain }

async function openDraining({ waitMs = 0, graceMs, pdp = fakePdp() }: { waitMs?: number; graceMs?: number; pdp?: ReturnType<typeof fakePdp> } = {}): Promise<Draining> {
  const servers: Server[] = [];
  const drain = createDrain({ servers, waitMs, ...(graceMs !== undefined && { graceMs }) });
  const harness = await openHarness({ pdp, isDraining: drain.isDraining });
  servers.push(harness.server);
  return { ...harness, drain };
}

const asked = (port: number, agent: Agent) => new Promise<{ status: number; text: string }>((resolve, reject) => {
  const req = request({ host: '127.0.0.1', port, path: '/check', method: 'POST', agent, headers: { authorization: 'Bearer gateway', 'content-type': 'application/json' } }, (res: IncomingMessage) => {
    let text = '';
    res.setEncoding('utf8').on('data', (part: string) => { text += part; }).on('error', reject).on('end', () => resolve({ status: res.statusCode!, text }));
  });
  req.on('error', reject).end(JSON.stringify(QUESTION));
});

test('under load no answer is lost: each request that was judged gets its whole answer', async () => {
  let judged = 0;
  const pdp = fakePdp({
    async check(question) {
      judged += 1;
      const answer = answerTo(question);
      const mine = judged;
      // As if on disk: answers are given some turns later, out of the turn of their request.
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
      if (mine === 300) drain.begin();
      return { answer, json: JSON.stringify(answer) };
    },
  });
  const { port, drain } = await openDraining({ pdp });
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  let answered = 0;
  let refused = 0;
  async function ask(): Promise<void> {
    for (;;) {
      try {
        const { status, text } = await asked(port, agent);
        expect({ status, decision: (JSON.parse(text) as { decision: string }).decision }).toEqual({ status: 200, decision: 'deny' });
        answered += 1;
      } catch (error) {
        // Nobody listens any more, or the idle connection was closed before the question was read.
        expect(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']).toContain((error as NodeJS.ErrnoException).code);
        refused += 1;
        return;
      }
    }
  }
  await Promise.all(Array.from({ length: 20 }, ask));
  await drain.done;
  agent.destroy();
  expect(answered).toBe(judged);
  expect(answered).toBeGreaterThanOrEqual(300);
  expect(refused).toBe(20);
});

test('it serves until the wait is over, then ends', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
  const { drain, send, port, server } = await openDraining({ waitMs: 5_000 });
  expect((await send('/readyz')).status).toBe(200);
  drain.begin();
  expect((await send('/readyz')).json()).toEqual({ status: 'not_ready', reasons: ['draining'] });
  jest.advanceTimersByTime(4_999);
  expect((await send('/check', { body: QUESTION })).status).toBe(200);
  jest.advanceTimersByTime(1);
  expect(server.listening).toBe(false);
  await drain.done;
  await expect(asked(port, new Agent())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a second signal shortens the wait, a third changes nothing', async () => {
  const { drain, server } = await openDraining({ waitMs: 3_600_000 });
  drain.begin();
  expect(server.listening).toBe(true);
  drain.begin();
  drain.begin();
  expect(server.listening).toBe(false);
  await drain.done;
});

test('an idle connection does not hold it up, a request under way is finished first', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: go, resolve: finish } = Promise.withResolvers<void>();
  const pdp = fakePdp({ async check(question) { begin(); await go; return { answer: answerTo(question), json: JSON.stringify(answerTo(question)) }; } });
  const { drain, port, send } = await openDraining({ pdp });
  const idle = new Agent({ keepAlive: true });
  await new Promise((resolve) => request({ host: '127.0.0.1', port, path: '/livez', agent: idle }, (res) => res.resume().on('end', resolve)).end());
  const answer = send('/check', { body: QUESTION });
  await begun;
  drain.begin();
  drain.begin();
  let ended = false;
  const done = drain.done.then(() => { ended = true; });
  await new Promise(setImmediate);
  expect(ended).toBe(false);
  finish();
  expect((await answer).json()).toMatchObject({ decision: 'deny' });
  await done;
  idle.destroy();
});

test('a connection that asks nothing is cut when the grace is over', async () => {
  const { drain, port, server } = await openDraining({ graceMs: 20 });
  const accepted = once(server, 'connection');
  const socket = connect(port, '127.0.0.1');
  await accepted;
  const closed = once(socket, 'close');
  drain.begin();
  await drain.done;
  await closed;
});
