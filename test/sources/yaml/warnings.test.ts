import path from 'node:path';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { warningsOf, type WarnOptions } from '../../../src/sources/yaml/warnings/warnings.ts';
import { ROOT } from '../../support/world.ts';
import { removeFolders, unmark, WORLD, write } from './support.ts';

afterAll(removeFolders);

const NOW = Date.parse('2026-12-01T12:00:00Z');
const SHIPPED = path.join(ROOT, 'policies');

async function warnings(files: Readonly<Record<string, string>>, more: Partial<WarnOptions> = {}) {
  const dir = await write({ ...WORLD, ...files });
  const found = await warningsOf(dir, { nowMs: NOW, permit: new Set(), shipped: SHIPPED, ...more });
  return found.map((problem) => ({ ...problem, file: path.relative(dir, problem.file) }));
}

const grant = (text: string, rest = 'role: telemetry, purposes: [analytics], categories: [system.plan]') => ({
  'grants/x.yaml': `grants:\n  x: { ${rest}, ${text} }\n`,
});
const condition = (text: string) => grant(`vendors: [mixpanel], conditions: [${text}]`);
const term = (text: string) => ({ 'terms/x.yaml': `terms:\n  x: { ${text} }\n` });
const service = (attributes: string) => ({
  'identities/x.yaml': `identities:\n  service:x: { roles: [telemetry], attributes: { ${attributes} } }\n`,
});
const vendor = (claims: string) => ({
  'vendors/x.yaml': `vendors:\n  x: { name: X, party: third, categories: [cdn], claims: { ${claims} } }\n`,
});
const FIRST = { 'vendors/f.yaml': 'vendors:\n  f: { name: F, party: first, categories: [cdn] }\n' };
const WIDE = 'every vendor is selected, those too that come later: name them, or say party or categories';
const GUARDS = 'guardrails let more of it leave';

/** Files to add to the world, with § where the one warning stands. */
type Row = readonly [name: string, message: string, files: Readonly<Record<string, string>>];

const rows: readonly Row[] = [
  ['a selector that says nothing', WIDE, grant('vendors: [openai, §{}]')],
  [
    'selectors that leave nobody out',
    WIDE,
    {
      ...FIRST,
      'grants/x.yaml':
        'grants:\n  x:\n    role: telemetry\n    purposes: [analytics]\n    categories: [system.plan]\n' +
          '    §vendors: [{ party: first }, { party: third }]\n',
    },
  ],
  [
    'a grant that expired',
    'expired: the grant permits nothing; renew or remove it',
    grant('vendors: [mixpanel], expires: §2026-11-30'),
  ],
  [
    'an exclusive grant that expired',
    'expired: the grant permits nothing and keeps its vendors closed; renew or remove it',
    grant('vendors: [mixpanel], exclusive: true, expires: §2026-12-01T12:00:00Z'),
  ],
  [
    'a term that expired',
    'expired: nothing that the term covers is permitted any more; renew or remove it',
    term('vendors: [mixpanel], expires: §2026-11-30'),
  ],
  [
    'a role that nobody has',
    'nobody has the role idle: the grant permits nothing',
    {
      'roles/x.yaml': 'roles:\n  idle: {}\n',
      ...grant('vendors: [mixpanel]', 'role: §idle, purposes: [analytics], categories: [system.plan]'),
    },
  ],
  [
    'an approver role of a grant that nobody has',
    'nobody has the role idle: no approval can be given',
    {
      'roles/x.yaml': 'roles:\n  idle: {}\n',
      ...grant('vendors: [mixpanel], effect: review, approverRole: §idle'),
    },
  ],
  [
    'an approver role of a combination that nobody has',
    'nobody has the role idle: no approval can be given',
    {
      'roles/x.yaml': 'roles:\n  idle: {}\n',
      'combinations.yaml':
        'combinations:\n  x:\n    members: [user.contact, system.plan]\n    effect: review\n' +
        '    approverRole: §idle\n    message: m\n    fix: f\n',
    },
  ],
  [
    'a category that is less sensitive than shipped',
    `lower than shipped, where user.contact.address.postal_code is confidential: ${GUARDS}`,
    {
      'categories/x.yaml':
        'categories:\n  user.contact.address.postal_code: { sensitivity: §internal, identifiability: direct }\n',
    },
  ],
  [
    'a category that identifies less than shipped',
    `lower than shipped, where user.contact.address.postal_code is quasi: ${GUARDS}`,
    {
      'categories/x.yaml':
        'categories:\n  user.contact.address.postal_code: { sensitivity: restricted, identifiability: §none }\n',
    },
  ],
  [
    'a category below a shipped one',
    `lower than shipped, where user.contact.email is confidential: ${GUARDS}`,
    {
      'categories.yaml': WORLD['categories.yaml'].replace(
        'user.contact.email: { sensitivity: confidential',
        'user.contact.email.work: { sensitivity: §public',
      ),
      'fields.yaml': 'fields:\n  email: user.contact.email.work\n',
      'events/viewed.yaml': 'event: page.viewed\nkind: raw_event\n',
    },
  ],
  [
    'F25: an attribute of another type',
    'this is a string, and grant x compares it by greater-than with a number: the condition never holds',
    { ...condition('{ if: { not: { user.risk: { greater-than: 50 } } } }'), ...service('risk: §"99"') },
  ],
  [
    'F25: an attribute within one',
    'this is true or false, and grant x compares it by equals with a string: the condition never holds',
    {
      ...condition('{ if: { identity.attributes.team.lead: { equals: sam } } }'),
      ...service('team: { lead: §true }'),
    },
  ],
  [
    'F25: a list for one value',
    'this is a list with a string, and grant x compares it by in with a list with a string: the condition never holds',
    { ...condition('{ if: { user.team: { in: [a, b] } } }'), ...service('§team: [a]') },
  ],
  [
    'F25: one value for a list',
    'this is a string, and grant x compares it by array_contains with a string: the condition never holds',
    { ...condition('{ if: { user.teams: { array_contains: a } } }'), ...service('teams: §a') },
  ],
  [
    'F25: an attribute that a term reads',
    'this is a number, and term x compares it by equals with a string: the condition never holds',
    { ...term('conditions: [{ if: { user.level: { equals: "3" } } }]'), ...service('level: §3') },
  ],
  [
    'F25: a role by another one',
    'this is a string, and grant x compares it by less-than with a number: the condition never holds',
    {
      ...condition('{ if: { user.risk: { less-than: 50 } } }'),
      'roles/x.yaml': 'roles:\n  lead: { extends: [telemetry] }\n',
      'identities/x.yaml': 'identities:\n  service:x: { roles: [lead], attributes: { risk: §low } }\n',
    },
  ],
  [
    'F25: the value of a claim',
    'this is a string, and grant x compares it by less-than with a number: the condition never holds',
    {
      ...grant('vendors: [x], conditions: [{ claim: retention_days, test: { less-than: 90 } }]'),
      ...vendor('retention_days: { value: §"30" }'),
    },
  ],
  [
    'F25: a context name by its declared type',
    'context.consent is declared boolean, and the grant compares it by equals with a string: the condition never holds',
    {
      'grants/x.yaml':
        'grants:\n  x:\n    role: telemetry\n    vendors: [mixpanel]\n    purposes: [analytics]\n' +
          '    categories: [system.plan]\n' +
        '    §conditions: [{ if: { context.consent: { equals: "true" } } }]\n',
    },
  ],
];

test.each(rows)('F6: %s', async (_name, message, marked) => {
  const { files, places } = unmark(marked);
  expect(places).toHaveLength(1);
  expect(await warnings(files)).toEqual([{ ...places[0], message }]);
  // A warning is no mistake.
  await loadYaml(await write({ ...WORLD, ...files }));
});

const silent: readonly (readonly [
  name: string,
  files: Readonly<Record<string, string>>,
  more?: Partial<WarnOptions>,
])[] = [
  ['the world of these tests', {}],
  [
    'third parties of one kind',
    { ...FIRST, ...grant('vendors: [{ party: third }, { categories: [llm] }, { party: first, categories: [cdn] }]') },
  ],
  ['a grant that ends today', grant('vendors: [mixpanel], expires: 2026-12-01')],
  ['a term for every vendor', term('environments: [staging]')],
  [
    'a role that an extending one brings',
    {
      'roles/x.yaml': 'roles:\n  idle: {}\n  x: { extends: [idle] }\n',
      'identities/x.yaml': 'identities:\n  user:x: { roles: [x] }\n',
      ...grant('vendors: [mixpanel]', 'role: idle, purposes: [analytics], categories: [system.plan]'),
    },
  ],
  [
    'a role that Permit may bring',
    {
      'roles/x.yaml': 'roles:\n  idle: {}\n',
      ...grant(
        'vendors: [mixpanel], environments: [staging]',
        'role: idle, purposes: [analytics], categories: [system.plan]',
      ),
    },
    { permit: new Set(['staging']) },
  ],
  [
    'a category that is more sensitive than shipped',
    {
      'categories/x.yaml':
        'categories:\n  user.contact.address.postal_code: { sensitivity: restricted, identifiability: direct }\n',
    },
  ],
  [
    'an attribute that fits',
    { ...condition('{ if: { not: { user.risk: { greater-than: 50 } } } }'), ...service('risk: 99') },
  ],
  [
    'an attribute that one of the alternatives fits',
    {
      ...condition('{ if: { anyOf: [{ user.risk: { equals: high } }, { user.risk: { greater-than: 50 } }] } }'),
      ...service('risk: high'),
    },
  ],
  [
    'an attribute of somebody whom the condition is not for',
    {
      ...condition('{ if: { user.risk: { greater-than: 50 } } }'),
      'identities/x.yaml': 'identities:\n  user:x: { attributes: { risk: low } }\n',
    },
  ],
  [
    'an attribute that is not there, and one that is nothing',
    { ...condition('{ if: { user.risk: { greater-than: 50 } } }'), ...service('risk: null') },
  ],
  [
    'a claim of a vendor that the grant does not select',
    {
      ...grant('vendors: [mixpanel], conditions: [{ claim: retention_days, test: { less-than: 90 } }]'),
      ...vendor('retention_days: { value: "30" }'),
    },
  ],
];

test.each(silent.map(([name, files, more = {}]) => ({ name, files, more })))(
  'F6: no warning of $name',
  async ({ files, more }) => {
    expect(await warnings(files, more)).toEqual([]);
  },
);

test('F6: a role that Permit brings elsewhere is brought nowhere here', async () => {
  const files = {
    'roles/x.yaml': 'roles:\n  idle: {}\n',
    ...grant(
      'vendors: [mixpanel], environments: [production]',
      'role: idle, purposes: [analytics], categories: [system.plan]',
    ),
  };
  expect(await warnings(files, { permit: new Set(['staging']) })).toHaveLength(1);
});

test('F6: the shipped world has none', async () => {
  expect(await warningsOf(SHIPPED, { nowMs: Date.now(), permit: new Set(), shipped: SHIPPED })).toEqual([]);
});
