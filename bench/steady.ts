import { Agent, request } from 'node:http';

/** Asks `perSecond` questions, whether or not the earlier ones are answered, while `lasting`; gives the times in milliseconds. */
export async function askSteadily({ url, body, token, perSecond, lasting }: {
  readonly url: string; readonly body: string; readonly token: string; readonly perSecond: number; readonly lasting: () => boolean;
}): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const times: number[] = [];
  const under = new Set<Promise<void>>();
  const startedAt = performance.now();
  for (let asked = 0; lasting();) {
    const due = Math.floor((performance.now() - startedAt) / 1000 * perSecond);
    for (; asked < due; asked += 1) {
      const one = ask(url, { agent, body, token }).then((ms) => void times.push(ms)).finally(() => under.delete(one));
      under.add(one);
    }
    await new Promise((resolve) => { setTimeout(resolve, 2); });
  }
  await Promise.all(under);
  agent.destroy();
  return times;
}

const ask = (url: string, { agent, body, token }: { readonly agent: Agent; readonly body: string; readonly token: string }) => new Promise<number>((resolve, reject) => {
  const from = performance.now();
  const sent = request(url, { agent, method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (response) => {
    response.resume();
    response.once('end', () => (response.statusCode === 200 ? resolve(performance.now() - from) : reject(new Error(`${url} answered ${response.statusCode}`))));
  });
  sent.once('error', reject);
  sent.end(body);
});
