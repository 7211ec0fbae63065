// Asks a server the worst batches that the limits let through, as one caller, until its input ends; or asks whether it
// lives, and stops a vendor. A process of its own, so that no work of a test is counted.
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { constants, setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { MAX_ITEM_LENGTH, MAX_ITEM_MARKS } from '../../src/core/parse/items.ts';
import { MAX_FIELDS, MAX_PATHS_BYTES } from '../../src/core/parse/payload.ts';
import { MAX_ITEMS } from '../../src/core/parse/parse.ts';
import { BATCH_LIMIT } from '../../src/http/body.ts';

const [role, port, token = '', from = '0'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

const WHO = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics' };
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));
const regions = (round: number) => many(MAX_ITEMS, (index) => ({ dataSubject: { region: `r${round}-${index}` } }));
/** As many as a body holds, beside some room for the rest. */
const filling = (item: string) => `{"items":[${many(Math.min(MAX_ITEMS, Math.floor((BATCH_LIMIT - 1024) / (item.length + 1))), () => item).join(',')}]}`;
const payload = (text: string) => JSON.stringify({ ...WHO, event: 'genai_dashboard.viewed', payload: '?' }).replace('"?"', () => text);
const bytesEach = Math.floor(MAX_PATHS_BYTES / MAX_FIELDS);

/** By what is the worst of them; a new question each time, so that nothing is remembered. */
const BATCHES: Readonly<Record<string, (round: number) => string>> = {
  fields: (round) => JSON.stringify({ defaults: { ...WHO, fields: many(MAX_FIELDS, (index) => `unknown_${round}_${index}`) }, items: regions(round) }),
  answer: (round) => JSON.stringify({
    defaults: { ...WHO, event: 'settings.changed', fields: many(MAX_FIELDS, (index) => `config.${'\u0001'.repeat(bytesEach - 14)}${String(round % 1000 * 1000 + index).padStart(7, '0')}`) }, items: regions(round),
  }),
  values: (round) => JSON.stringify({ defaults: { ...WHO, event: 'genai_dashboard.viewed', payload: { values: many(9999, (index) => `some words of text ${index}`) } }, items: regions(round) }),
  categories: (round) => JSON.stringify({
    defaults: { ...WHO, identity: 'agent:copilot', onBehalfOf: 'user:sam', vendor: 'segment', categories: ['user.contact.email', ...many(200, (index) => `category_${index}`)] }, items: regions(round),
  }),
  keys: (round) => filling(payload(`{${many(MAX_ITEM_MARKS / 2 - 20, (index) => `"\\u006b${round}_${index}":1`).join(',')}}`)),
  brackets: () => filling(payload(`{"a":[${'[],'.repeat(MAX_ITEM_MARKS / 3 - 20)}1]}`)),
  numbers: () => filling(payload(`{"a":[${'1e400,'.repeat(MAX_ITEM_MARKS - 40)}1]}`)),
  text: () => filling(payload(`{"a":"${'\\"'.repeat(MAX_ITEM_LENGTH / 2 - 200)}"}`)),
  secrets: () => filling(payload(`{"a":"${'AKIA key=eyJ -----BEGIN '.repeat(300)}"}`)),
  mistakes: () => `{"items":[${many(MAX_ITEMS, (index) => `{"a":1,"a":${index}}`).join(',')}]}`,
};

async function post(path: string, body: string, bearer: string): Promise<{ readonly status: number; readonly bytes: number; readonly text: string }> {
  const req = request({ host: '127.0.0.1', port, path, agent, method: 'POST', headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } });
  req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let [bytes, text] = [0, ''];
  for await (const chunk of res as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (text.length < 4096) text += chunk.toString('latin1');
  }
  return { status: res.statusCode!, bytes, text };
}

/** Tells each batch that was answered. */
async function load(): Promise<void> {
  // Callers have machines of their own: what they do is not to hold the server up.
  setPriority(constants.priority.PRIORITY_LOW);
  const batches = Object.entries(BATCHES);
  let ended = false;
  process.stdin.resume().once('end', () => { ended = true; });
  for (let count = Number(from); !ended; count += 1) {
    const [name, body] = batches[count % batches.length]!;
    const text = body(process.pid * 100 + count);
    if (Buffer.byteLength(text) > BATCH_LIMIT) throw new Error(`${name}: ${text.length} bytes are more than a batch may have`);
    const { status, bytes } = await post('/check/batch', text, token);
    process.stdout.write(`${JSON.stringify({ name, status, bytes })}\n`);
  }
  agent.destroy();
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const startedAt = performance.now();
  const value = await work();
  return { ms: performance.now() - startedAt, value };
}

async function get(path: string): Promise<number> {
  const req = request({ host: '127.0.0.1', port, path, agent });
  req.end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  res.resume();
  await once(res, 'end');
  return res.statusCode!;
}

const LIVES = 100;

/** How long whether it lives took at most, before and after the switch; how long the switch took; and what then holds. */
async function watch(): Promise<void> {
  const lives: number[] = [];
  let switched: { readonly ms: number; readonly value: { readonly status: number } } | undefined;
  for (let time = 0; time < LIVES; time += 1) {
    const { ms, value } = await timed(() => get('/livez'));
    if (value !== 200) throw new Error(`/livez: ${value}`);
    lives.push(ms);
    if (time === LIVES / 2) switched = await timed(() => post('/admin/vendors/mixpanel/state', '{"state":"breached"}', 'demo-admin'));
    await pause(20);
  }
  const { text } = await post('/check', JSON.stringify({ ...WHO, event: 'genai_dashboard.viewed', fields: ['anon_user_id'] }), 'demo-gateway');
  process.stdout.write(JSON.stringify({ lives: Math.max(...lives), switch: switched!.ms, status: switched!.value.status, decision: (JSON.parse(text) as { decision: string }).decision, text }));
  agent.destroy();
}

await (role === 'load' ? load() : watch());
