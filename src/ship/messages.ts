import type { News } from './shipper.ts';
import type { SinkSpec } from './sinks-file.ts';
import type { Verdict } from './verdict.ts';

/** What the thread is started with. */
export interface ThreadData {
  /** `<data directory>` */
  readonly dataDir: string;
  readonly origin: string;
  readonly sinks: readonly SinkSpec[];
  readonly now: State;
}

/** How far the log is durable, and the number of the revision that decides in each environment. */
export interface State {
  readonly durable: number;
  readonly revisions: Readonly<Record<string, number>>;
}

export type ToThread =
  | { readonly type: 'state'; readonly state: State }
  | { readonly type: 'verdict'; readonly id: number; readonly verdict: Verdict }
  /** It can't be asked now. */
  | { readonly type: 'refused'; readonly id: number; readonly reason: string }
  | { readonly type: 'close' };

export type FromThread =
  | { readonly type: 'ask'; readonly id: number; readonly sink: string; readonly kind: string }
  | { readonly type: 'news'; readonly sink: string; readonly news: News }
  | { readonly type: 'warning'; readonly sink: string; readonly warning: string; readonly members: object };
