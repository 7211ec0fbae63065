// What bench/graph.ts measures, each mode in a process of its own: takes a mode, a number of tuples and a folder; prints JSON.
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openGraph } from '../src/core/graph/graph.ts';
import { graphBuilder, type GraphImage } from '../src/core/graph/image.ts';
import { readImage, writeImage } from '../src/sources/permit/image-file.ts';
import { createReference } from './graph-reference.ts';
import { checksOf, RULES, writeTuples, type Check } from './graph-world.ts';

export interface Built { readonly buildSeconds: number; readonly buildAddedBytes: number; readonly ids: number; readonly imageBytes: number }
export interface Checked {
  readonly loadSeconds: number;
  readonly loadAddedBytes: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly edgesP50: number;
  readonly edgesP99: number;
  readonly edgesMax: number;
  readonly checks: number;
  readonly trueShare: number;
  /** Tuples on the way of those that hold. */
  readonly wayP50: number;
  readonly wayMax: number;
  readonly overruns: number;
  /** Answers unlike those of the same search without bounds. */
  readonly unlike: number;
}
export interface Compared { readonly compared: number; readonly wrong: number }
export interface HandedOver { readonly p99Ms: number; readonly worstMs: number; readonly seconds: number }

const [mode, count, folder] = isMainThread ? process.argv.slice(2) : ['worker', workerData as string, ''];
const tuples = Number(count);
const image = path.join(folder!, `graph-${tuples}`);
const checks = path.join(folder!, `checks-${tuples}.json`);
const percentile = (sorted: Float64Array, share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

function construct(): GraphImage {
  const builder = graphBuilder(RULES);
  writeTuples(tuples, (...tuple) => builder.add(...tuple));
  return builder.finish();
}

const resident = () => {
  globalThis.gc?.();
  return process.memoryUsage().rss;
};

async function build(): Promise<Built> {
  const before = resident();
  const startedAt = performance.now();
  const built = construct();
  const buildSeconds = (performance.now() - startedAt) / 1000;
  const buildAddedBytes = process.resourceUsage().maxRSS * 1024 - before;
  await writeImage(image, built);
  return { buildSeconds, buildAddedBytes, ids: built.ids.size, imageBytes: (await stat(image)).size };
}

async function check(): Promise<Checked> {
  const before = resident();
  const startedAt = performance.now();
  const read = await readImage<GraphImage>(image);
  const graph = openGraph(read);
  const loadSeconds = (performance.now() - startedAt) / 1000;
  const loadAddedBytes = process.resourceUsage().maxRSS * 1024 - before;
  const unbounded = openGraph(read, { edges: Infinity, depth: Infinity });
  const asked = checksOf(tuples, (one) => unbounded.holds(...one) === 'yes');
  await writeFile(checks, JSON.stringify(asked));
  const [times, edges] = [new Float64Array(asked.length), new Float64Array(asked.length)];
  const held = asked.map(({ asked: one }, i) => {
    const from = performance.now();
    const answer = graph.check(...one);
    times[i] = (performance.now() - from) * 1000;
    edges[i] = answer.edges;
    return answer.held;
  });
  const ways = Float64Array.from(asked.filter(({ holds }) => holds), ({ asked: one }) => unbounded.why(...one)!.length).sort();
  times.sort();
  edges.sort();
  return {
    loadSeconds, loadAddedBytes, p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: percentile(times, 1),
    edgesP50: percentile(edges, 0.5), edgesP99: percentile(edges, 0.99), edgesMax: percentile(edges, 1),
    checks: asked.length, trueShare: held.filter((answer) => answer === 'yes').length / asked.length,
    wayP50: percentile(ways, 0.5), wayMax: percentile(ways, 1),
    overruns: held.filter((answer) => answer === 'overrun').length, unlike: asked.filter(({ holds }, i) => (held[i] === 'yes') !== holds).length,
  };
}

async function compare(): Promise<Compared> {
  const asked = JSON.parse(await readFile(checks, 'utf8')) as Check[];
  const reference = createReference(RULES, (add) => writeTuples(tuples, add));
  return { compared: asked.length, wrong: asked.filter(({ asked: one, holds }) => reference(...one) !== holds).length };
}

/** A worker builds while this thread does nothing but wait, as late as it wakes up. */
async function handOver(): Promise<HandedOver> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const startedAt = performance.now();
  delay.enable();
  const graph = await new Promise<GraphImage>((resolve, reject) => {
    new Worker(new URL(import.meta.url), { workerData: String(tuples) }).once('message', resolve).once('error', reject);
  });
  const held = openGraph(graph).holds('user:0', 'member', 'group:0');
  await new Promise((resolve) => setTimeout(resolve, 100)); // so that the end is measured as well
  delay.disable();
  if (held !== 'yes') throw new Error('the graph that the worker built doesn\'t hold what it was given');
  return { p99Ms: delay.percentile(99) / 1e6, worstMs: delay.max / 1e6, seconds: (performance.now() - startedAt) / 1000 };
}

if (isMainThread) process.stdout.write(JSON.stringify(await { build, check, compare, handOver }[mode as 'build']()));
else parentPort!.postMessage(construct());
