import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../../src/core/tlog/merkle.ts';
import { openNote, parseVerifierKey } from '../../../src/core/tlog/note.ts';
import { parseProof } from '../../../src/core/tlog/proof.ts';
import { NotSignedYet, ProofError, proveRecord } from '../../../src/log/tree/prove.ts';
import { createProofs } from '../../../src/service/proofs.ts';
import { createForge } from './forge.ts';
import { fill, inDataDir } from './support.ts';

const { data, dir, file, read, vkey, open } = inDataDir();
const VERIFIER = resolve(import.meta.dirname, '../../../verify.mjs');
const SEGMENT = `segments/${'0'.repeat(20)}.ndjson`;
const lineAt = (index: number) => read(SEGMENT).split('\n')[index]!;

beforeEach(async () => {
  const log = await open();
  await fill(log, 0, 600);
  await log.close();
});

describe('a proof file', () => {
  const write = (name: string, content: string) => {
    writeFileSync(join(data(), name), content);
    return join(data(), name);
  };
  function byVerifier(proof: string, record: string, key: string) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [VERIFIER, '--proof', write('x.tlog-proof', proof), '--record', write('record', record), '--vkey', key], { encoding: 'utf8' });
    expect([stderr, stdout.includes('    at ')]).toEqual(['', false]);
    return status === 0;
  }
  /** The same, by what the program has of its own. */
  function byProgram(text: string, record: string, key: string) {
    const [proof, verifier] = [parseProof(text), parseVerifierKey(key)];
    const checkpoint = proof && verifier && openNote(proof.checkpoint, verifier) !== undefined ? parseCheckpoint(proof.checkpoint) : undefined;
    return checkpoint !== undefined && checkpoint.origin === verifier?.name && verifyInclusion({ leaf: leafHash(Buffer.from(record)), index: proof!.index, size: checkpoint.size, path: proof!.path, root: checkpoint.root });
  }
  const hash = `${Buffer.alloc(32, 7).toString('base64')}\n`;
  const firstHash = /(?<=index \d+\n)[^\n]+\n/;

  test.each<readonly [string, (proof: string) => string]>([
    ['of another index', (proof) => proof.replace('index 300', 'index 301')],
    ['of an index beyond the checkpoint', (proof) => proof.replace('index 300', 'index 600')],
    ['of an index without end', (proof) => proof.replace('index 300', `index ${'9'.repeat(16)}`)],
    ['of a negative index', (proof) => proof.replace('index 300', 'index -1')],
    ['with one hash too many at the end', (proof) => proof.replace('\n\n', `\n${hash}\n`)],
    ['with one hash too many at the beginning', (proof) => proof.replace(firstHash, (first) => `${hash}${first}`)],
    ['with a hundred thousand hashes', (proof) => proof.replace('\n\n', `\n${hash.repeat(100_000)}\n`)],
    ['with one hash too few', (proof) => proof.replace(firstHash, '')],
    ['with no hash at all', (proof) => proof.replace(/(index 300\n)[^]*?\n\n/, '$1\n')],
    ['with two hashes swapped', (proof) => proof.replace(/(index 300\n)([^\n]+\n)([^\n]+\n)/, '$1$3$2')],
    ['with a bit changed that base64 does not count', (proof) => proof.replace(/([AEIMQUYcgkosw048])=\n/, (_, last: string) => `${String.fromCharCode(last.charCodeAt(0) + 1)}=\n`)],
    ['with CRLF', (proof) => proof.replaceAll('\n', '\r\n')],
    ['with a byte order mark', (proof) => `\uFEFF${proof}`],
    ['with something behind it', (proof) => `${proof}x`],
    ['with a line of its signatures that is none', (proof) => `${proof}x\n`],
    ['without its signature', (proof) => proof.slice(0, proof.indexOf('— '))],
    ['of another size', (proof) => proof.replace('\n600\n', '\n599\n')],
    ['that is empty', () => ''],
  ])('%s proves nothing: to verify.mjs and to the program alike', async (_name, change) => {
    const proof = await proveRecord(dir(), 300);
    expect([byVerifier(proof, lineAt(300), vkey()), byProgram(proof, lineAt(300), vkey())]).toEqual([true, true]);
    const changed = change(proof);
    expect(changed).not.toBe(proof);
    expect([byVerifier(changed, lineAt(300), vkey()), byProgram(changed, lineAt(300), vkey())]).toEqual([false, false]);
  });

  test('of another log, by another key, or of a record of another line proves nothing', async () => {
    const other = createForge(join(data(), 'other'));
    other.records(600);
    other.sign();
    other.write();
    const theirs = await proveRecord(join(data(), 'other'), 300);
    const line = readFileSync(join(data(), 'other', SEGMENT), 'utf8').split('\n')[300]!;
    const ours = await proveRecord(dir(), 300);
    expect(byVerifier(theirs, line, other.vkeyOf())).toBe(true);
    // A log that begins anew is signed for by the key of the one before too, and is not that one.
    const before = createForge(join(data(), 'before'), 'sluice/aaaaaaaaaaaaaaaa');
    other.sign({ others: [{ name: before.origin, key: before.first }] });
    other.write();
    const cosigned = await proveRecord(join(data(), 'other'), 300);
    expect([byVerifier(cosigned, line, other.vkeyOf()), byVerifier(cosigned, line, before.vkeyOf())]).toEqual([true, false]);
    for (const [proof, record, key] of [[theirs, line, vkey()], [ours, lineAt(300), other.vkeyOf()], [ours, line, vkey()], [ours, lineAt(301), vkey()], [ours, `${lineAt(300)}\n\n`, vkey()]] as const) {
      expect([byVerifier(proof, record, key), byProgram(proof, record, key)]).toEqual([false, false]);
    }
  });
});

describe('what can\'t be proven', () => {
  test('because nobody signs for it yet is another matter than a log that was changed: over HTTP too', async () => {
    const proofs = createProofs(dir());
    await expect(proveRecord(dir(), 600)).rejects.toBeInstanceOf(NotSignedYet);
    expect(await proofs.proofOf(600)).toBeUndefined();
    writeFileSync(file(SEGMENT), read(SEGMENT).replace('"n":300}', '"n":301}'));
    const failed = await proveRecord(dir(), 300).catch((error: unknown) => error);
    expect([failed instanceof ProofError, failed instanceof NotSignedYet, String(failed)]).toEqual([true, false, expect.stringContaining('the log is not the one that was signed')]);
    await expect(proofs.proofOf(300)).rejects.toThrow('the log is not the one that was signed');
  });

  test('because what it rests on is gone names the tile', async () => {
    rmSync(file('tile'), { recursive: true });
    rmSync(file(SEGMENT));
    const failed = await proveRecord(dir(), 300).catch((error: unknown) => error);
    expect([failed instanceof ProofError, failed instanceof NotSignedYet, String(failed)]).toEqual([true, false, expect.stringMatching(/record 300 can't be proven: .*tile\/0\/00\d: missing, and so is what it is made of/)]);
  });
});
