import type { PermitData, PermitError } from '../data.ts';
import type { Generation, Seen } from './state.ts';

// What the main thread and the thread that reads Permit say to each other. Keys stand in requests alone.

/** Where the generations of an environment are kept, and what is known of them from the decision log. */
export interface Store {
  readonly environment: string;
  /** `<data dir>/permit` */
  readonly folder: string;
  readonly keep: number;
  readonly program: string;
  /** A number that is known to have been given. */
  readonly atLeast?: number | undefined;
}

export type Request = { readonly store: Store } & (
  | { readonly type: 'open'; readonly wanted?: string | undefined }
  | { readonly type: 'load'; readonly number: number }
  | { readonly type: 'pin'; readonly number: number | undefined }
  | { readonly type: 'note'; readonly seen: Seen }
  | ScanRequest
);

export interface ScanRequest {
  readonly type: 'scan';
  readonly apiUrl: string;
  readonly key: string;
  /** Whether every request needs a grant of the main thread, which keeps the budget. */
  readonly budgeted: boolean;
  /** What decides now; undefined before the first. */
  readonly active?: { readonly number: number; readonly digest: string } | undefined;
  /** Steady time of now: that of the read, which begins with this. */
  readonly seen: Seen;
}

export type FromMain =
  | { readonly id: number; readonly type: 'request'; readonly request: Request }
  | { readonly id: number; readonly type: 'granted'; readonly waitedMs: number }
  | { readonly id: number; readonly type: 'abort' };

export type FromWorker =
  | { readonly id: number; readonly type: 'progress'; readonly progress: Progress }
  | { readonly id: number; readonly type: 'mayRequest' }
  | { readonly id: number; readonly type: 'done'; readonly reply: Reply };

export interface Progress {
  readonly phase: string;
  readonly rows: number;
  readonly requests: number;
}

/**
 * Why something could not be done: as Permit's reader says it, or `unconfirmed` a mass change that a further read
 * doesn't bear out, `build` the content can't be used, `disk` it can't be read from disk or written, `worker` the
 * thread died, `activation` whoever decides by it refused it, `aborted` on close.
 */
export type FailureKind = PermitError['kind'] | 'unconfirmed' | 'build' | 'disk' | 'worker' | 'activation' | 'aborted';

export interface Failure {
  readonly kind: FailureKind;
  /** For the operator; holds neither key nor value. */
  readonly message: string;
}

/** A generation, and what the build step made of it; `built` is absent where it wasn't asked for. */
export interface Loaded {
  readonly generation: Generation;
  readonly built?: { readonly message: unknown };
}

export interface Kept {
  /** Oldest first. */
  readonly generations: readonly Generation[];
  readonly pinned?: number | undefined;
  readonly seen: Seen;
}

export interface Cost {
  readonly requests: number;
  /** Without the time spent waiting for the budget and for the confirmation of a mass change. */
  readonly workedMs: number;
}

export interface Reply {
  readonly failure?: Failure;
  readonly loaded?: Loaded;
  readonly kept?: Kept;
  /** Of a scan. */
  readonly cost?: Cost;
  /** Of a scan: the generations that have the content that was just read. */
  readonly renewed?: readonly number[];
}

/**
 * A module given as `build`: makes of the verified content what decides by it, in the thread, so that the main thread
 * only takes it over. Big parts belong into shared or transferred buffers.
 *
 * @throws {PermitError} with a message for the operator; of any other error only its name is told.
 */
export interface BuildModule {
  build(content: PermitData, environment: string): Built | Promise<Built>;
}

export interface Built {
  readonly message: unknown;
  /** What `postMessage` may move instead of copying: array buffers and ports. */
  readonly transfer?: readonly ArrayBuffer[];
}

/** What the thread is started with: addresses of modules. */
export interface ThreadData {
  /** Exports `scanPermit: ScanPermit`. */
  readonly scan: string;
  /** A {@link BuildModule}. */
  readonly build?: string | undefined;
}

/** What a person asked for could not be done. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly kind: FailureKind;

  constructor({ kind, message }: Failure, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
