import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { logQuery } from '../../src/cli/log/query.ts';
import { show } from '../../src/cli/log/show.ts';
import { openLog } from '../../src/log/log.ts';
import { ROOT } from '../support/world.ts';

// What an auditor looks into may have been changed by somebody: "log verify" says so, and reading it must be safe before.
const ODD: readonly object[] = [
  { decision: 'deny\u001B[31m', identity: 'i\u009B', vendor: 'v\u202E', reasons: [{ code: 'a\u001B[2J', rule: 'r\u009B2J' }], fields: [{ paths: ['x\u001B]0;'], effect: 'allow\u0007' }] },
  { reasons: {}, fields: {} }, { reasons: [null, 5], fields: [null, 5] }, { reasons: 'x', fields: 'x' }, { reasons: [{}], fields: [{}] }, { fields: [{ paths: 'abc', rules: 'r' }] },
  { identity: { a: 1 }, vendor: null, decision: [], revision: null, obligations: {}, approvals: {} }, { identity: { toString: 1, valueOf: 1 }, fields: [{ paths: ['p'], effect: { toString: 1 } }], time: 5 },
];

let dataDir: string;
beforeAll(async () => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'log-changed-'));
  const log = await openLog({ dir: path.join(dataDir, 'log'), now: Date.now });
  for (const members of ODD) await log.append({ kind: 'decision', members: JSON.stringify(members).slice(1, -1) }).durable;
  await log.close();
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

async function run(act: typeof show, { positionals = [], values = {} }: { readonly positionals?: readonly string[]; readonly values?: Readonly<Record<string, string | boolean | string[]>> } = {}): Promise<string> {
  let said = '';
  const say = (line: string) => void (said += `${line}\n`);
  await act({ positionals: [...positionals], values: { ...values } }, { root: ROOT, env: { SLUICE_DATA_DIR: dataDir }, colour: false, interactive: true, stdin: async () => '', out: say, err: say });
  return said;
}

const query: typeof show = (...args) => logQuery.run(...args);

test('whatever stands in a record, all are shown, and the terminal obeys none of it', async () => {
  const shown = [
    await run(show), await run(query, { values: { kind: ['all'] } }),
    ...await Promise.all(ODD.map((_, index) => run(show, { positionals: [String(index)] }))),
  ];
  expect(shown.slice(0, 2).map((text) => text.split('\n').length)).toEqual([ODD.length + 1, ODD.length + 2]);
  expect(shown.join('').replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202A-\u202E]/u);
  expect(shown[0]).toContain('a\\u001b[2J@r\\u009b2J');
  expect(shown[2]).toContain('a\\u001b[2J by r\\u009b2J');
  expect((await run(query, { values: { kind: ['all'], csv: true } })).split('\r\n')).toHaveLength(ODD.length + 1);
});

test('no lines are none', async () => {
  expect(await run(show, { values: { lines: '0' } })).toBe('');
  expect((await run(show, { values: { lines: '2', json: true } })).split('\n')).toHaveLength(3);
});
