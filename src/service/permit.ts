import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Facts } from '../core/facts.ts';
import type { PackedMapped } from '../sources/permit/build.ts';
import type { Logger } from '../open.ts';
import { receive, type Merged } from '../sources/permit/receive.ts';
import type { Active } from '../sources/permit/keep/status.ts';
import { openPermitSync, type PermitSync } from '../sources/permit/sync.ts';
import { PROGRAM } from '../version.ts';

/** The keys, as they stand in their file now. */
export interface PermitKeys {
  environments(): readonly string[];
  key(environment: string): string | undefined;
}

/** Where environments are administered in Permit, and how they are read. */
export interface PermitOptions {
  readonly apiUrl: string;
  readonly keys: PermitKeys;
  readonly intervalMs: number;
  /** For each key; 0: no bound. */
  readonly requestsPerMinute: number;
}

/** What an environment is decided by, as Permit and the files together say it. */
export interface OwnFacts extends Merged {
  readonly generation: Active;
}

/** The environments that have a key of Permit's. */
export interface PermitSource {
  readonly environments: readonly string[];
  /** Those that something decides, with facts merged with these of the files. @throws {Error} when they contradict each other. */
  own(base: Facts): ReadonlyMap<string, OwnFacts>;
  readonly sync: PermitSync;
  /** One line for each environment: what decides it, and what of the files doesn't. */
  tell(base: Facts): void;
  /** Has keys that were changed in their file used from the next read on. */
  renewKeys(): void;
}

export interface PermitDeps extends PermitOptions {
  readonly dataDir: string;
  /** The environments that the files know. */
  readonly known: { has(environment: string): boolean };
  /** The last record of what was activated: of each environment what it names is taken from disk, and nothing else. */
  readonly before: Readonly<Record<string, unknown>> | undefined;
  readonly lastRecordMs: number;
  /** Swaps and records; throws to keep what decided before. */
  readonly activate: () => Promise<void>;
  readonly logger: Logger;
  readonly now: () => number;
  readonly monotonic: () => number;
}

const extension = path.extname(fileURLToPath(import.meta.url));

/** Opens what is kept on disk; Permit itself is asked only after `sync.start()`. */
export async function openPermit(deps: PermitDeps): Promise<PermitSource> {
  const { keys, logger } = deps;
  const environments = keys.environments();
  const unknown = environments.filter((environment) => !deps.known.has(environment));
  if (unknown.length > 0) throw new Error(`the file of Permit's keys names ${unknown.join(', ')}, which environments.yaml doesn't: add it there, or take the line out`);
  const wanted = new Map(Object.entries((deps.before?.['permit'] ?? {}) as Readonly<Record<string, { readonly digest: string; readonly number: number }>>));
  /** What is about to decide, while it is being put to use. */
  let next: Active | undefined;
  let nextOf: string | undefined;
  const merged = new Map<string, { readonly base: Facts; readonly own: OwnFacts }>();

  const sync = await openPermitSync({
    folder: path.join(deps.dataDir, 'permit'),
    apiUrl: deps.apiUrl,
    environments: new Map(environments.map((name) => [name, { key: keys.key(name)!, wanted: wanted.get(name) }])),
    program: PROGRAM,
    intervalMs: deps.intervalMs,
    requestsPerMinute: deps.requestsPerMinute,
    lastRecordMs: deps.lastRecordMs,
    build: new URL(`../sources/permit/build${extension}`, import.meta.url).href,
    async onVerified(environment, generation) {
      [nextOf, next] = [environment, generation];
      try {
        await deps.activate();
      } finally {
        [nextOf, next] = [undefined, undefined];
      }
      tellOne(environment, merged.get(environment)?.own);
    },
    onAttempt({ environment, lastAttempt, failures }) {
      if (lastAttempt?.message !== undefined) logger.warn({ environment, outcome: lastAttempt.outcome, reason: lastAttempt.message, failures }, 'Permit could not be read; what was verified last stays');
    },
    unmapped: (environment) => merged.get(environment)?.own.unmapped.length ?? 0,
    now: deps.now,
    monotonic: deps.monotonic,
  });

  function tellOne(environment: string, own: OwnFacts | undefined): void {
    if (own === undefined) return logger.info({ environment }, 'administered in Permit: not ready before it was read');
    const { generation, setAside, unmapped } = own;
    logger.info({ environment, generation: generation.number, ageMs: Math.round(generation.ageMs()), setAside, unmapped: unmapped.length }, 'administered in Permit; what policies say of these kinds is set aside');
  }

  function ownOf(environment: string, base: Facts): OwnFacts | undefined {
    const generation = environment === nextOf ? next : sync.active(environment);
    if (generation === undefined) return undefined;
    const known = merged.get(environment);
    if (known?.base === base && known.own.generation.digest === generation.digest) return { ...known.own, generation };
    const own = { ...receive(base, generation.message as PackedMapped), generation };
    merged.set(environment, { base, own });
    return own;
  }

  return {
    environments,
    own: (base) => new Map(environments.flatMap((environment) => {
      const own = ownOf(environment, base);
      return own === undefined ? [] : [[environment, own] as const];
    })),
    sync,
    tell: (base) => environments.forEach((environment) => tellOne(environment, ownOf(environment, base))),
    renewKeys() {
      for (const environment of environments) {
        const key = keys.key(environment);
        if (key !== undefined) sync.setKey(environment, key);
      }
    },
  };
}
