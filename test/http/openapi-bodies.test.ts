import fc from 'fast-check';
import { createOpenApi } from '../../src/http/openapi.ts';
import { removeWorlds } from '../support/world.ts';
import { validatorOf } from './described.ts';
import { closeAll, fakePdp, openHarness, QUESTION, type Received } from './harness.ts';
import { closeDropIns, openDropIn, type OpenedDropIn } from './permit-support.ts';

// What the document allows is not refused for its form, and what it forbids is.

const document = createOpenApi({ permit: true, logAdmin: true });
const schemaOf = (name: string) => validatorOf(document, 'components', 'schemas', name);

let server: OpenedDropIn;
beforeAll(async () => {
  server = await openDropIn();
});
afterEach(closeAll);
afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

const JUNK: readonly unknown[] = [
  null,
  true,
  0,
  1,
  2,
  -1,
  1.5,
  2 ** 53 - 1,
  '',
  'x',
  'rollback',
  'active',
  'a'.repeat(256),
  'a'.repeat(257),
  [],
  ['x'],
  [7],
  {},
  { x: 1 },
];
const any = fc.constantFrom(...JUNK);
/** A body that is right but for two members, each right, wrong, absent or known to nobody; or no object at all. */
function bodies(members: Readonly<Record<string, readonly unknown[]>>, right: object = {}): fc.Arbitrary<unknown> {
  const spoilt = fc
    .subarray([...Object.keys(members), 'other'], { maxLength: Math.min(2, Object.keys(members).length + 1) })
    .chain((names) =>
      fc.record(
        Object.fromEntries(
          names.map((name) => [name, fc.oneof(fc.constantFrom(undefined, ...(members[name] ?? [])), any)]),
        ),
      ),
    );
  return fc.oneof(
    { weight: 24, arbitrary: spoilt.map((parts) => ({ ...right, ...parts })) },
    { weight: 1, arbitrary: any },
  );
}

async function compare(
  schema: string,
  given: fc.Arbitrary<unknown>,
  ask: (body: unknown) => Promise<Pick<Received, 'status' | 'text'>>,
  refused: number,
): Promise<void> {
  const validate = schemaOf(schema);
  const seen = { right: 0, wrong: 0 };
  await fc.assert(
    fc.asyncProperty(
      given.map((body) => JSON.parse(JSON.stringify(body)) as unknown),
      async (body) => {
        const right = validate(body);
        seen[right ? 'right' : 'wrong'] += 1;
        const { status, text } = await ask(body);
        expect([body, status === refused ? `${refused} ${text}` : 'taken']).toEqual([
          body,
          right ? 'taken' : expect.stringMatching(`^${refused} `),
        ]);
      },
    ),
    { numRuns: 120 },
  );
  expect([seen.right > 10, seen.wrong > 10]).toEqual([true, true]);
}

const ACTS = {
  prune: async () => ({ from: 0, to: 0, segments: 0 }),
  rotateKey: async () => 'key',
  rotateNamesKey: async () => {},
};
const SYNC = { status: () => [], poll() {}, rollback: async () => {}, resume: async () => {} };
const PART = { ...QUESTION, supports: ['drop'], context: { a: 1 } };
interface Row {
  readonly schema: string;
  readonly path: string;
  readonly token: string;
  readonly members: Readonly<Record<string, readonly unknown[]>>;
  readonly right?: object;
}
const QUESTIONS = {
  ...Object.fromEntries(Object.entries(PART).map(([name, value]) => [name, [value]])),
  categories: [['user']],
  payload: [{ a: 1 }],
  rows: [5],
  v: [1],
  destination: ['https://api.mixpanel.com'],
};
const DATES = ['2020-01-31', '2020-01-31T12:00Z', '2020-01-31T12:00:00.5+01:00', '2020-01-31T12:00:00', '2020-1-31'];
test.each<Row>([
  {
    schema: 'SyncAct',
    path: '/admin/sync/production',
    token: 'operator',
    members: { action: ['poll', 'rollback', 'resume'], generation: [1, 2] },
    right: { action: 'rollback' },
  },
  {
    schema: 'VendorStateBody',
    path: '/admin/vendors/mixpanel/state',
    token: 'admin',
    members: { state: ['active', 'under_review', 'breached', 'terminated'] },
    right: { state: 'active' },
  },
  { schema: 'PruneBody', path: '/admin/log/prune', token: 'operator', members: { before: DATES } },
  { schema: 'Nothing', path: '/admin/log/rotate-key', token: 'operator', members: {} },
  { schema: 'Nothing', path: '/admin/reload', token: 'admin', members: {} },
  { schema: 'Question', path: '/check', token: 'gateway', members: QUESTIONS, right: QUESTION },
])(
  'F20: $schema at $path: the server refuses what the document forbids, and nothing else',
  async ({ schema, path, token, members, right }) => {
    const { send } = await openHarness({
      pdp: fakePdp({ sync: SYNC }),
      logAdmin: { acts: ACTS, keptFor: async () => undefined, keepDays: 30 },
    });
    await compare(schema, bodies(members, right), (body) => send(path, { body: JSON.stringify(body), token }), 400);
  },
);

test("F20: QuestionPart: an item that the document forbids is that item's error, and no other is", async () => {
  const { send } = await openHarness();
  const part = schemaOf('QuestionPart');
  const items = bodies({
    ...Object.fromEntries(Object.entries(PART).map(([name, value]) => [name, [value, null]])),
    rows: [5, null],
    v: [1, null],
    aggregate: [null, { groupBy: ['plan'] }],
    channel: ['export', null],
  });
  await fc.assert(
    fc.asyncProperty(
      items.map((item) => JSON.parse(JSON.stringify(item)) as unknown),
      async (item) => {
        const answered = await send('/check/batch', { body: { defaults: QUESTION, items: [item] } });
        const [answer] = answered.json()['items'] as [{ error?: { code: string; message: string } }];
        // What is left to an item that unsets is judged as a question.
        const whole = Object.fromEntries(
          Object.entries({ ...QUESTION, ...(item as object) }).filter(([, value]) => value !== null),
        );
        expect([item, answer.error?.code]).toEqual([
          item,
          part(item) && schemaOf('Question')(whole) ? undefined : 'request_invalid',
        ]);
      },
    ),
    { numRuns: 120 },
  );
});

const USER = [{ key: 'service|telemetry' }, { key: 'x', attributes: null }, { key: '' }, { key: 7 }, {}];
const RESOURCE = [
  { type: 'vendor', key: 'mixpanel', tenant: 'default' },
  { type: 'vendor', key: null, tenant: '' },
  { type: '' },
  { type: 'vendor', key: 'a'.repeat(257) },
  { key: 'x' },
  { type: 'vendor', tenant: 7 },
];
const CONTEXT = [{}, { purpose: 'analytics.reporting', a: [1] }, { purpose: null }, { purpose: '' }, { purpose: 7 }];
const NAMES = [['a'], [], ['a'.repeat(513)]];
const ACTION = ['send-user-unique_id-pseudonymous'];
test.each<[string, string, Readonly<Record<string, readonly unknown[]>>]>([
  ['PermitQuestion', '/allowed', { user: USER, action: ACTION, resource: RESOURCE, context: CONTEXT }],
  [
    'PermitUrlQuestion',
    '/allowed_url',
    {
      user: USER,
      url: ['https://api.mixpanel.com/a', 'HTTP://x', 'ftp://x', 'https:///', '//x'],
      tenant: ['default', '', 'a'.repeat(257)],
      context: [...CONTEXT, { action: ACTION[0] }, { action: '' }, { action: 7 }],
    },
  ],
  [
    'PermitPermissionsQuestion',
    '/user-permissions',
    {
      user: [...USER, { key: 'service|nobody' }],
      tenants: NAMES,
      resources: [['vendor:mixpanel'], ...NAMES],
      resource_types: [['document'], ...NAMES],
      context: CONTEXT,
    },
  ],
  ['PermitUserTenantsQuestion', '/user-tenants', { user: [{ key: 'service|nobody' }, ...USER], context: CONTEXT }],
  ['PermitAuthorizedQuestion', '/authorized_users', { action: ACTION, resource: RESOURCE, context: CONTEXT }],
])('F20: %s at %s: 422 for what the document forbids, and for nothing else', async (schema, path, members) => {
  await compare(
    schema,
    bodies(members, Object.fromEntries(Object.entries(members).map(([name, [first]]) => [name, first]))),
    (body) => server.post(path, JSON.stringify(body)),
    422,
  );
});
