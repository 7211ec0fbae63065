// Preloaded into a server: a worker that only burns a core, to compare a sync with.
import { isMainThread, Worker } from 'node:worker_threads';

if (isMainThread) new Worker('for (;;);', { eval: true }).unref();
