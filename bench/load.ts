import { request, Agent } from 'node:http';

/** Asks `url` over and over from `connections` kept connections; answers a second, and latencies in milliseconds. */
export async function load({ url, bodies, headers, connections, forMs }: {
  readonly url: string; readonly bodies: readonly string[]; readonly headers: Readonly<Record<string, string>>; readonly connections: number; readonly forMs: number;
}): Promise<{ readonly perSecond: number; readonly p50: number; readonly p99: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencies: number[] = [];
  const startedAt = performance.now();
  let next = 0;
  const ask = () => new Promise<void>((resolve, reject) => {
    const at = performance.now();
    const body = bodies[next++ % bodies.length]!;
    request(url, { agent, method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
      response.resume().on('end', () => { latencies.push(performance.now() - at); resolve(); });
    }).on('error', reject).end(body);
  });
  await Promise.all(Array.from({ length: connections }, async () => {
    while (performance.now() - startedAt < forMs) await ask();
  }));
  const seconds = (performance.now() - startedAt) / 1000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!;
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

export const spread = (values: readonly number[]) => `${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}`;
