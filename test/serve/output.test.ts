import { Writable } from 'node:stream';
import { boundLine, createOutput } from '../../src/serve/output.ts';

const line = (n: number) => `${JSON.stringify({ level: 30, n, text: 'x'.repeat(1000) })}\n`;

/** A reader that stands until it is let go. */
function createReader() {
  const read: string[] = [];
  let isStanding = true;
  let waiting: (() => void) | undefined;
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      const take = () => {
        if (chunk !== '') read.push(chunk);
        done();
      };
      if (isStanding) waiting = take;
      else take();
    },
  });
  return { stream, read, letGo: () => { isStanding = false; waiting?.(); } };
}

test('F12: lines that a standing reader does not take are dropped and counted, and that is told once it reads again', async () => {
  const { stream, read, letGo } = createReader();
  const output = createOutput(stream, () => 7);
  for (let n = 0; n < 200; n += 1) output.write(line(n));
  const kept = 200 - output.dropped();
  expect(kept).toBeGreaterThan(20);
  expect(kept).toBeLessThan(70);
  expect(await output.settle(1)).toBe(false);
  letGo();
  expect(await output.settle(10_000)).toBe(true);
  expect(read.slice(0, kept)).toEqual(Array.from({ length: kept }, (_, n) => line(n)));
  expect(JSON.parse(read[kept]!)).toEqual({ level: 40, time: 7, dropped: 200 - kept, msg: expect.stringContaining('dropped') });
  output.write(line(200));
  expect(read).toHaveLength(kept + 2);
  expect(await output.settle(10_000)).toBe(true);
  expect(output.dropped()).toBe(200 - kept);
});

test('F12: a reader that has gone ends nothing: lines are dropped and counted', async () => {
  const stream = new Writable({ autoDestroy: false, write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
  const output = createOutput(stream);
  const failed = new Promise((resolve) => { stream.once('error', resolve); });
  output.write(line(0));
  await failed;
  output.write(line(1));
  expect(output.dropped()).toBe(2);
  expect(await output.settle(10_000)).toBe(true);
});

test('F12: a line that is too long says less, and how much less', () => {
  const mistakes = Array.from({ length: 5000 }, (_, n) => `policies/grants.yaml:${n}:1: ${'m'.repeat(600)}`);
  const short = boundLine(`${JSON.stringify({ level: 50, time: 1, mistakes, deep: { text: 'y'.repeat(5000) }, msg: 'no' })}\n`);
  expect(short.length).toBeLessThan(16 * 1024);
  const told = JSON.parse(short) as { mistakes: string[]; deep: { text: string }; msg: string };
  expect(told.mistakes).toHaveLength(21);
  expect(told.mistakes[20]).toBe('and 4980 more');
  expect(told.deep.text).toHaveLength(501);
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, n]));
  expect(JSON.parse(boundLine(`${JSON.stringify({ level: 50, time: 1, many, msg: 'no' })}\n`))).toEqual({ level: 50, time: 1, msg: 'no', left: 'all else, which is too long' });
  expect(boundLine('{"level":30}\n')).toBe('{"level":30}\n');
});
