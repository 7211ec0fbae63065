import type { Server } from 'node:http';

/** Ends a server without losing an answer. */
export interface Drain {
  readonly isDraining: () => boolean;
  /** Starts to drain; called again, it waits no longer. */
  begin(): void;
  /** Resolves when no connection is left; never before `begin`. */
  readonly done: Promise<void>;
}

export interface DrainOptions {
  readonly servers: readonly Server[];
  /** How long it keeps serving with `/readyz` at 503, while whoever sends questions here learns to go elsewhere. */
  readonly waitMs: number;
  /** How long, after that, requests under way may take before their connections are cut. */
  readonly graceMs?: number;
}

export function createDrain({ servers, waitMs, graceMs = 10_000 }: DrainOptions): Drain {
  let draining = false;
  let waiting: NodeJS.Timeout | undefined;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();

  function finish(): void {
    clearTimeout(waiting);
    waiting = undefined;
    // A connection that was opened and never used counts as busy until it is cut.
    const cut = setTimeout(() => servers.forEach((server) => server.closeAllConnections()), graceMs);
    Promise.all(servers.map(close)).then(() => {
      clearTimeout(cut);
      resolve();
    }, reject);
  }

  return {
    isDraining: () => draining,
    begin() {
      if (!draining) {
        draining = true;
        waiting = setTimeout(finish, waitMs);
      } else if (waiting !== undefined) {
        finish();
      }
    },
    done,
  };
}

/** Resolves when the last connection has ended. Idle ones end at once (Node's `close` sees to it), busy ones with their answer. */
function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
  });
}
