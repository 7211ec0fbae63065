import { constants, setPriority } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread: of its own environment, which is empty, and of none of the process's options.
 *
 * V8 13.6 (Node 24) aborts the whole process now and then ("Check failed: jit_page_->allocations_.erase") when two
 * threads replace the stubs by which WebAssembly calls JavaScript: one cache serves all threads, and a stub is freed
 * twice. Node itself calls that way, where it strips types and where it reads HTTP for `fetch`. Rules can't: they have no
 * function of the host's. So from the first thread on stubs stay as they are made (nodejs/node#64500 tells of the same).
 *
 * @param file the thread's module; see `beside`.
 */
export function startThread(file: URL, options: WorkerOptions): Worker {
  setFlagsFromString('--wasm-wrapper-tiering-budget=2147483647');
  return new Worker(file, { env: {}, execArgv: [], ...options });
}

/** The module `name` beside the one whose `import.meta.url` is given: TypeScript in a checkout, JavaScript in the package. */
export const beside = (url: string, name: string) => new URL(`./${name}${url.endsWith('.ts') ? '.ts' : '.js'}`, url);

/**
 * Lets the thread that answers questions go before the calling one. On Linux a thread has a priority of its own;
 * elsewhere this would be that of the whole process, and nothing is done.
 */
export function giveWay(): void {
  if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
}
