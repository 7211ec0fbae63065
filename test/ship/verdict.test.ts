import { parseQuestion } from '../../src/core/parse/parse.ts';
import type { Question } from '../../src/core/question.ts';
import type { Pdp } from '../../src/pdp.ts';
import { createAsk, type Receiver } from '../../src/ship/verdict.ts';
import { openWorld, removeWorlds, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => { world = await openWorld(); });
afterAll(removeWorlds);

const asked: Question[] = [];
/** The real rules, without the record. */
const check = (async (question: Question) => {
  asked.push(question);
  const { destination, ...rest } = question;
  const { dataSubject: _, context: __, ...body } = rest;
  const decision = world.ask({ ...body, ...(destination !== undefined && { destination: `https://${destination.host}/` }) });
  return { json: '', answer: { ...decision, revision: { number: 3, digest: '', ageMs: 0 }, expiresAt: null } };
}) as unknown as Pdp['check'];
const ask = (receiver: Omit<Receiver, 'environment'>, kind = 'decision') => createAsk({ check, facts: () => world.snapshot.world.catalogue.facts })({ environment: 'production', ...receiver }, kind);

test('at home every declared field leaves as it is', async () => {
  const verdict = await ask({ vendor: 'internal-obs' });
  expect(verdict).toMatchObject({ revision: 3, expiresAtMs: null });
  expect(verdict).not.toHaveProperty('held');
  expect(verdict.leaves.filter(([, leave]) => leave !== 'whole')).toEqual([]);
  expect(verdict.leaves.map(([path]) => path)).toEqual(expect.arrayContaining(['leaf', 'identity.user', 'about', 'reasons']));
});

test('of a kind only its own members are asked about', async () => {
  expect((await ask({ vendor: 'internal-obs' }, 'stop')).leaves.map(([path]) => path).sort()).toEqual(['index', 'kind', 'leaf', 'origin', 'program', 'time', 'v']);
  expect((await ask({ vendor: 'internal-obs' }, 'a kind of tomorrow')).leaves.map(([path]) => path).sort()).toEqual(['index', 'kind', 'leaf', 'origin', 'time', 'v']);
});

test('a host that the catalogue knows must be the vendor\'s', async () => {
  const address = { host: 'OTEL.internal.example', secure: true };
  expect(await ask({ vendor: 'internal-obs', address })).not.toHaveProperty('held');
  expect(asked.at(-1)?.destination).toEqual(address);
  await expect(ask({ vendor: 'internal-obs', address: { host: 'http-intake.logs.datadoghq.com', secure: true } })).rejects.toMatchObject({ code: 'request_invalid' });
  await ask({ vendor: 'internal-obs', address: { host: 'db.internal.example', secure: true } });
  expect(asked.at(-1)?.destination).toBeUndefined();
});

test('a vendor that nobody knows, and one without a grant, hold everything, and it is said by what rule', async () => {
  expect((await ask({ vendor: 'unheard-of' })).held).toContain('unknown_vendor (unknown-vendor)');
  expect((await ask({ vendor: 'splunk' })).held).toContain('v, index, origin, kind, time, leaf may not leave: no_permit (default-deny)');
});

test('the question is one that anybody could ask', async () => {
  await ask({ vendor: 'internal-obs' });
  const { destination: _, ...question } = asked.at(-1)!;
  expect(parseQuestion(JSON.parse(JSON.stringify(question)))).toMatchObject({ identity: 'service:sluice', channel: 'export', event: 'sluice.decision_record' });
});
