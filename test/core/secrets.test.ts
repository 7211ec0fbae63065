import fc from 'fast-check';
import { findSecrets } from '../../src/core/parse/secrets.ts';

// Put together here, so that no scanner of repositories takes them for real ones.
const part = (length: number) => 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY'.repeat(4).slice(0, length);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64url = (text: string) => Buffer.from(text).toString('base64url');
const JWT = [base64url('{"alg":"HS256","typ":"JWT"}'), base64url('{"sub":"1234567890","name":"Jane"}'), part(43)].join('.');
const OPENAI = `sk-${'proj'}-${part(48)}`;

const SECRETS: readonly (readonly [detector: string, secret: string])[] = [
  ['jwt', JWT],
  ['jwt', [base64url('{"alg":"none"}'), base64url('{"sub":"1234567890"}'), ''].join('.')],
  ['jwt', [base64url('{"alg":"dir","enc":"A128GCM"}'), '', part(16), part(40), part(22)].join('.')],
  ['llm-api-key', OPENAI],
  ['llm-api-key', `sk-${part(48)}`],
  ['llm-api-key', `sk-ant-api03-${part(80)}-AA`],
  ['aws-access-key', `AKIA${'ABCDEFGHIJ234567'}`],
  ['aws-access-key', `ASIA${'ABCDEFGHIJ234567'}`],
  ['github-token', `ghp_${part(36)}`],
  ['github-token', `ghs_${part(36)}`],
  ['github-token', `github_pat_${part(22)}_${part(59)}`],
  ['gitlab-token', `glpat-${part(20)}`],
  ['slack-token', `xoxb-${'123456789012-1234567890123'}-${part(24)}`],
  ['slack-token', `https://hooks.slack.com/services/${'T01ABCDEF'}/B01ABCDEF/${part(24)}`],
  ['google-api-key', `AIza${part(35)}`],
  ['stripe-key', `sk_live_${part(24)}`],
  ['stripe-key', `rk_live_${part(24)}`],
  ['private-key', `-----BEGIN ${'PRIVATE KEY'}-----\nMIIE`],
  ['private-key', `-----BEGIN ${'RSA PRIVATE KEY'}-----\nMIIE`],
  ['private-key', `-----BEGIN ${'PGP PRIVATE KEY BLOCK'}-----`],
  ['npm-token', `npm_${part(36)}`],
  ['sluice-token', `slc_${part(43)}`],
  ['permit-key', `permit_key_${part(80)}`],
  ['sendgrid-key', `SG.${part(22)}.${part(43)}`],
  ['bearer-token', `Bearer ${part(30)}`],
  ['bearer-token', `authorization: bearer ${part(24)}==`],
  ['bearer-token', `Authorization: Basic ${base64('user:secret')}`],
  ['url-password', 'postgres://app:hunter2x@db.internal:5432/prod'],
  ['url-password', 'https://:hunter2x@example.com/'],
  ['assigned-secret', 'password=hunter2x'],
  ['assigned-secret', 'DB_PASSWORD = "hunter2x"'],
  ['assigned-secret', 'https://example.com/cb?api_key=0a1b2c3d4e&x=1'],
  ['assigned-secret', 'x-api-key: 0a1b2c3d4e'],
  ['assigned-secret', '{"clientSecret":"correct horse"}'],
  ['assigned-secret', 'aws_secret_access_key=wJalrXUtnFEMI/K7MDENG'],
];

describe('R20: a secret is found', () => {
  test.each(SECRETS)('%s alone: %s', (detector, secret) => {
    expect(findSecrets(secret)).toContain(detector);
  });

  const places: readonly (readonly [name: string, put: (secret: string) => string])[] = [
    ['in prose', (s) => `Please use ${s} from now on.`],
    ['on a line of its own', (s) => `first\n${s}\nlast`],
    ['in JSON', (s) => JSON.stringify({ a: [{ note: s }] })],
    ['in JSON inside JSON', (s) => JSON.stringify({ body: JSON.stringify({ note: s }) })],
    ['on a line of its own, in JSON inside JSON', (s) => JSON.stringify({ body: JSON.stringify({ note: `first\n${s}\n` }) })],
    ['in a query', (s) => `https://example.com/?q=${encodeURIComponent(s)}&z=1`],
    ['with every character escaped', (s) => [...s].map((c) => `\\u00${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')],
    ['in base64', (s) => base64(s)],
    ['in base64url', (s) => base64url(`{"note":"${s}"}`)],
    ['in base64 of JSON', (s) => base64(JSON.stringify({ user: 'jane', note: s }))],
    ...['', 'a', 'ab', 'abc'].map((prefix) => [`in base64 after ${prefix}/`, (s: string) => `${prefix}/${base64(`value ${s}`)}`] as const),
    ['in base64 of MIME lines', (s) => base64(`Some lines of text before the secret: ${s}`).replace(/.{76}/g, '$&\r\n')],
    ['behind 100 kB', (s) => `${'lorem ipsum '.repeat(9000)}${s}`],
    ['in 100 kB of base64', (s) => base64(`${'lorem ipsum '.repeat(9000)} ${s}`)],
  ];
  // Of two secrets, one with characters that JSON and URLs escape.
  test.each(places)('%s', (_name, put) => {
    const missed = SECRETS.filter(([, secret]) => !/["\n]/.test(secret)).filter(([detector, secret]) => !findSecrets(put(secret)).includes(detector));
    expect(missed).toEqual([]);
  });

  test('all that are found are named, in the order of the table', () => {
    expect(findSecrets(`ghp_${part(36)} ${OPENAI} ${JWT}`)).toEqual(['jwt', 'llm-api-key', 'github-token']);
  });
});

describe('R20: no false hit', () => {
  test.each([
    ['a UUID', '5f0c1b9e-8c2d-4a5e-9f9b-1d2e3f4a5b6c'],
    ['an MD5', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['a SHA-256', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['a SHA-512 in base64', 'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=='],
    ['a browser', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'],
    ['a bot', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'],
    ['a time', '2026-11-22T12:00:00.000Z'],
    ['a campaign', 'https://example.com/pricing?utm_source=google&utm_medium=cpc&utm_campaign=spring_sale_2026&gclid=EAIaIQobChMI1234567890abcdefghijklmnop'],
    ['a port', 'http://localhost:3000/@scope/package'],
    ['an address in a query', 'https://example.com:8443/?to=jane@example.com'],
    ['an IPv6 host', 'https://[2001:db8::1]:443/a@b'],
    ['an e-mail address', 'jane.doe+newsletter@example.com'],
    ['a slug', 'sk-bratislava-hotel-booking-in-the-old-town-2026'],
    ['a disk', 'disk-0123456789abcdef01234567'],
    ['a class in CSS', 'sk-toggleable__content-label-arrow'],
    ['a word with a hyphen', 'task-management-for-distributed-teams'],
    ['a public key of Stripe', `pk_live_${part(24)}`],
    ['a public key', '-----BEGIN PUBLIC KEY-----'],
    ['a certificate', '-----BEGIN CERTIFICATE-----'],
    ['ID tokens of prose', 'bearer of bad news: responsibilities and characterizations'],
    ['a long word after bearer', 'bearer authentication-configuration-documentation'],
    ['a masked password', 'password=******** api_key=[REDACTED] secret=<hidden> token: ${TOKEN}'],
    ['a masked address', 'postgres://app:***@db.internal/prod'],
    ['a template', 'https://${USER}:${PASSWORD}@example.com'],
    ['words about passwords', 'Password: must not be empty. Forgot password? Secret: unknown'],
    ['a switch', 'show_password=false&reset_password=true'],
    ['a directory', 'PWD=/home/jane/project'],
    ['a keyword argument', 'primary_key=customer_identifier foreign_key: orders_customer'],
    ['an AWS name', 'arn:aws:iam::123456789012:role/AKIAlike-ASIA'],
    ['base64 of JSON without a secret', base64(JSON.stringify({ plan: 'pro', seats: 12, note: 'hello there' }))],
    ['the first part of a JWT', base64url('{"alg":"HS256","typ":"JWT"}')],
    ['a shortened JWT', 'eyJhbGciOiJIUzI1NiJ9...'],
    ['a trace', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
    ['a path', '/usr/local/lib/node_modules/TypeScript/lib/tsserverlibrary.js'],
    ['a translation key', 'settings.account.security.changePasswordDialog.confirmButtonLabel'],
    ['a session of analytics', 'GA1.2.1234567890.1700000000'],
    ['nothing', ''],
  ])('%s', (_name, text) => {
    expect(findSecrets(text)).toEqual([]);
  });

  test('in random identifiers and words', () => {
    const identifier = fc.oneof(fc.uuid(), fc.ipV4(), fc.emailAddress(), fc.date({ noInvalidDate: true }).map((d) => d.toISOString()), fc.lorem(), fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), maxLength: 128 }), fc.webUrl({ withQueryParameters: true }));
    fc.assert(fc.property(identifier, (text) => { expect(findSecrets(text)).toEqual([]); }), { numRuns: 500 });
  });
});

test.each([
  'a', 'A', ' ', 'eyJ', 'eyJaaaaaaaaaa.', 'eyJaaaaaaaaaa..', 'sk-', 'sk-proj-aaaaaaa ', 'AKIA', 'ghp_', 'github_pat_', 'glpat-', 'xoxb-', 'AIza', 'sk_live_', '-----BEGIN ', '-----BEGIN A A A ', 'npm_',
  'SG.', 'SG.aaaaaaaaaaaaaaaaaaaa.', 'bearer ', 'bearer        ', 'bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaa ', 'authorization:basic ', '://', '://a:', '://a:a', 'password', 'password=', 'password: ', 'password: aaaaaaaaaaaa ',
  'password        :        ', 'secret', 'QUJD/', 'aB3dE5fG7hJ9kL1mN2pQ4rS6\n', '\\', '\\u0041', '%41', '%', '"', 'a\n',
])('time is linear in 1 MB of %j', (unit) => {
  const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
  const start = performance.now();
  findSecrets(text);
  expect(performance.now() - start).toBeLessThan(30_000); // a quadratic search would take many minutes
});
