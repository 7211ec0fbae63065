import { load, problemsIn, problemsOf, removeFolders, unmark, WORLD, write } from './support.ts';

afterAll(removeFolders);

const term = (text: string) => ({ 'terms.yaml': `terms:\n  x: { ${text} }\n` });

test.each([
  ['an unknown key', 'enviroments is not known here (did you mean environments?)', '§enviroments: [production]'],
  ['a role that nobody declares', 'there is no role telemetri (did you mean telemetry?)', 'roles: [§telemetri]'],
  ['a role on something that is no vendor', 'there is no role account#owner', 'roles: [§"account#owner"]'],
  ['an approver that nobody declares', 'there is no role boss', 'effect: review, approverRole: §boss'],
  ['a vendor that is not there', 'there is no vendor mixpanle (did you mean mixpanel?)', 'vendors: [§mixpanle]'],
  ['vendors that nobody is like', 'no vendor is like this: the term can never apply to one', 'vendors: [§{ party: first }]'],
  ['a category that is not there', 'there is no category user.contact.mail', 'categories: [§user.contact.mail]'],
  ['categories that are all excepted', 'no category is left: the term can never apply', '§categories: [system.plan], except: [system.plan]'],
  ['an environment that is not there', 'there is no environment prod', 'environments: [§prod]'],
  ['a purpose that is not there', 'there is no purpose analytic', 'purposes: [§analytic]'],
  ['an event that is not there', 'there is no event page.view', 'events: [§page.view]'],
  ['a relation that is not there', 'there is no relation boss', 'relation: §boss'],
  ['a transform without obligations', 'a transform needs obligations', 'effect: §transform'],
  ['obligations of what is no transform', 'hmac needs effect: transform; this term says permit', 'obligations: [{ op: §hmac }]'],
  ['an approver without review', 'approverRole needs effect: review; this term says permit', 'approverRole: §officer'],
  ['what would make freer', 'a term only narrows, and taking destinations out makes freer', 'obligations: [{ op: §scope_destinations }]'],
  ['a time that is over before it begins', 'the term expires before it starts', 'starts: 2026-02-01, expires: §2026-01-01'],
  ['a condition on an unknown claim', 'must be one of', 'conditions: [{ claim: §soc3 }]'],
  ['a condition with an unknown operator', 'equal is no operator (did you mean equals?)', 'conditions: [{ if: { context.consent: { §equal: true } } }]'],
])('a mistake in a term is told with its place: %s', async (_, message, marked) => {
  const { files, places } = unmark(term(marked));
  const found = await problemsOf(files);
  expect(found.map(({ file, line, column }) => ({ file, line, column }))).toEqual(places);
  expect(found[0]!.message).toContain(message);
});

test('roles that only Permit has may be named', async () => {
  expect(await problemsIn(await write({ ...WORLD, ...term('roles: [telemetry, "vendor#sender", "userset:eu_staff"]') }))).toEqual([]);
});

test('J13 a vendor that an exclusive term closes can not be in shadow', async () => {
  const found = await problemsOf({ ...term('vendors: [mixpanel], exclusive: true'), 'modes.yaml': 'modes: { vendors: { mixpanel: { mode: shadow } }, events: {} }\n' });
  expect(found.map(({ file, message }) => `${file}: ${message}`)).toEqual(['modes.yaml: mixpanel is closed by the exclusive term x and cannot be in shadow']);
});

test('a term says what its file says, and what it leaves out restricts nothing', async () => {
  const { terms, digest } = await load({ ...WORLD, 'terms.yaml': `terms:
  bare: {}
  full:
    title: All of it
    roles: [telemetry]
    vendors: [mixpanel, { party: third, categories: [analytics] }]
    categories: [user.contact.*]
    except: [user.contact.email]
    environments: [production]
    purposes: [analytics]
    channels: [export]
    kinds: [aggregate]
    events: [usage.report]
    effect: transform
    obligations: [{ op: truncate, params: { length: 3 } }]
    exclusive: true
    starts: 2026-01-01
    expires: 2026-12-31
    relation: assigned
    conditions: [{ claim: dpa }]
` });
  expect(terms.get('bare')).toEqual({ id: 'bare', vendors: [{}], categories: ['*'], except: [], effect: 'permit', obligations: [], exclusive: false, conditions: [] });
  expect(terms.get('full')).toMatchObject({
    title: 'All of it', roles: ['telemetry'], vendors: [{ vendor: 'mixpanel' }, { party: 'third', categories: ['analytics'] }], categories: ['user.contact.*'], except: ['user.contact.email'],
    environments: ['production'], purposes: ['analytics'], channels: ['export'], kinds: ['aggregate'], events: ['usage.report'], effect: 'transform', obligations: [{ op: 'truncate', params: { length: 3 } }],
    exclusive: true, fromMs: Date.parse('2026-01-01'), untilMs: Date.parse('2027-01-01'), relation: 'assigned', conditions: [{ code: 'claim_missing' }, { code: 'claim_expired' }],
  });
  expect(digest).not.toBe((await load(WORLD)).digest);
});
