import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import type { PermitData } from '../../../src/sources/permit/data.ts';
import { canonicalJson } from '../../../src/sources/yaml/digest.ts';
import { contentDigest } from '../../../src/sources/permit/keep/rows.ts';
import { AT_MS, SCOPE, at, content, countOfRows, inFolder, version } from './keep-support.ts';

const { dir, file, state, names, open, edit } = inFolder();
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('a generation on disk (R72)', () => {
  test('is for its user alone, and gives back what was written', async () => {
    const written = await (await open()).write(content(), at());
    expect([mode(`${dir()}/production`), mode(file(1)), mode(state())]).toEqual(['700', '600', '600']);
    expect(written).toMatchObject({ number: 1, verifiedAtMs: AT_MS, content: contentDigest(content()) });
    expect(written.digest).toBe(`sha256:${createHash('sha256').update(readFileSync(file(1))).digest('hex')}`);

    const again = await open();
    expect(await again.load(1)).toEqual({ generation: written, data: content() });
    expect((await again.load(written.digest)).data).toEqual(content());
  });

  test('holds one row a line after a header that says whose it is', async () => {
    await (await open()).write(content(), at());
    const lines = readFileSync(file(1), 'utf8').split('\n');
    expect(lines).toHaveLength(countOfRows(content()) + 2);
    expect(JSON.parse(lines[0]!)).toMatchObject({ v: 1, program: 'sluice/test', environment: 'production', scope: SCOPE, number: 1, verifiedAtMs: AT_MS, counts: { users: 1, assignments: 2 } });
    expect(lines.at(-2)).toBe('["vendor_group:analytics","group","vendor:mixpanel","default"]');
  });

  const text = fc.string({ unit: 'grapheme', maxLength: 8 });
  const attributes = fc.dictionary(text, fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<PermitData['users'][number]['attributes']>;
  const anyContent = fc.record({
    users: fc.array(fc.record({ key: text, attributes })),
    assignments: fc.array(fc.oneof(fc.record({ user: text, role: text, tenant: text }), fc.record({ user: text, role: text, tenant: text, instance: text }))),
    instances: fc.array(fc.record({ type: text, key: text, tenant: text, attributes })),
    tuples: fc.array(fc.record({ subject: text, relation: text, object: text, tenant: text })),
    tenants: fc.array(text),
  }).map(content);

  test('any content comes back as it was, and has one digest', async () => {
    const generations = await open({ keep: 1 });
    await fc.assert(fc.asyncProperty(anyContent, async (data) => {
      const { number, content: digest } = await generations.write(data, at());
      const { data: read } = await generations.load(number);
      expect(canonicalJson(read)).toBe(canonicalJson(data));
      expect(contentDigest(read)).toBe(digest);
    }), { numRuns: 60 });
  });

  test('the order of the members of an object says nothing', () => {
    const one = content({ users: [{ key: 'user|a', attributes: { a: 1, b: { c: 2, d: 3 } } }] });
    const other = content({ users: [{ key: 'user|a', attributes: { b: { d: 3, c: 2 }, a: 1 } }] });
    expect(contentDigest(other)).toBe(contentDigest(one));
    expect(contentDigest(version(1))).not.toBe(contentDigest(version(2)));
    expect(contentDigest({ ...one, scope: { ...SCOPE, environment: 'env-staging' } })).not.toBe(contentDigest(one));
  });

  test('an environment may have any name', async () => {
    for (const environment of ['..', '.', 'a/b', '../production', 'Ü 1']) {
      const generations = await open({ environment });
      const { digest } = await generations.write(content(), at());
      expect((await (await open({ environment })).load(digest)).data).toEqual(content());
    }
    expect(names('')).toEqual(['%2E', '%2E.', '%2E.%2Fproduction', '%C3%9C%201', 'a%2Fb']);
  });
});

describe('a file that is not what the log names is refused, and named', () => {
  const refusal = (wanted: number | string) => open().then((generations) => generations.load(wanted)).then(() => 'taken', (error: Error) => `${error.name}: ${error.message}`);
  let digests: readonly string[] = [];
  beforeEach(async () => {
    const generations = await open();
    digests = [];
    for (const n of [1, 2, 3]) digests = [...digests, (await generations.write(version(n), at(AT_MS + n))).digest];
  });
  const wanted = () => digests[2]!;

  test('one value changed', async () => {
    edit(file(3), (text) => text.replace('"version":3', '"version":4'));
    expect(await refusal(wanted())).toMatch(/^DiskError: .*\/production\/0000000003\.ndjson: changed: its digest is sha256:[0-9a-f]{64}, and not sha256:[0-9a-f]{64} as recorded\. It is refused; the next verified read/);
  });

  test('cut off in a line, after a line, or emptied', async () => {
    const { size } = statSync(file(3));
    truncateSync(file(3), size - 5);
    expect(await refusal(wanted())).toContain('0000000003.ndjson: truncated: its last line is incomplete');
    edit(file(3), (text) => text.slice(0, text.lastIndexOf('\n') + 1));
    expect(await refusal(wanted())).toContain('0000000003.ndjson: truncated: it ends after line');
    truncateSync(file(3), 0);
    expect(await refusal(wanted())).toContain('0000000003.ndjson: empty');
  });

  test('lines added, a row of another shape, no JSON', async () => {
    edit(file(3), (text) => `${text}["a","b","c","d"]\n`);
    expect(await refusal(wanted())).toMatch(/0000000003\.ndjson: changed: line \d+ is no row that its header counts/);
    edit(file(3), (text) => text.replace('["service|telemetry",{', '["service|telemetry",7,{'));
    expect(await refusal(wanted())).toMatch(/changed: line \d+ is no row of users/);
    edit(file(3), (text) => text.replace('{"v":1', '{"v":'));
    expect(await refusal(wanted())).toContain('damaged: its first line is no header');
  });

  test('of another Sluice environment', async () => {
    const staging = await open({ environment: 'staging' });
    for (const n of [1, 2, 3]) await staging.write(version(n), at());
    copyFileSync(file(3, 'staging'), file(3));
    expect(await refusal(wanted())).toContain('0000000003.ndjson: of another environment: it was made for staging, not for production');
  });

  test('of another Permit environment', async () => {
    edit(file(3), (text) => text.replace('env-production', 'env-elsewhere'));
    expect(await refusal(wanted())).toContain('0000000003.ndjson: of another Permit environment: it was read from env-elsewhere, and the others from env-production');
  });

  test('rolled back: an older one in its place', async () => {
    copyFileSync(file(2), file(3));
    expect(await refusal(wanted())).toContain('0000000003.ndjson: holds generation 2 in place of 3: it was rolled back outside of Sluice');
    copyFileSync(file(1), file(2));
    rmSync(file(3));
    expect(await refusal(wanted())).toContain('0000000003.ndjson: missing');
  });

  test('rolled back with all that is known of the newer one: nothing has the wanted digest', async () => {
    const generations = JSON.parse(readFileSync(state(), 'utf8')) as { generations: unknown[] };
    writeFileSync(state(), JSON.stringify({ ...generations, lastNumber: 3, generations: generations.generations.slice(0, 2) }));
    rmSync(file(3));
    expect(await refusal(wanted())).toMatch(/\/production: holds nothing with the digest sha256:[0-9a-f]{64}, which the decision log names last; there are only 0000000001\.ndjson, 0000000002\.ndjson\./);
  });

  test('but one that only the log knows is found by its digest', async () => {
    edit(state(), (text) => JSON.stringify({ ...JSON.parse(text), generations: [] }));
    expect((await (await open()).load(wanted())).data).toEqual(version(3));
  });

  test('any flipped byte', async () => {
    const whole = readFileSync(file(3));
    await fc.assert(fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (i, bits) => {
      const flipped = Buffer.from(whole);
      flipped[i]! ^= bits;
      writeFileSync(file(3), flipped);
      expect(await refusal(wanted())).toMatch(/^DiskError: .*0000000003\.ndjson: /);
    }), { numRuns: 100 });
  });
});

describe('numbers are never given twice', () => {
  test('over restarts, and when all generations were deleted', async () => {
    for (const n of [1, 2]) await (await open()).write(version(n), at());
    rmSync(file(1));
    rmSync(file(2));
    expect((await (await open()).write(version(3), at())).number).toBe(3);
  });

  test('a missing or damaged state file beside generations is an error that names it', async () => {
    await (await open()).write(version(1), at());
    edit(state(), (text) => text.slice(0, 20));
    await expect(open()).rejects.toThrow(`${state()}: missing or damaged; it holds the last number of a generation`);
    rmSync(state());
    await expect(open()).rejects.toThrow(`${state()}: missing or damaged`);
  });

  test('a state file older than the generations is one too', async () => {
    const generations = await open();
    await generations.write(version(1), at());
    copyFileSync(state(), `${dir()}/old`);
    await generations.write(version(2), at());
    copyFileSync(`${dir()}/old`, state());
    await expect(open()).rejects.toThrow(`${state()}: is older than the generations beside it (it knows numbers up to 1, but 2 is there)`);
  });

  test('with the folder gone, the number that the log names counts', async () => {
    expect((await (await open({ atLeast: 41 })).write(version(1), at())).number).toBe(42);
  });

  test('a write that fails leaves what was there, and says where', async () => {
    const generations = await open();
    const first = await generations.write(version(1), at());
    rmSync(state());
    rmSync(`${dir()}/production`, { recursive: true });
    await expect(generations.write(version(2), at())).rejects.toThrow(/\/production\/state\.json: can't be written \(ENOENT\)/);
    expect(generations.list()).toEqual([first]);
  });
});

describe('of a crash', () => {
  test('between write and rename only a temporary file is left, which is no generation and goes with the next write', async () => {
    const generations = await open();
    const { digest } = await generations.write(version(1), at());
    writeFileSync(`${file(2)}.tmp`, readFileSync(file(1)).subarray(0, 100));
    edit(state(), (text) => text.replace('"lastNumber":1', '"lastNumber":2')); // the number is taken first
    const after = await open();
    expect(after.list().map(({ number }) => number)).toEqual([1]);
    expect((await after.load(digest)).data).toEqual(version(1));
    expect((await after.write(version(2), at())).number).toBe(3);
    await after.prune(1);
    expect(names()).toEqual(['0000000001.ndjson', '0000000003.ndjson', 'state.json']);
  });

  test('between rename and entry the file is a leftover whose number is not given again', async () => {
    const generations = await open();
    await generations.write(version(1), at());
    copyFileSync(file(1), file(2));
    edit(state(), (text) => text.replace('"lastNumber":1', '"lastNumber":2'));
    const after = await open();
    expect((await after.write(version(2), at())).number).toBe(3);
    await after.prune(1);
    expect(existsSync(file(2))).toBe(false);
  });
});

describe('how many are kept', () => {
  test('the newest, the pinned one and the active one', async () => {
    const generations = await open({ keep: 2 });
    for (const n of [1, 2, 3, 4, 5, 6]) await generations.write(version(n), at());
    await generations.pin(1);
    await generations.prune(3);
    expect(generations.list().map(({ number }) => number)).toEqual([1, 3, 5, 6]);
    expect(names()).toEqual(['0000000001.ndjson', '0000000003.ndjson', '0000000005.ndjson', '0000000006.ndjson', 'state.json']);
    expect((await open()).state().pinned).toBe(1);
    await generations.pin(undefined);
    await generations.prune(6);
    expect((await open()).list().map(({ number }) => number)).toEqual([5, 6]);
    await expect(generations.pin(1)).rejects.toThrow('/production: generation 1 is no longer kept');
  });
});

describe('a further verified read of the same content', () => {
  test('renews it on disk and writes no other', async () => {
    const generations = await open();
    const { digest } = await generations.write(version(1), at());
    await generations.write(version(2), at());
    expect(await generations.renew(contentDigest(version(1)), at(AT_MS + 60_000))).toEqual([1]);
    expect((await open()).list().map(({ verifiedAtMs }) => verifiedAtMs - AT_MS)).toEqual([60_000, 0]);
    expect((await (await open()).load(digest)).generation.verifiedAtMs).toBe(AT_MS + 60_000);
  });

  test('is known as such only when the bytes on disk are known from this run', async () => {
    const { digest, number } = await (await open()).write(version(1), at());
    const later = await open();
    expect(later.newestWith(contentDigest(version(1)), undefined)).toBeUndefined();
    expect(later.newestWith(contentDigest(version(1)), digest)?.number).toBe(number);
    await later.load(digest);
    expect(later.newestWith(contentDigest(version(1)), undefined)?.number).toBe(number);
    expect(later.newestWith(contentDigest(version(2)), undefined)).toBeUndefined();
    rmSync(file(1));
    expect(later.newestWith(contentDigest(version(1)), undefined)).toBeUndefined();
  });
});

describe('a key of another Permit environment', () => {
  const elsewhere = { ...SCOPE, environment: 'env-staging' };
  test('is refused beside generations of this one', async () => {
    const generations = await open();
    await generations.admit(elsewhere);
    await generations.write(version(1), at());
    await generations.admit(SCOPE);
    await expect(generations.admit(elsewhere)).rejects.toMatchObject({ kind: 'key', message: expect.stringContaining('the key of production opens the Permit environment env-staging, but what is kept was read from env-production') });
    expect(generations.baseline()).toMatchObject({ users: 1 });
  });

  test('is taken once they were deleted by hand, with nothing remembered but the number', async () => {
    await (await open()).write(version(1), at());
    rmSync(file(1));
    const generations = await open();
    await generations.admit(elsewhere);
    expect(generations.baseline()).toBeUndefined();
    expect((await generations.write({ ...version(2), scope: elsewhere }, at())).number).toBe(2);
  });
});
