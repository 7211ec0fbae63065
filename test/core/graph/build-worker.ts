// Builds a graph in a thread of its own and hands it over; asks it questions of its own as well.
import { parentPort, workerData } from 'node:worker_threads';
import { graphBuilder, type GraphImage } from '../../../src/core/graph/image.ts';
import { openGraph } from '../../../src/core/graph/graph.ts';
import type { RelationRule, Tuple } from '../../../src/core/facts.ts';

export interface Work { readonly tuples: readonly Tuple[]; readonly rules: readonly RelationRule[]; readonly asked: readonly (readonly [string, string, string])[] }
export interface Done { readonly image: GraphImage; readonly answers: readonly string[] }

const { tuples, rules, asked } = workerData as Work;
const builder = graphBuilder(rules);
for (const { subject, relation, object } of tuples) builder.add(subject, relation, object);
const image = builder.finish();
const graph = openGraph(image);
parentPort!.postMessage({ image, answers: asked.map((one) => JSON.stringify([graph.check(...one), graph.why(...one) ?? null])) } satisfies Done);
