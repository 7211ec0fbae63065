import { closeSync, openSync } from 'node:fs';

// Imports nothing of ours: it must be there before anything else is.

export interface SignalHandlers {
  end(): void;
  /** SIGHUP, but for one that a terminal sends that is closed: that ends, as it does for every program in it. */
  reload(): void;
}

export interface Signals {
  /** From now on these act; what came before is done now, once. */
  handle(handlers: SignalHandlers): void;
  /** Lets go: signals do what they do by default. */
  release(): void;
}

// Of the process, as signals are.
let held: Signals | undefined;

/**
 * Takes SIGHUP, SIGTERM and SIGINT. Until `handle` is called SIGHUP, which would end the process by default, is
 * remembered; the others end it at once, with exit code 0: nobody has been answered yet, and a process 1, as in a
 * container, would not even hear them. Called again, it gives the same.
 */
export function holdSignals(): Signals {
  if (held !== undefined) return held;
  let handlers: SignalHandlers | undefined;
  let isReloadWanted = false;
  const end = () => {
    if (handlers !== undefined) return handlers.end();
    process.exit(0);
  };
  const hasTerminal = process.stdout.isTTY || process.stderr.isTTY;
  const reload = () => {
    if (hasTerminal && isTerminalClosed()) end();
    else if (handlers === undefined) isReloadWanted = true;
    else handlers.reload();
  };
  const taken = [['SIGTERM', end], ['SIGINT', end], ['SIGHUP', reload]] as const;
  for (const [signal, handler] of taken) process.on(signal, handler);
  held = {
    handle(given) {
      handlers = given;
      if (isReloadWanted) given.reload();
      isReloadWanted = false;
    },
    release() {
      for (const [signal, handler] of taken) process.off(signal, handler);
      held = undefined;
    },
  };
  return held;
}

/** The system takes a terminal away from its processes when it hangs up. */
function isTerminalClosed(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}
