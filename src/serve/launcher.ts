import { readFileSync } from 'node:fs';
import path from 'node:path';

// Programs that start another one, wait for it, and don't pass on every signal that they get.
const LAUNCHERS = /^(npm|npx|yarn|yarnpkg|pnpm|pnpx|bunx|corepack|make|gmake)(-cli)?(-[\d.]+)?(\.c?js)?$/;
const SHELLS = /^-?(sh|dash|bash|ash|busybox|ksh|mksh|zsh)$/;
const MAX_STEPS = 8;
const LOOK_MS = 500;

interface Seen {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** When it began, so that another one of the same number isn't taken for it. */
  readonly began: string;
  readonly command: readonly string[];
}

export interface LauncherWatch {
  /** From now on a shell that ends had been waiting too: before, it has put this process into the background. */
  settle(): void;
  close(): void;
}

/**
 * Calls `onGone`, with its name, once the npm, npx, make … that waits for this process has gone, which would leave it
 * behind with its port and its lock, while everybody takes it for ended. Nobody is watched by a process that was put
 * into the background or has a session of its own (nohup … &, setsid), nor by one that an init, a service manager or a
 * shell started. Undefined where there is nobody to watch, and where the system has no /proc.
 */
export function watchLauncher(onGone: (name: string) => void): LauncherWatch | undefined {
  const chain = chainAbove(process.pid);
  const launcher = chain.at(-1);
  if (launcher === undefined) return undefined;
  let isSettled = false;
  const timer = setInterval(() => {
    const gone = chain.filter(({ pid, began }) => look(pid)?.began !== began);
    if (gone.length === 0) return;
    clearInterval(timer);
    if (isSettled || gone.every((one) => one === launcher)) onGone(nameOf(launcher));
  }, LOOK_MS);
  timer.unref();
  return { settle: () => { isSettled = true; }, close: () => clearInterval(timer) };
}

/** The shells above the process, nearest first, and the launcher above them; empty when there is none. */
function chainAbove(pid: number): readonly Seen[] {
  const self = look(pid);
  const chain: Seen[] = [];
  for (let above = self?.parent ?? 0; above > 1 && chain.length < MAX_STEPS;) {
    const found = look(above);
    if (found === undefined || found.session !== self!.session) return [];
    chain.push(found);
    if (isLauncher(found)) return chain;
    if (!SHELLS.test(path.basename(found.command[0] ?? ''))) return [];
    above = found.parent;
  }
  return [];
}

// What is run by Node has the program's file as its second word, unless it gave itself a title, as npm does.
const words = ({ command: [first = '', second = ''] }: Seen) => (
  [...first.split(' ').slice(0, 1), second].map((word) => path.basename(word))
);
const isLauncher = (seen: Seen) => words(seen).some((word) => LAUNCHERS.test(word));
const nameOf = (seen: Seen) => words(seen).find((word) => LAUNCHERS.test(word)) ?? '';

/** Undefined when there is no such process, or it has ended and nobody has taken notice. */
function look(pid: number): Seen | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return { pid, parent: Number(fields[1]), session: Number(fields[3]), began: fields[19]!, command };
  } catch {
    return undefined;
  }
}
