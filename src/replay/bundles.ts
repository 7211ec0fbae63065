import { readdir } from 'node:fs/promises';
import path from 'node:path';
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
      found ??= readAll(dir);
      const bundle = (await found).get(digest);
      if (bundle === undefined) return undefined;
      const engine = await createEngine(bundle.wasm, bundle.rules);
      engines.set(digest, engine);
      if (engines.size > KEPT) engines.delete(engines.keys().next().value!);
      return engine;
    },
  };
}

async function readAll(dir: string): Promise<ReadonlyMap<string, Bundle>> {
  const names = (await readdir(dir).catch(() => [] as string[])).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const bundles = await Promise.all(names.map((name) => readBundle(path.join(dir, name), `sha256:${name}`)));
  return new Map(bundles.flatMap((bundle) => (bundle === undefined ? [] : [[digestOfPolicy(bundle), bundle] as const])));
}
