// A thread of its own that ships the log: what it takes, no question waits for.
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { openNames } from '../datadir/names.ts';
import { openTail } from '../log/tail.ts';
import { giveWay } from '../threads/thread.ts';
import { openCursor } from './cursor.ts';
import type { FromThread, State, ThreadData, ToThread } from './messages.ts';
import { ship } from './shipper.ts';
import type { SinkSpec } from './sinks-file.ts';
import { openSink } from './sinks/open.ts';
import type { Sink } from './sinks/sink.ts';
import type { Verdict } from './verdict.ts';

const { dataDir, origin, sinks, now } = workerData as ThreadData;
const tell = (message: FromThread) => parentPort!.postMessage(message);
const ending = new AbortController();
const { signal } = ending;

let state: State = now;
let changed = Promise.withResolvers<void>();
let lastId = 0;
const asked = new Map<number, PromiseWithResolvers<Verdict>>();

parentPort!.on('message', (message: ToThread) => {
  if (message.type === 'verdict') asked.get(message.id)?.resolve(message.verdict);
  else if (message.type === 'refused') asked.get(message.id)?.reject(new Error(message.reason));
  else if (message.type === 'close') ending.abort();
  else {
    state = message.state;
    changed.resolve();
    changed = Promise.withResolvers();
  }
});

async function ask(sink: string, kind: string): Promise<Verdict> {
  const answer = Promise.withResolvers<Verdict>();
  const id = lastId += 1;
  asked.set(id, answer);
  tell({ type: 'ask', id, sink, kind });
  return answer.promise.finally(() => asked.delete(id));
}

function pause(ms: number, earlier?: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    void earlier?.then(end);
    if (signal.aborted) end();
  });
}

/** A little longer after each failure, and not all sinks at once. */
const jittered = (ms: number) => ms * (0.8 + 0.4 * Math.random());

async function run(spec: SinkSpec, sink: Sink): Promise<void> {
  const { name, vendor, environment } = spec;
  const warn = (warning: string, members: object) => tell({ type: 'warning', sink: name, warning, members });
  await ship({
    dir: path.join(dataDir, 'log'), tail: openTail(path.join(dataDir, 'log')), sink, signal, now: Date.now,
    cursor: openCursor({ folder: path.join(dataDir, 'ship'), sink: name, origin, onLost: (reason) => warn('the sink is given the log from its first record', { reason }) }),
    ask: (kind) => ask(name, kind),
    state: () => ({ durable: state.durable, revision: state.revisions[environment] ?? 0 }),
    changed: () => changed.promise,
    pause: (ms, earlier) => pause(jittered(ms), earlier),
    hash: (text) => names().hash(`${vendor}\n${text}`),
    tell: (news) => tell({ type: 'news', sink: name, news }),
    onPruned: (from, to) => warn('records were pruned before they were shipped', { from, to }),
  });
}

/** Read again now and then: the key may be changed meanwhile. */
function names() {
  if (performance.now() - readAtMs > 1000) [readNames, readAtMs] = [openNames(path.join(dataDir, 'keys', 'names.key'), false), performance.now()];
  return readNames!;
}
let [readNames, readAtMs]: [ReturnType<typeof openNames> | undefined, number] = [undefined, -Infinity];

giveWay();
const open = sinks.map((spec) => ({ spec, sink: openSink(spec) }));
await Promise.all(open.map(({ spec, sink }) => run(spec, sink)));
await Promise.all(open.map(({ sink }) => sink.close()));
parentPort!.close();
