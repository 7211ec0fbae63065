import { once } from 'node:events';
import type { Response } from 'express';
import { routeOf, stateOf } from '../reply.ts';
import type { HttpObserver } from '../metrics.ts';

/**
 * Sends what comes, as fast as the client reads it and no faster; ends `chunks` when the client goes. What fails on the
 * way breaks the connection off, so that nobody takes a part for the whole.
 */
export async function stream(res: Response, chunks: AsyncGenerator<string>, { type, observer }: { readonly type: string; readonly observer: HttpObserver }): Promise<void> {
  const { requestId, startedAt } = stateOf(res);
  res.writeHead(200, ['Content-Type', type, 'X-Request-ID', requestId, 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff']);
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  for await (const chunk of chunks) {
    if (res.destroyed) break;
    if (!res.write(chunk)) await once(res, 'drain', { signal: gone.signal }).catch(() => {});
  }
  res.end();
  observer.answered({ route: routeOf(res), method: res.req.method, status: 200, seconds: (performance.now() - startedAt) / 1000 });
}
