import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import path from 'node:path';
import type { Answer } from '../../src/core/answer.ts';
import { endServers, readRecords, startServer, type RunningServer } from '../support/server.ts';
import { copyPolicies, removeWorlds } from '../support/world.ts';

afterAll(async () => {
  await endServers();
  await removeWorlds();
});

const BASE = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed' };

/** A thousand different questions, of which all are answered when `meanwhile` has; it begins with the first answers. */
async function askAround(server: RunningServer, meanwhile: () => Promise<unknown>): Promise<readonly Answer[]> {
  const items = Array.from({ length: 1000 }, (_, n) => ({ dataSubject: { region: `r${n}` }, rows: n + 1 }));
  const req = request({ host: '127.0.0.1', port: server.port, path: '/check/batch', method: 'POST', headers: { authorization: 'Bearer demo-gateway', 'content-type': 'application/json' } });
  req.end(JSON.stringify({ defaults: { ...BASE, fields: ['anon_user_id'] }, items }));
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  const done = meanwhile();
  let text = '';
  for await (const chunk of res.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  await done;
  return (JSON.parse(text) as { items: Answer[] }).items;
}

test('F24, J26: a worse state of a vendor counts at once for the items that are judged after it, and no record behind it allows', async () => {
  const server = await startServer();
  const answers = await askAround(server, async () => expect((await server.setVendor('mixpanel', 'breached')).status).toBe(200));
  const decisions = answers.map(({ decision }) => decision);
  const from = decisions.indexOf('deny');
  expect([from > 0, new Set(decisions.slice(0, from)), new Set(decisions.slice(from))]).toEqual([true, new Set(['allow']), new Set(['deny'])]);
  expect(answers.map(({ revision }) => revision.number)).toEqual(decisions.map((decision) => (decision === 'allow' ? 1 : 2)));

  const records = await readRecords(server.dataDir);
  expect(answers.map(({ log, decisionId }) => records[log.index]!['decisionId'] === decisionId).includes(false)).toBe(false);
  const activated = records.findLastIndex(({ kind }) => kind === 'snapshot_activated');
  expect(records[activated]).toMatchObject({ vendorStates: { mixpanel: 'breached' } });
  expect(records.slice(activated).filter(({ kind, decision }) => kind === 'decision' && decision !== 'deny')).toEqual([]);
  // The act went ahead of what was waiting, and its effect keeps its place.
  expect(records.findIndex(({ kind }) => kind === 'vendor_state')).toBeLessThan(activated);
});

test('J26: facts that are read meanwhile, and a state that is no worse, change nothing for a batch that has begun', async () => {
  const policies = await copyPolicies({});
  const server = await startServer({ policies });
  expect((await server.setVendor('amplitude', 'under_review')).status).toBe(200);
  const file = path.join(policies, 'vendors.yaml');
  const text = await readFile(file, 'utf8');
  const answers = await askAround(server, async () => {
    expect((await server.setVendor('amplitude', 'active')).status).toBe(200);
    await writeFile(file, `${text}\n  newcomer:\n    name: Newcomer\n    party: third\n    categories: [analytics]\n    owner: nobody\n    regions: [US]\n`);
    await server.reload();
  });
  expect(answers).toHaveLength(1000);
  expect(new Set(answers.map(({ revision }) => revision.digest)).size).toBe(1);
  const after = await server.check({ ...BASE, fields: ['anon_user_id'] });
  expect(after.revision.number).toBeGreaterThan(answers[0]!.revision.number);
});

test('J27: a batch that asks for a revision which is only just being read waits for it, once and together', async () => {
  const server = await startServer({ policies: await copyPolicies({}) });
  const body = { defaults: { ...BASE, fields: ['anon_user_id'] }, items: Array.from({ length: 1000 }, (_, n) => (n === 0 ? {} : { minRevision: 2 })) };
  const asked = server.send('/check/batch', { body });
  expect((await server.setVendor('amplitude', 'under_review')).status).toBe(200);
  const items = (await asked).json()['items'] as Answer[];
  expect(items.slice(1).map(({ revision }) => revision?.number)).toEqual(new Array(999).fill(2));
  // One that never comes is waited for once.
  const startedAt = performance.now();
  const never = (await server.send('/check/batch', { body: { ...body, items: body.items.map(() => ({ minRevision: 9 })) } })).json()['items'] as { error: { code: string } }[];
  expect(new Set(never.map(({ error }) => error.code))).toEqual(new Set(['stale_revision']));
  expect(performance.now() - startedAt).toBeLessThan(10_000);
}, 60_000);
