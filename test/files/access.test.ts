import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openToGroup, refuseStrangers, refuseStrangersAt, type Process } from '../../src/files/access.ts';

const isRoot = process.geteuid?.() === 0;
const SELF: Process = { uid: 1000, groups: [1000, 2000] };
const FOREIGN = 54_321;

interface Row { readonly mode: number; readonly uid?: number; readonly gid?: number; readonly folder?: boolean; readonly self?: Process }

const messageOf = ({ mode, uid = 1000, gid = 1000, folder = false, self = SELF }: Row): string | undefined => {
  try {
    refuseStrangers('/nowhere/at-all', { mode, uid, gid, isDirectory: () => folder }, { why: 'They can lie', andThen: 'make another', elsewhere: 'take another' }, self);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

test.each<Row & { name: string }>([
  { name: 'its owner alone', mode: 0o600 }, { name: 'its owner alone, for reading', mode: 0o400 }, { name: 'a folder of its owner alone', mode: 0o700, folder: true },
  { name: 'fsGroup: a file of root\'s, group of this process', mode: 0o660, uid: 0, gid: 2000 }, { name: 'a secret of 0440', mode: 0o440, uid: 0, gid: 2000 },
  { name: 'a folder with the bit of its group', mode: 0o2770, uid: 0, gid: 2000, folder: true }, { name: 'the own first group', mode: 0o640 },
  { name: 'a group that may do nothing', mode: 0o600, gid: FOREIGN }, { name: 'a system without users', mode: 0o666, self: { uid: undefined, groups: [] } },
])('F10: accepted: $name', (row) => expect(messageOf(row)).toBeUndefined());

test.each<Row & { name: string; says: string }>([
  { name: 'a file that all may read', mode: 0o644, says: 'can be read by others (mode 0644). They can lie: chmod 600 it, and make another; or take another' },
  { name: 'a file that all may change', mode: 0o622, says: 'can be changed by others (mode 0622). They can lie: chmod 600 it, and' },
  { name: 'a folder that all may change', mode: 0o777, folder: true, says: 'can be read and changed by others (mode 0777). They can lie: chmod 700 it, and' },
  { name: 'a folder that all may enter', mode: 0o711, folder: true, says: 'can be entered by others (mode 0711)' },
  { name: 'others, although the group is its own', mode: 0o664, gid: 2000, says: 'can be read by others (mode 0664)' },
  { name: 'a strange group', mode: 0o640, gid: FOREIGN, says: `can be read by the group ${FOREIGN}, none of this process's (mode 0640). They can lie: chmod 600 it` },
  { name: 'a strange group, for root too', mode: 0o660, gid: FOREIGN, self: { uid: 0, groups: [0] }, says: 'chmod 600 it' },
  { name: 'root\'s file, which this process can not chmod', mode: 0o444, uid: 0, gid: 0, says: 'They can lie: its owner (uid 0) must give it mode 0440 and a group of this process (1000, 2000); in Kubernetes: "defaultMode: 0440" for the volume and "fsGroup" for the pod, and' },
  { name: 'root\'s folder', mode: 0o2777, uid: 0, gid: 2000, folder: true, says: 'its owner (uid 0) must chmod o-rwx it and give it a group of this process (1000, 2000), as Kubernetes does with fsGroup' },
])('F10: refused, with what can be done: $name', ({ says, ...row }) => expect(messageOf(row)).toContain(says));

describe('F10: real files', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(path.join(tmpdir(), 'sluice-access-')); });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('the own group\'s bits are accepted and told, others\' refuse, a missing file is nobody\'s', () => {
    const [group, all] = [path.join(folder, 'group'), path.join(folder, 'all')];
    writeFileSync(group, '');
    writeFileSync(all, '');
    chmodSync(group, 0o640);
    chmodSync(all, 0o604);
    refuseStrangersAt(group);
    refuseStrangersAt(path.join(folder, 'none'));
    expect(openToGroup()).toContain(group);
    expect(() => refuseStrangersAt(all)).toThrow(`${all}: can be read by others (mode 0604): chmod 600 it`);
    expect(openToGroup()).not.toContain(all);
  });

  // As in a pod: files of root's, the group is the volume's.
  (isRoot ? test : test.skip)('as another user: a file of root\'s with its own group is accepted, with a strange one refused', () => {
    chmodSync(folder, 0o755);
    const program = path.join(folder, 'src/files/access.ts');
    mkdirSync(path.dirname(program), { recursive: true });
    cpSync(path.resolve(__dirname, '../../src/files/access.ts'), program);
    writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
    const [own, strange] = [path.join(folder, 'own'), path.join(folder, 'strange')];
    for (const file of [own, strange]) writeFileSync(file, 'secret');
    chownSync(own, 0, 20_000);
    chownSync(strange, 0, FOREIGN);
    for (const file of [own, strange]) chmodSync(file, 0o440);
    const code = `const { refuseStrangersAt, openToGroup } = await import(${JSON.stringify(program)}); for (const file of process.argv.slice(1)) try { refuseStrangersAt(file); console.log('accepted'); } catch (error) { console.log(error.message); } console.log(openToGroup().length);`;
    const args = ['--reuid=65532', '--regid=65532', '--groups=20000', process.execPath, '--input-type=module', '-e', code, own, strange];
    if (spawnSync('setpriv', ['--version']).error !== undefined) return;
    expect(execFileSync('setpriv', args, { encoding: 'utf8', cwd: '/' }).split('\n')).toEqual([
      'accepted',
      `${strange}: can be read by the group ${FOREIGN}, none of this process's (mode 0440): its owner (uid 0) must give it mode 0440 and a group of this process (65532, 20000); in Kubernetes: "defaultMode: 0440" for the volume and "fsGroup" for the pod`,
      '1', '',
    ]);
  });
});
