import { createHash } from 'node:crypto';
import type { Facts } from '../../core/facts.ts';
import { createCollector } from './collect.ts';
import { readSources } from './files.ts';
import { PoliciesError } from './problems.ts';
import { checkReferences } from './references.ts';
import { checkSense } from './sense.ts';
import { toFacts } from './facts.ts';

/**
 * Reads the policies folder; policies/README.md shows its format.
 *
 * @throws {PoliciesError} with every mistake, each with file:line:column: syntax, shape, dangling names, and grants that
 * could never apply.
 */
export async function loadYaml(dir: string): Promise<Facts> {
  const { sources, problems } = await readSources(dir);
  const collector = createCollector(sources);
  const found = [...problems, ...collector.problems];
  const { facts, problems: shapeless } = toFacts(collector);
  found.push(...shapeless, ...checkReferences(collector, facts), ...checkSense(collector, facts));
  if (found.length > 0) throw new PoliciesError(found);
  return { ...facts, digest: digestOf(facts) };
}

/** The same for equal facts, whatever the order of files. */
function digestOf(facts: Omit<Facts, 'digest'>): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(canonical(facts))).digest('hex')}`;
}

function canonical(value: unknown): unknown {
  if (value instanceof Map) return canonical(Object.fromEntries(value));
  if (value instanceof Set) return [...value].sort();
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, canonical(member)]));
}
