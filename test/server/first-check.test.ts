import { exec } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Answer } from '../../src/core/answer.ts';
import { endServers, makeFolder, readRecords, startServer, until } from '../support/server.ts';

afterAll(endServers);

test('the question of the banner, as it is printed, is denied with its reasons, and its record and input are in the log', async () => {
  const server = await startServer();
  const [, command] = await until(async () => /(curl -s [\s\S]*'\{.*\}')\n/.exec(server.output()) ?? [], ([, found]) => found !== undefined);
  const { stdout } = await promisify(exec)(command!);
  const answer = JSON.parse(stdout) as Answer;

  expect(answer.decision).toBe('deny');
  expect(Object.fromEntries(Object.entries(answer.fields).map(([path, { effect }]) => [path, effect]))).toEqual({ anon_user_id: 'allow', city: 'transform', org_id: 'deny' });
  expect(answer.reasons.length).toBeGreaterThan(0);
  expect(answer.reasons.every(({ code, rule, message, fix, fields }) => code !== undefined && rule !== '' && message !== '' && fix !== '' && fields.includes('org_id'))).toBe(true);
  expect(answer.fix).toEqual({ drop: ['org_id'], exact: true });

  const records = await readRecords(server.dataDir);
  const record = records[answer.log.index]!;
  expect(record).toMatchObject({ kind: 'decision', decisionId: answer.decisionId, decision: 'deny', caller: 'demo-gateway', origin: answer.log.origin, memo: false });
  const input = records.findIndex(({ kind, digest }) => kind === 'input' && digest === record['input']);
  expect(input).toBeGreaterThanOrEqual(0);
  expect(input).toBeLessThan(answer.log.index);
});

test('a catalogue in which there is nothing to ask about serves, and denies', async () => {
  const policies = await makeFolder();
  await writeFile(path.join(policies, 'callers.yaml'), 'callers:\n  demo-gateway: { demo: true, identities: ["*"], environments: ["*"], powers: [check] }\n');
  const server = await startServer({ policies });
  expect((await server.check()).reasons.map(({ code }) => code)).toContain('unknown_event');
});

test('fix.drop of the answer, applied, may leave', async () => {
  const server = await startServer();
  const { fix } = await server.check();
  const left = ['anon_user_id', 'city', 'org_id'].filter((field) => !fix!.drop.includes(field));
  const answer = await server.check({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: left });
  expect(answer.decision).toBe('transform');
  expect(answer.obligations).toEqual([expect.objectContaining({ field: 'city', op: 'coarsen_geo' })]);
});
