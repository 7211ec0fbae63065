import { Worker } from 'node:worker_threads';
import { supervise, type Death } from '../../src/threads/supervise.ts';

// Answers with its number and what it was told; `throw` and `exit` end it.
const CODE = `
  const { parentPort, workerData } = require('node:worker_threads');
  parentPort.on('message', (told) => {
    if (told === 'throw') throw new Error('told to');
    if (told === 'exit') process.exit(7);
    if (told === 'close') parentPort.close();
    else parentPort.postMessage({ by: workerData, told });
  });`;

interface Said { readonly by: number; readonly told: string }

function supervised(restartMs?: number) {
  let count = 0;
  const heard: Said[] = [];
  const deaths: string[] = [];
  const waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];
  const look = () => {
    for (const { holds, resolve } of waiting) if (holds()) resolve();
  };
  const until = (holds: () => boolean) => new Promise<void>((resolve) => {
    waiting.push({ holds, resolve });
    look();
  });
  let restarts = 0;
  const thread = supervise<Said, string>({
    start: () => new Worker(CODE, { eval: true, workerData: (count += 1) }),
    hear(message) {
      heard.push(message);
      look();
    },
    died(death: Death) {
      deaths.push('error' in death ? death.error.message : `code ${death.code}`);
      look();
    },
    ...(restartMs !== undefined && { restartMs }),
    restarted() {
      restarts += 1;
      look();
    },
  });
  return { thread, heard, deaths, until, started: () => count, restarts: () => restarts };
}

describe('a thread that is kept running', () => {
  test.each([['throw', 'told to'], ['exit', 'code 7']])('is started again after it ends by %s', async (how, death) => {
    const { thread, heard, deaths, until, restarts } = supervised(1);
    thread.post('a');
    await until(() => heard.length === 1);
    thread.post(how);
    await until(() => restarts() === 1);
    thread.post('b');
    await until(() => heard.length === 2);
    expect([heard, deaths]).toEqual([[{ by: 1, told: 'a' }, { by: 2, told: 'b' }], [death]]);
    await thread.close('close', 5_000);
    expect(deaths).toEqual([death, 'code 0']);
  });

  test('stays ended once it is closed, also when a restart was due', async () => {
    const { thread, deaths, until, started } = supervised(60_000);
    thread.post('throw');
    await until(() => deaths.length === 1);
    await thread.close('close', 5_000);
    thread.post('a');
    expect(started()).toBe(1);
  });

  test('is ended when it does not end by itself in time', async () => {
    const { thread, deaths } = supervised(60_000);
    await thread.close('stay', 50);
    expect(deaths).toEqual(['code 1']);
  });
});

describe('a thread on demand', () => {
  test('is started by the first message, and by the first after its end', async () => {
    const { thread, heard, deaths, until, started } = supervised();
    expect(started()).toBe(0);
    thread.post('a');
    await until(() => heard.length === 1);
    thread.post('throw');
    await until(() => deaths.length === 1);
    expect(started()).toBe(1);
    thread.post('b');
    await until(() => heard.length === 2);
    expect(heard.map(({ by }) => by)).toEqual([1, 2]);
    await thread.close();
    thread.post('c');
    expect(started()).toBe(2);
  });
});
