import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { lacking, progressIn } from '../../src/ship/lacking.ts';
import { AT_MS, decision, inFolder, segmentsOf, write } from '../log/support.ts';

const folder = inFolder();
const dir = () => path.join(folder.dir(), 'log');

test('who has not got what is old enough to go lacks it, whatever it says of its lag; what stays anyway nobody lacks', async () => {
  let nowMs = AT_MS;
  const log = await folder.open({ dir: dir(), maxSegmentBytes: 1000, now: () => (nowMs += 1000) });
  await write(log, ...Array.from({ length: 30 }, (_, n) => decision(n)));
  const last = Number(segmentsOf(dir()).at(-1)!.slice(0, 20));
  expect(last).toBeGreaterThan(15);
  const sinks = [0, 9, 10, last, 30].map((next) => ({ sink: `at-${next}`, next }));
  const startMs = AT_MS + 1000; // of the record of index 0
  expect(await lacking(dir(), sinks, startMs)).toEqual([]);
  expect(await lacking(dir(), sinks, startMs + 9_001)).toEqual(['at-0', 'at-9']);
  expect(await lacking(dir(), sinks, nowMs + 1)).toEqual(['at-0', 'at-9', 'at-10']);
});

test('how far sinks are is told by their cursors; a damaged one, one of another log, and one that has had nothing are at the beginning', async () => {
  const log = await folder.open({ dir: dir() });
  expect(progressIn(folder.dir(), undefined)).toEqual([]);
  mkdirSync(path.join(folder.dir(), 'ship'));
  const cursor = (sink: string, text: string) => writeFileSync(path.join(folder.dir(), 'ship', `${sink}.json`), text);
  cursor('good', JSON.stringify({ origin: log.origin, next: 7 }));
  cursor('old', JSON.stringify({ origin: 'sluice/ffffffffffffffff', next: 7 }));
  cursor('torn', '{"origin":');
  const file = path.join(folder.dir(), 'sinks.yaml');
  writeFileSync(file, 'sinks:\n  good: { type: stdout, vendor: v, environment: e }\n  new: { type: opa, vendor: v, environment: e, url: "https://siem.example" }\n');
  expect(progressIn(folder.dir(), file)).toEqual([{ sink: 'good', next: 7 }, { sink: 'new', next: 0 }, { sink: 'old', next: 0 }, { sink: 'torn', next: 0 }]);
});
