import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { PoliciesError } from '../../../src/sources/yaml/problems.ts';
import { load, problemsIn, problemsOf, removeFolders, unmark, WORLD, write } from './support.ts';

afterAll(removeFolders);

const EVENT = 'event: x\nkind: raw_event\n';

describe('which files', () => {
  test('a kind is a file, a folder, or both, at any depth; other files and cases are none of them', async () => {
    const facts = await load({ ...WORLD, 'roles/a.yaml': 'roles: { a: {} }\n', 'roles/deep/er/b.yml': 'roles: { b: {} }\n', 'roles/c.YAML': 'roles: { c: {} }\n', 'README.md': '# grants: {', 'cases/x.yaml': 'cases: [', 'roles/.hidden.yaml': '{', 'roles/notes.txt': '{' });
    expect([...facts.roles.keys()]).toEqual(['telemetry', 'officer', 'a', 'c', 'b']);
  });

  test('files that are links, as Kubernetes mounts them', async () => {
    const dir = await write({});
    await mkdir(path.join(dir, '..2026_11_22'));
    await symlink('..2026_11_22', path.join(dir, '..data'));
    for (const [name, text] of Object.entries(WORLD).filter(([name]) => !name.includes('/'))) {
      await writeFile(path.join(dir, '..2026_11_22', name), text);
      await symlink(path.join('..data', name), path.join(dir, name));
    }
    const elsewhere = await write({ 'viewed.yaml': WORLD['events/viewed.yaml'] });
    await symlink(elsewhere, path.join(dir, 'events'));
    expect([...(await loadYaml(dir)).events.keys()]).toEqual(['page.viewed', 'page.viewed@1']);
  });

  test('a link in a circle ends', async () => {
    const dir = await write(WORLD);
    await symlink('..', path.join(dir, 'events', 'up'));
    expect((await problemsIn(dir)).length).toBeGreaterThan(0);
  });

  test('a folder that is not there, or has no policies, is a mistake', async () => {
    await expect(loadYaml('/nowhere')).rejects.toThrow('/nowhere:1:1: the policies folder cannot be read (ENOENT)');
    await expect(load({ 'README.md': 'x', 'cases/x.yaml': 'x' })).rejects.toThrow(':1:1: no policies file is here: is it the right folder?');
  });

  test('a link to nothing is a mistake', async () => {
    const dir = await write(WORLD);
    await symlink('gone.yaml', path.join(dir, 'combinations.yaml'));
    expect(await problemsIn(dir)).toEqual([{ file: 'combinations.yaml', line: 1, column: 1, message: 'the file cannot be read (ENOENT)' }]);
  });

  test('a folder called like a file is a mistake', async () => {
    const dir = await write(WORLD);
    await rename(path.join(dir, 'events'), path.join(dir, 'events.yaml'));
    expect((await problemsIn(dir)).map(({ file, message }) => [file, message])).toEqual([['events.yaml', 'this is no file']]);
  });
});

describe('bounds', () => {
  test('8 MiB a file', async () => {
    const filled = (bytes: number) => EVENT.padEnd(bytes, '#');
    expect((await problemsOf({ 'events/x.yaml': filled(8 * 1024 * 1024) }))).toEqual([]);
    expect((await problemsOf({ 'events/x.yaml': filled(8 * 1024 * 1024 + 1) }))).toEqual([{ file: 'events/x.yaml', line: 1, column: 1, message: 'the file has 8388609 bytes; 8388608 are allowed: split it' }]);
  });

  test.each([['brackets', '['], ['commas', 'a,'], ['lines', '\n']])('8 MiB of %s', async (_, text) => {
    expect(await problemsOf({ 'events/x.yaml': text.repeat((8 * 1024 * 1024) / text.length) })).toEqual([{ file: 'events/x.yaml', line: 1, column: 1, message: 'the file has over 2000000 keys and values: split it' }]);
  });

  test('aliases that stand for billions', async () => {
    const lines = Array.from({ length: 9 }, (_, level) => `  a${level}: &a${level} [${Array.from({ length: 9 }, () => (level === 0 ? 'x' : `*a${level - 1}`)).join(', ')}]`);
    const started = performance.now();
    const found = await problemsOf({ 'identities/x.yaml': `identities:\n  user:x:\n    attributes:\n${lines.map((line) => `    ${line}`).join('\n')}\n` });
    expect(found.every(({ message }) => message === 'aliases stand for over 100000 values')).toBe(true);
    expect(found[0]).toMatchObject({ file: 'identities/x.yaml', line: 9 });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('aliases within the bound are what they stand for, and mistakes show where it stands', async () => {
    const { events } = await load({ ...WORLD, 'events/x.yaml': `${EVENT}fields: { a: &plan { category: system.plan, enum: [x] }, b: *plan }\n` });
    expect(events.get('x')?.fields.map(({ category }) => category)).toEqual(['system.plan', 'system.plan']);
    const { files, places } = unmark({ 'events/x.yaml': `${EVENT}fields: { a: &plan { category: §system.plam }, b: *plan }\n` });
    expect((await problemsOf(files)).map(({ file, line, column }) => ({ file, line, column }))).toEqual([places[0], places[0]]);
  });

  test.each([['in lists', '[', ']'], ['in maps', '{ a: ', ' }']])('depth %s', async (_, open, close) => {
    const nested = (levels: number) => ({ 'identities/x.yaml': `identities:\n  user:x:\n    attributes: { a: ${open.repeat(levels)}${close.repeat(levels)} }\n` });
    expect(await problemsOf(nested(60))).toEqual([]);
    expect((await problemsOf(nested(65))).map(({ message }) => message)).toEqual(['this is nested over 64 levels deep']);
    expect((await problemsOf(nested(20_000)))[0]?.message).toMatch(/nested/);
  });

  test('bytes that are no UTF-8', async () => {
    expect(await problemsOf({ 'roles/x.yaml': new Uint8Array([0x72, 0xff, 0xfe]) })).toEqual([{ file: 'roles/x.yaml', line: 1, column: 1, message: 'the file is not UTF-8' }]);
  });

  test('10,000 keys in one map', async () => {
    const before = process.cpuUsage();
    const { fields } = await load({ ...WORLD, 'fields/x.yaml': `fields:\n${Array.from({ length: 10_000 }, (_, index) => `  field_${index}: system.plan\n`).join('')}` });
    expect(fields.size).toBe(10_001);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(5);
  });

  test('10,000 mistakes are found and placed in a few seconds', async () => {
    const before = process.cpuUsage();
    const found = await problemsOf({ 'fields/x.yaml': `fields:\n${Array.from({ length: 10_000 }, (_, index) => `  field_${index}: system.plam${index}\n`).join('')}` });
    expect(found.map(({ line }) => line)).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 2));
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(20);
  });
});

test('names from files change no prototype, and run nothing', async () => {
  await load({ ...WORLD, 'fields/x.yaml': 'fields: { constructor: system.plan, prototype: system.plan, toString: system.plan, hasOwnProperty: system.plan }\n', 'identities/x.yaml': 'identities: { user:x: { attributes: { constructor: { prototype: { polluted: 1 } }, toString: "process.exit(1)" } } }\n' });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  const { fields } = await load({ ...WORLD, 'fields/x.yaml': 'fields: { constructor: system.plan, valueOf: system.usage }\n' });
  expect([fields.get('constructor')?.category, fields.get('valueOf')?.category, fields.get('toString')]).toEqual(['system.plan', 'system.usage', undefined]);
});

describe('all mistakes at once', () => {
  test('of every file and every sort, in order', async () => {
    const { files, places } = unmark({
      'a_kind.yaml': '§x: 1\n',
      'categories/x.yaml': 'categories:\n  §user.e-mail: { sensitivity: internal, identifiability: none }\n',
      'combinations.yaml': 'combinations:\n  x: { members: [user.contact, §system.plam], min: §3, message: m, fix: f }\n',
      'events/broken.yaml': 'event: broken\nfields: {\n§',
      'events/x.yaml': 'event: x\nkind: §raw\nfields:\n  a: §system.plam\n  b: { category: system.plan, §rol: measure }\n  §a: null\n',
      'grants/x.yaml': 'grants:\n  one: { role: §telemetri, vendors: [mixpanel], purposes: [§sales], categories: [system.plan], §efect: permit }\n  two: { role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [system.plan], effect: §transform, conditions: [{ if: { §tenant.x: { equals: 1 } } }, { if: { user.x: { in: §1 } } }] }\n',
      'roles/x.yaml': 'roles:\n  §telemetry: {}\n  x: { extends: [§x] }\n',
    });
    expect((await problemsOf(files)).map(({ file, line, column }) => ({ file, line, column }))).toEqual(places);
  });

  test('what is right beside a mistake in shape is still judged', async () => {
    const { files, places } = unmark({
      'roles/x.yaml': 'roles:\n  x: { extends: [§x] }\n  y: { §titel: Y }\n§more: 1\n',
      'modes.yaml': 'modes:\n  vendors:\n    openai: { §mod: shadow }\n    mixpanel: { mode: §shadow }\n  events: {}\n',
      'grants/x.yaml': 'grants:\n  x: { role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [system.plan], exclusive: true }\n',
    });
    expect((await problemsOf(files)).map(({ file, line, column }) => ({ file, line, column }))).toEqual(places.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0)));
  });

  test('the message lists each as file:line:column: message', async () => {
    const dir = await write({ ...WORLD, 'roles/x.yaml': 'roles:\n  x: { extends: [y] }\n  z: { titel: Z }\n' });
    const error = await loadYaml(dir).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PoliciesError);
    expect((error as PoliciesError).message).toBe(`2 mistakes in the policies:\n${dir}/roles/x.yaml:2:18: there is no role y\n${dir}/roles/x.yaml:3:8: titel is not known here (did you mean title?)`);
  });
});

describe('one mistake looks like one', () => {
  test.each([
    ['vendors.yaml', 'party: third', 'party: fourth'], ['roles.yaml', 'telemetry: {}', 'telemetry: { titel: T }'], ['categories.yaml', 'sensitivity: confidential', 'sensitivity: high'], ['environments.yaml', 'maxAge: 7d', 'maxAge: soon'],
    ['identities.yaml', 'roles: [telemetry]', 'role: telemetry'], ['events/viewed.yaml', 'kind: raw_event', 'kind: raw'], ['envelopes.yaml', '{ account: system.plan }', '{ account: 7 }'], ['context.yaml', 'boolean', 'bool'], ['grants.yaml', 'purposes: [analytics]', 'purpose: [analytics]'],
    ['relations.yaml', 'from: [owner]', 'form: [owner]'], ['callers.yaml', 'powers: [check]', 'powers: [chek]'],
  ])('an entry of %s with a mistake is still declared', async (file, from, to) => {
    const text = (WORLD as Record<string, string>)[file]!;
    const users = { 'grants/x.yaml': 'grants:\n  x: { role: telemetry, vendors: [{ categories: [analytics] }], environments: [production], events: [page.viewed], purposes: [analytics], categories: [user.contact.email], conditions: [{ if: { context.consent: { equals: true } } }] }\n' };
    expect(text).toContain(from);
    const found = await problemsOf({ ...users, [file]: text.replace(from, to) });
    expect([found.length, new Set(found.map((problem) => problem.file))]).toEqual([file === 'grants.yaml' ? 2 : found.length, new Set([file])]);
    expect(found.length).toBeLessThanOrEqual(2);
  });

  test.each(Object.keys(WORLD).filter((file) => !file.includes('/')))('%s that is no YAML leaves nothing else to complain of', async (file) => {
    const found = await problemsOf({ [file]: `${(WORLD as Record<string, string>)[file]}x: [` });
    expect(new Set(found.map((problem) => problem.file))).toEqual(new Set([file]));
  });
});

test('law: whatever is done to a file, it loads or says where the mistakes are', async () => {
  const names = Object.keys(WORLD) as (keyof typeof WORLD)[];
  const change = fc.record({ file: fc.constantFrom(...names), at: fc.double({ min: 0, max: 1, noNaN: true }), drop: fc.nat(6), add: fc.oneof(fc.constantFrom('{', '}', '[', ']', ':', ' ', '\n', '- ', '&a ', '*a', '!x ', '"', "'", '#', '|', '? ', '\t', 'null', '1', '__proto__: 1', '<<: *a', '%YAML 1.1\n---\n', '---'), fc.string({ maxLength: 4 })) });
  let bad = 0;
  await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
    const files: Record<string, string> = { ...WORLD };
    for (const { file, at, drop, add } of changes) {
      const text = files[file]!;
      const offset = Math.floor(at * text.length);
      files[file] = text.slice(0, offset) + add + text.slice(offset + drop);
    }
    const problems = await problemsOf(files);
    bad += Number(problems.length > 0);
    for (const { file, line, column, message } of problems) {
      const lines = files[file]!.toWellFormed().split('\n');
      expect(line).toBeLessThanOrEqual(lines.length);
      expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
      expect(Math.min(line, column, message.length)).toBeGreaterThan(0);
    }
  }), { numRuns: 300 });
  expect(bad).toBeGreaterThan(100);
});
