import { existsSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { blocks } from '../log/blocks.ts';
import { listSegments, segmentPath } from '../log/layout.ts';
import { readBundle, type Bundle } from '../opa/build.ts';
import { createEngine, digestOfPolicy, type Engine } from '../opa/engine.ts';

/** The policies that this data directory has decided by; records name them by their digest. */
export interface Bundles {
  /** Undefined when the bundle is not kept here. */
  engineOf(digest: string): Promise<Engine | undefined>;
}

// Each holds some megabytes of memory; a log rarely goes back and forth between policies.
const KEPT = 4;

/** @param dir where built bundles are kept, one folder each. */
export function openBundles(dir: string): Bundles {
  let found: Promise<ReadonlyMap<string, Bundle>> | undefined;
  const engines = new Map<string, Engine>();
  return {
    async engineOf(digest) {
      const known = engines.get(digest);
      if (known !== undefined) return known;
      found ??= readBundles(dir).then((kept) => new Map(kept.map((one) => [one.digest, one.bundle])));
      const bundle = (await found).get(digest);
      if (bundle === undefined) return undefined;
      const engine = await createEngine(bundle.wasm, bundle.rules);
      engines.set(digest, engine);
      if (engines.size > KEPT) engines.delete(engines.keys().next().value!);
      return engine;
    },
  };
}

interface KeptBundle {
  readonly digest: string;
  readonly folder: string;
  readonly bundle: Bundle;
}

/** Those that can be read: a damaged one is as good as none. */
async function readBundles(dir: string): Promise<readonly KeptBundle[]> {
  const names = (await readdir(dir).catch(() => [] as string[])).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const read = await Promise.all(names.map(async (name) => ({ folder: path.join(dir, name), bundle: await readBundle(path.join(dir, name), `sha256:${name}`) })));
  return read.flatMap(({ folder, bundle }) => (bundle === undefined ? [] : [{ digest: digestOfPolicy(bundle), folder, bundle }]));
}

const NAMED = Buffer.from('"kind":"bundle_activated"');

/** Digests of the policies that the log in `dir` has decided by, and those in its `old/`: a segment names its own. */
export async function policiesOf(dir: string): Promise<ReadonlySet<string>> {
  const old = path.join(dir, 'old');
  const earlier = existsSync(old) ? (await readdir(old)).map((folder) => path.join(old, folder)) : [];
  const found = new Set<string>();
  for (const log of [dir, ...earlier]) for (const segment of existsSync(path.join(log, 'segments')) ? await listSegments(log) : []) await addFrom(segmentPath(log, segment), found);
  return found;
}

async function addFrom(segment: string, found: Set<string>): Promise<void> {
  const file = await open(segment, 'r');
  try {
    for await (const block of blocks(file)) for (let at = block.indexOf(NAMED); at !== -1; at = block.indexOf(NAMED, at + 1)) {
      const [, digest] = /"bundle":"(sha256:[0-9a-f]{64})"/.exec(block.toString('utf8', at, block.indexOf(10, at))) ?? [];
      if (digest !== undefined) found.add(digest);
    }
  } finally {
    await file.close();
  }
}

/**
 * Removes the kept policies that no record needs any more. One that no record ever named stays: it may be about to serve.
 * @param before what the log named before it was pruned.
 * @returns how many were removed.
 */
export async function dropPolicies(bundles: string, before: ReadonlySet<string>, dir: string): Promise<number> {
  const needed = await policiesOf(dir);
  const leaving = (await readBundles(bundles)).filter(({ digest }) => before.has(digest) && !needed.has(digest));
  for (const { folder } of leaving) await rm(folder, { recursive: true });
  return leaving.length;
}
