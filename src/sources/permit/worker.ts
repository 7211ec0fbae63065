import { parentPort, workerData, type Transferable } from 'node:worker_threads';
import { setTimeout as delay } from 'node:timers/promises';
import { PermitError, type PermitData, type ScanPermit } from './data.ts';
import { DiskError } from './keep/durable.ts';
import { openGenerations, type Generations } from './keep/generations.ts';
import { UnconfirmedError, confirmed } from './keep/guard.ts';
import type { BuildModule, Built, Failure, FromMain, FromWorker, Kept, Loaded, Reply, Request, ScanRequest, Store, ThreadData } from './keep/messages.ts';
import { contentDigest } from './keep/rows.ts';
import type { Generation } from './keep/state.ts';

// The thread in which Permit is read and generations are written. All that it knows for long stands on disk.

const { scan: scanModule, build: buildModule } = workerData as ThreadData;
const port = parentPort!;
const stores = new Map<string, Promise<Generations>>();
const running = new Map<number, { readonly abort: AbortController; readonly granted: ((waitedMs: number) => void)[] }>();

const say = (message: FromWorker, transfer: readonly Transferable[] = []) => port.postMessage(message, transfer as Transferable[]);

port.on('message', (message: FromMain) => {
  if (message.type === 'abort') running.get(message.id)?.abort.abort(new PermitError('unreachable', 'the read was called off'));
  else if (message.type === 'granted') running.get(message.id)?.granted.shift()?.(message.waitedMs);
  else void answer(message.id, message.request);
});

async function answer(id: number, request: Request): Promise<void> {
  const transfer: Transferable[] = [];
  running.set(id, { abort: new AbortController(), granted: [] });
  const reply = await perform(id, request, transfer).catch((error: unknown): Reply => ({ failure: failureOf(error) }));
  running.delete(id);
  try {
    say({ id, type: 'done', reply }, transfer);
  } catch {
    const { loaded: _, ...rest } = reply;
    say({ id, type: 'done', reply: { ...rest, failure: { kind: 'build', message: 'what the build step made can\'t be sent to another thread' } } });
  }
}

async function perform(id: number, request: Request, transfer: Transferable[]): Promise<Reply> {
  if (request.type === 'scan') return scan(id, request, transfer);
  const generations = await storeOf(request.store);
  switch (request.type) {
    case 'open': {
      const kept = keptOf(generations);
      if (request.wanted === undefined) return { kept };
      return load(request.wanted, generations, request.store, transfer).then((loaded) => ({ kept, loaded }), (error: unknown) => ({ kept, failure: failureOf(error) }));
    }
    case 'load':
      return { loaded: await load(request.number, generations, request.store, transfer), kept: keptOf(generations) };
    case 'pin':
      await generations.pin(request.number);
      return { kept: keptOf(generations) };
    case 'note':
      await generations.note(request.seen);
      return {};
  }
}

const keptOf = (generations: Generations): Kept => ({ generations: generations.list(), pinned: generations.state().pinned, seen: generations.state().seen });

function storeOf(store: Store): Promise<Generations> {
  const name = JSON.stringify([store.folder, store.environment]);
  const open = stores.get(name) ?? openGenerations(store);
  stores.set(name, open);
  open.catch(() => stores.delete(name));
  return open;
}

async function load(wanted: number | string, generations: Generations, store: Store, transfer: Transferable[]): Promise<Loaded> {
  const { generation, data } = await generations.load(wanted);
  return built(generation, await build(data, store.environment), transfer);
}

function built(generation: Generation, made: Built | undefined, transfer: Transferable[]): Loaded {
  transfer.push(...made?.transfer ?? []);
  return { generation, built: { message: made?.message } };
}

async function build(content: PermitData, environment: string): Promise<Built | undefined> {
  if (buildModule === undefined) return undefined;
  const { build: make } = await import(buildModule) as BuildModule;
  try {
    return await make(content, environment);
  } catch (error) {
    throw new BuildError(error instanceof PermitError ? error.message : `the content can't be used (${error instanceof Error ? error.name : 'unknown'})`, { cause: error });
  }
}

class BuildError extends Error {
  override readonly name = 'BuildError';
}

async function scan(id: number, request: ScanRequest & { readonly store: Store }, transfer: Transferable[]): Promise<Reply> {
  const startedAt = performance.now();
  const meter: Meter = { requests: 0, idleMs: 0, idleUntil: startedAt };
  const cost = () => ({ requests: meter.requests, workedMs: Math.max(0, performance.now() - startedAt - meter.idleMs) });
  try {
    const reply = await verifiedScan(id, request, meter, transfer);
    return { ...reply, cost: cost() };
  } catch (error) {
    return { failure: failureOf(error), cost: cost() };
  }
}

interface Meter {
  requests: number;
  idleMs: number;
  /** Until when idle time is counted: requests that wait side by side wait once. */
  idleUntil: number;
}

function countIdle(meter: Meter, ms: number): void {
  const at = performance.now();
  meter.idleMs += Math.min(ms, at - meter.idleUntil);
  meter.idleUntil = at;
}

async function verifiedScan(id: number, request: ScanRequest & { readonly store: Store }, meter: Meter, transfer: Transferable[]): Promise<Reply> {
  const { abort: { signal } } = running.get(id)!;
  const generations = await storeOf(request.store);
  const { scanPermit } = await import(scanModule) as { readonly scanPermit: ScanPermit };
  const scanOnce = async () => {
    const { data } = await scanPermit({
      apiUrl: request.apiUrl, key: request.key, signal,
      mayRequest: () => mayRequest(id, request.budgeted, meter),
      onProgress: ({ phase, rows, requests }) => say({ id, type: 'progress', progress: { phase, rows, requests } }),
    });
    await generations.admit(data.scope);
    return data;
  };
  const first = await scanOnce();
  const wait = async (ms: number) => {
    await delay(ms + 1, undefined, { signal }); // timers may be early by less than one
    countIdle(meter, ms);
  };
  const data = await confirmed({ before: generations.baseline(), first, scanAgain: scanOnce, wait });
  signal.throwIfAborted(); // from here on it's soon done, and nothing is left by half
  return keep(data, generations, request, transfer);
}

/** Only what can be used is kept: the build comes before the write. */
async function keep(data: PermitData, generations: Generations, { store, active, seen }: ScanRequest & { readonly store: Store }, transfer: Transferable[]): Promise<Reply> {
  const content = contentDigest(data);
  const known = generations.newestWith(content, active?.digest);
  const decides = known !== undefined && known.number === active?.number;
  const wanted = !decides && generations.state().pinned === undefined;
  const made = wanted ? await build(data, store.environment) : undefined;
  const at = { verifiedAtMs: seen.atMs, seen };
  const generation = known ?? await generations.write(data, at, content);
  const renewed = await generations.renew(content, at);
  await generations.prune(active?.number);
  return { loaded: wanted ? built(generation, made, transfer) : { generation }, renewed, kept: keptOf(generations) };
}

async function mayRequest(id: number, budgeted: boolean, meter: Meter): Promise<number> {
  const { abort: { signal }, granted } = running.get(id)!;
  signal.throwIfAborted();
  meter.requests += 1;
  if (!budgeted) return 0;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  granted.push(resolve);
  say({ id, type: 'mayRequest' });
  const waitedMs = await promise.finally(() => signal.removeEventListener('abort', onAbort));
  if (waitedMs > 0) countIdle(meter, waitedMs);
  return waitedMs;
}

/** Our own messages name no value; anybody else's may quote what was read, so only its kind is told. */
function failureOf(error: unknown): Failure {
  if (error instanceof UnconfirmedError) return { kind: 'unconfirmed', message: error.message };
  if (error instanceof PermitError) return { kind: error.kind, message: error.message };
  if (error instanceof BuildError) return { kind: 'build', message: error.message };
  if (error instanceof DiskError) return { kind: 'disk', message: error.message };
  return { kind: 'worker', message: `the read failed inside Sluice (${error instanceof Error ? error.name : 'unknown'})` };
}
