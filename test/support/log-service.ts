import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface OpaEvent {
  readonly labels: Readonly<Record<string, string>>;
  readonly decision_id: string;
  readonly path: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly result: Readonly<Record<string, unknown>>;
  readonly timestamp: string;
  readonly erased?: readonly string[];
  readonly masked?: readonly string[];
}

/** What OPA uploads its decision logs to: takes gzipped arrays of events at `/logs`. */
export interface LogService {
  readonly url: string;
  /** As they came, repetitions included. */
  readonly events: readonly OpaEvent[];
  readonly headers: readonly IncomingHttpHeaders[];
  uploads(): number;
  /** What every upload is answered from now on; 200 at first. */
  answer(status: number, headers?: OutgoingHttpHeaders): void;
  /** Resolves when an upload has come that is then answered. */
  uploaded(): Promise<void>;
  close(): Promise<void>;
}

export async function openLogService(): Promise<LogService> {
  const events: OpaEvent[] = [];
  const headers: IncomingHttpHeaders[] = [];
  let status = 200;
  let answered: OutgoingHttpHeaders = {};
  let count = 0;
  let waiting: (() => void)[] = [];
  const server: Server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      count += 1;
      headers.push(req.headers);
      const isUpload = req.method === 'POST' && req.url === '/logs' && req.headers['content-encoding'] === 'gzip';
      if (isUpload && status === 200) events.push(...JSON.parse(gunzipSync(Buffer.concat(chunks)).toString()) as OpaEvent[]);
      res.writeHead(isUpload ? status : 404, answered).end(() => {
        for (const go of waiting.splice(0)) go();
      });
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events, headers,
    uploads: () => count,
    answer(next, with_ = {}) { [status, answered] = [next, with_]; },
    uploaded: () => new Promise((resolve) => { waiting = [...waiting, resolve]; }),
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}
