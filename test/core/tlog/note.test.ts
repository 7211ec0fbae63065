import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { formatCheckpoint, parseCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { EMPTY_ROOT } from '../../../src/core/tlog/merkle.ts';
import { openNote, parseNote, parseVerifierKey, signNote, toVerifierKey } from '../../../src/core/tlog/note.ts';
import { formatProof, parseProof } from '../../../src/core/tlog/proof.ts';

const signerOf = (name: string) => ({ name, key: generateKeyPairSync('ed25519').privateKey });

test('the example of the signed-note specification opens with its key, and with no byte changed', () => {
  const key = parseVerifierKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')!;
  const note = 'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
  expect(openNote(note, key)).toMatch(/^If you think/);
  for (let i = 0; i < note.length; i += 1) {
    const changed = `${note.slice(0, i)}${note[i] === 'A' ? 'B' : 'A'}${note.slice(i + 1)}`;
    expect(openNote(changed, key)).toBeUndefined();
  }
});

test('a note opens with the key of each of its signers, and with no other', () => {
  fc.assert(fc.property(fc.array(fc.stringMatching(/^[a-z é/]{1,20}$/), { minLength: 1, maxLength: 4 }), (lines) => {
    const text = `${lines.join('\n')}\n`;
    const [a, b, stranger] = [signerOf('sluice/a'), signerOf('sluice/b'), signerOf('sluice/a')];
    const note = signNote(text, [a, b]);
    expect([a, b, stranger].map(({ name, key }) => openNote(note, toVerifierKey(name, key)))).toEqual([text, text, undefined]);
  }), { numRuns: 30 });
});

test('a note does not open with a key that has one good signature and one bad one on it', () => {
  const signer = signerOf('sluice/a');
  const [note, other] = ['text\n', 'other\n'].map((text) => signNote(text, [signer]));
  const bad = other!.slice(other!.indexOf('\n\n') + 2);
  expect(openNote(`${note}${bad}`, toVerifierKey(signer.name, signer.key))).toBeUndefined();
});

test.each(['', 'x', 'x\n', 'x\n\n', 'x\n\n— a b', 'x\n\nno signature\n', 'x\n\n— a AAAA\n'])('%j is no signed note', (text) => {
  expect(parseNote(text)).toBeUndefined();
});

test('a verifier key is its own text; what is none is none', () => {
  const key = toVerifierKey('sluice/a', signerOf('x').key);
  expect(parseVerifierKey(key.text)).toMatchObject({ name: 'sluice/a', id: key.id, text: key.text });
  const other = key.text.replace(/\+[0-9a-f]{8}\+/, '+00000000+');
  for (const text of ['', 'sluice/a', other, `${key.text}=`, key.text.slice(0, -4), key.text.replace('+', ' ')]) expect(parseVerifierKey(text)).toBeUndefined();
});

test('a checkpoint is read as it was written, and nothing else is one', () => {
  const signer = signerOf('sluice/a');
  const checkpoint = { origin: 'sluice/a', size: 17, root: EMPTY_ROOT };
  expect(formatCheckpoint(checkpoint)).toBe('sluice/a\n17\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n');
  expect(parseCheckpoint(signNote(formatCheckpoint(checkpoint), [signer]))).toEqual(checkpoint);
  for (const text of ['sluice/a\n017\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n', 'sluice/a\n17\nAAAA\n', 'sluice/a\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n', 'sluice/a\n']) {
    expect(parseCheckpoint(signNote(text, [signer]))).toBeUndefined();
  }
});

test('a proof is one text, read as it was written; optional extra data is passed over', () => {
  const checkpoint = signNote(formatCheckpoint({ origin: 'sluice/a', size: 3, root: EMPTY_ROOT }), [signerOf('sluice/a')]);
  const proof = { index: 2, path: [EMPTY_ROOT, EMPTY_ROOT], checkpoint };
  const text = formatProof(proof);
  expect(text.startsWith('c2sp.org/tlog-proof@v1\nindex 2\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n')).toBe(true);
  expect(parseProof(text)).toEqual(proof);
  expect(parseProof(text.replace('@v1\n', '@v1\nextra YQ==\n'))).toEqual(proof);
  for (const other of ['', text.replace('@v1', '@v2'), text.replace('index 2', 'index 02'), text.replace('47DE', '47D')]) expect(parseProof(other)).toBeUndefined();
});
