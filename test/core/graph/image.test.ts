import { once } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RelationRule, Tuple } from '../../../src/core/facts.ts';
import { createGraph, openGraph } from '../../../src/core/graph/graph.ts';
import { graphBuilder, packGraph } from '../../../src/core/graph/image.ts';
import type { Done, Work } from './build-worker.ts';

const rules: RelationRule[] = [{ type: 'doc', relation: 'viewer', from: ['editor'], via: [{ relation: 'parent', is: 'viewer', unlessDirect: ['banned'] }] }];
const tuples: Tuple[] = Array.from({ length: 2_000 }, (_, i) => [
  { subject: `user:${i}`, relation: 'member', object: `group:${i % 40}` },
  { subject: `group:${i % 40}#member`, relation: i % 3 === 0 ? 'viewer' : 'editor', object: `folder:${i % 300}` },
  { subject: `folder:${i % 300}`, relation: 'parent', object: `doc:${i}` },
  { subject: `user:${i}`, relation: i % 7 === 0 ? 'banned' : 'editor', object: `doc:${(i * 3) % 2_000}` },
]).flat();
const asked = Array.from({ length: 500 }, (_, i) => [`user:${i * 3}`, 'viewer', `doc:${(i * 7) % 1_990}`] as const);

describe('an image', () => {
  test('built in a worker answers the same here, in the memory that the worker wrote (postMessage)', async () => {
    const worker = new Worker(path.join(__dirname, 'build-worker.ts'), { workerData: { tuples, rules, asked } satisfies Work });
    const [{ image, answers }] = await once(worker, 'message') as [Done];
    const [here, own] = [openGraph(image), createGraph(tuples, rules)];
    const answersOf = (graph: typeof own) => asked.map((one) => JSON.stringify([graph.check(...one), graph.why(...one) ?? null]));
    expect(answersOf(here)).toEqual(answers);
    expect(answersOf(own)).toEqual(answers);
    expect(new Set(answers.map((answer) => answer.slice(0, 14))).size).toBe(2); // yes and no
    expect(image.byObject.subject).toBeInstanceOf(Object.getPrototypeOf(image.ids.bytes).constructor);
    await worker.terminate();
    expect(answersOf(here)).toEqual(answers); // the memory outlives its thread
  });

  test('holds nothing but shared memory, numbers and rules, and of these bytes only as many as 60 a tuple', () => {
    const image = packGraph(tuples, rules);
    let bytes = 0;
    const rest = JSON.stringify(image, (_key, value: unknown) => {
      if (!(value instanceof SharedArrayBuffer)) return value;
      bytes += value.byteLength;
      return undefined;
    });
    expect(rest.length).toBeLessThan(600);
    expect(bytes).toBeLessThan(tuples.length * 60);
  });

  test('repeated tuples are kept once, whatever the order', () => {
    const single = packGraph(tuples, rules);
    const thrice = packGraph([...tuples, ...tuples.slice().reverse(), ...tuples], rules);
    expect(Buffer.compare(Buffer.from(thrice.byObject.subject), Buffer.from(single.byObject.subject))).toBe(0);
    expect(Buffer.compare(Buffer.from(thrice.bySubject.object), Buffer.from(single.bySubject.object))).toBe(0);
    expect(thrice.byObject.relation.byteLength / 4).toBeLessThan(tuples.length);
  });

  test('tuples may come one by one', () => {
    const builder = graphBuilder(rules);
    builder.add('user:a', 'viewer', 'folder:1');
    builder.add('folder:1', 'parent', 'doc:1');
    expect(builder.size).toBe(2);
    expect(openGraph(builder.finish()).why('user:a', 'viewer', 'doc:1')).toEqual(['user:a viewer folder:1', 'folder:1 parent doc:1']);
  });

  test('no tuples at all', () => {
    const graph = createGraph([], rules);
    expect([graph.has(''), graph.holds('user:a', 'viewer', 'doc:1'), graph.relations('user:a', 'doc:1')]).toEqual([false, 'no', { relations: [], overrun: false }]);
  });

  test('ids without a type, and as many types as ids', () => {
    const many = Array.from({ length: 6_000 }, (_, i) => ({ subject: `t${i}:x#member`, relation: 'member', object: `t${i + 1}:x` }));
    const graph = createGraph([{ subject: 'lone', relation: 'member', object: 't0:x' }, { subject: 'lone', relation: 'r', object: 'other' }, ...many], []);
    expect(['t0:x', 't60:x', 't61:x', 't6000:x'].map((object) => graph.holds('lone', 'member', object))).toEqual(['yes', 'yes', 'yes', 'overrun']);
    expect(graph.relations('lone', 'other')).toEqual({ relations: ['r'], overrun: false });
  });
});
