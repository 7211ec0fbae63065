import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDataDir, type DataDir } from '../../src/datadir/datadir.ts';
import { mountTest, withTmpfs } from '../log/tmpfs.ts';

let dir = '';
const opened: DataDir[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'datadir-'));
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  rmSync(dir, { recursive: true });
});

const AT_MS = Date.UTC(2026, 10, 22, 12);

async function open(path = dir): Promise<DataDir> {
  const one = await openDataDir(path, () => AT_MS);
  opened.push(one);
  return one;
}
async function reopen(): Promise<DataDir> {
  opened.pop()?.close();
  return open();
}
const mode = (name: string) => (statSync(join(dir, name)).mode & 0o777).toString(8);

test('makes what is missing, for its user alone', async () => {
  await open(join(dir, 'a/b'));
  expect(readdirSync(join(dir, 'a/b')).sort()).toEqual(['keys', 'lock', 'revisions.json', 'vendor-states.json']);
  expect(['a', 'a/b', 'a/b/keys', 'a/b/keys/names.key', 'a/b/lock', 'a/b/revisions.json', 'a/b/vendor-states.json'].map(mode))
    .toEqual(['700', '700', '700', '600', '600', '600', '600']);
});

describe('the lock', () => {
  const CHILD = fileURLToPath(new URL('hold-child.ts', import.meta.url));
  const children: ChildProcess[] = [];
  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

  async function hold(): Promise<{ readonly child: ChildProcess; readonly said: string }> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, dir], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [said] = await once(createInterface(child.stdout!), 'line') as [string];
    return { child, said };
  }
  test('keeps a second process out, and the kernel lets go of it at kill -9', async () => {
    const first = await hold();
    expect(first.said).toBe('held');
    await expect(open()).rejects.toThrow(`${dir}: another Sluice is using this data directory`);
    expect((await hold()).said).toContain(`${dir}: another Sluice is using this data directory`);

    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const { hashName } = await open();
    expect(hashName('x')).toMatch(/^\?/);
  });

  test('keeps a second opening in the same process out, which does not break it', async () => {
    await open();
    await expect(open()).rejects.toThrow('another Sluice');
    expect((await hold()).said).toContain('another Sluice');
  });

  test('is let go by close, which may be called again', async () => {
    const first = await open();
    first.close();
    first.close();
    expect((await hold()).said).toBe('held');
  });

  test('is let go when opening fails', async () => {
    writeFileSync(join(dir, 'revisions.json'), '{');
    await expect(open()).rejects.toThrow('revisions.json');
    rmSync(join(dir, 'revisions.json'));
    expect((await hold()).said).toBe('held');
  });

  test('refuses a file that is none', async () => {
    writeFileSync(join(dir, 'lock'), 'not a database, and long enough to have a header of one hundred bytes '.repeat(9));
    await expect(open()).rejects.toThrow(`${join(dir, 'lock')}: can't be locked (file is not a database)`);
  });
});

describe('a directory that can\'t be written', () => {
  const message = (path: string, code: string) => `${path}: the data directory can't be written (${code})`;

  test('since it is below a file', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(open(join(dir, 'file/data'))).rejects.toThrow(message(join(dir, 'file/data'), 'ENOTDIR'));
  });

  mountTest('since it is read-only', () => withTmpfs('ro,size=64k', async (readOnly) => {
    await expect(open(join(readOnly, 'data'))).rejects.toThrow(message(join(readOnly, 'data'), 'EROFS'));
    await expect(open(readOnly)).rejects.toThrow(message(readOnly, 'EROFS'));
  }));
});

describe('names', () => {
  test('are hashed with a key of this directory, the same after a restart', async () => {
    const first = (await open()).hashName('user@example.com');
    const key = readFileSync(join(dir, 'keys/names.key'));
    expect(key).toHaveLength(32);
    expect(first).toBe(`?${createHmac('sha256', key).update('user@example.com').digest('hex').slice(0, 16)}`);
    expect((await reopen()).hashName('user@example.com')).toBe(first);
    expect((await open(join(dir, 'other'))).hashName('user@example.com')).not.toBe(first);
  });

  test('a key that others may read is refused', async () => {
    (await open()).close();
    chmodSync(join(dir, 'keys/names.key'), 0o604);
    await expect(open()).rejects.toThrow('names.key: can be read by others (mode 0604). Whoever has this key can guess the names in the log: chmod 600 it, and think about who has read it');
  });

  test('a short key is refused', async () => {
    (await open()).close();
    truncateSync(join(dir, 'keys/names.key'), 31);
    await expect(open()).rejects.toThrow('names.key: damaged (31 bytes, not 32)');
  });
});

describe('revisions', () => {
  test('count up from 1 with every change, a rollback too, each environment for itself, across restarts', async () => {
    const { revisionOf } = await open();
    expect([revisionOf('production', 'a'), revisionOf('production', 'a'), revisionOf('production', 'b'), revisionOf('staging', 'b'), revisionOf('production', 'a')])
      .toEqual([1, 1, 2, 1, 3]);
    const again = await reopen();
    expect([again.revisionOf('production', 'a'), again.revisionOf('staging', 'c'), again.revisionOf('__proto__', 'x')]).toEqual([3, 2, 1]);
    expect((await reopen()).revisionOf('__proto__', 'y')).toBe(2);
  });
});

describe('vendor states', () => {
  test('survive a restart; what was given before a change stays as it was', async () => {
    const data = await open();
    const before = data.vendorStates();
    data.setVendorState('mixpanel', 'breached');
    data.setVendorState('intercom', 'under_review');
    data.setVendorState('mixpanel', 'active');
    expect(before.size).toBe(0);
    const after = await reopen();
    expect([...after.vendorStates()]).toEqual([['mixpanel', 'active'], ['intercom', 'under_review']]);
    expect([after.vendorStateSetAtMs('mixpanel'), after.vendorStateSetAtMs('segment')]).toEqual([AT_MS, undefined]);
  });

  test('are on disk when the call returns, by another name first', async () => {
    const data = await open();
    data.setVendorState('mixpanel', 'breached');
    expect(readFileSync(join(dir, 'vendor-states.json'), 'utf8')).toBe(`{"v":1,"entries":[["mixpanel",{"state":"breached","atMs":${AT_MS}}]]}\n`);
    expect(existsSync(join(dir, 'vendor-states.json.tmp'))).toBe(false);
  });
});

test('a state that can\'t be kept is an error and does not count', async () => {
  const data = await open();
  data.setVendorState('mixpanel', 'breached');
  rmSync(join(dir, 'vendor-states.json'));
  mkdirSync(join(dir, 'vendor-states.json'));
  expect(() => data.setVendorState('mixpanel', 'active')).toThrow(/EISDIR/);
  expect(data.vendorStates().get('mixpanel')).toBe('breached');
});

describe('what was kept is never silently forgotten', () => {
  test.each(['revisions.json', 'vendor-states.json'])('%s damaged in any of these ways is refused and left as it is', async (name) => {
    const data = await open();
    data.revisionOf('production', 'a');
    data.setVendorState('mixpanel', 'breached');
    data.close();
    const good = readFileSync(join(dir, name), 'utf8');
    for (const bad of ['', '{', good.slice(0, -5), good.replace('"v":1', '"v":2'), good.replace('breached', 'fine').replace('"number":1', '"number":0'), '[]', 'null']) {
      writeFileSync(join(dir, name), bad);
      await expect(open()).rejects.toThrow(`${join(dir, name)}: missing or damaged`);
      expect(readFileSync(join(dir, name), 'utf8')).toBe(bad);
    }
  });

  test.each(['revisions.json', 'vendor-states.json', 'keys/names.key'])('%s missing beside a log is refused', async (name) => {
    (await open()).close();
    rmSync(join(dir, name));
    (await open()).close(); // no log yet: a first start that was cut short
    mkdirSync(join(dir, 'log'));
    writeFileSync(join(dir, 'log', 'origin'), 'sluice/0123456789abcdef\n');
    rmSync(join(dir, name));
    await expect(open()).rejects.toThrow(`${join(dir, name)}: missing`);
  });
});
