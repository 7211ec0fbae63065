import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';

/** A public key and whose it is; as text `name+hex key id+base64 of the type byte 1 (Ed25519) and the key`. */
export interface VerifierKey {
  readonly name: string;
  /** 8 hex: the first four bytes of SHA-256(name ‖ newline ‖ 1 ‖ public key). */
  readonly id: string;
  readonly key: KeyObject;
  /** The whole as one line of text. */
  readonly text: string;
}

const ED25519 = Buffer.of(1);
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
// A DER header of fixed length goes before the 32 bytes of every Ed25519 public key.
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const isName = (name: string) => /^[^\s+]+$/.test(name);

/** @param key an Ed25519 key, public or private. */
export function toVerifierKey(name: string, key: KeyObject): VerifierKey {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES);
  const typed = Buffer.concat([ED25519, raw]);
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'hex').slice(0, 8);
  return { name, id, key: publicKey, text: `${name}+${id}+${typed.toString('base64')}` };
}

/** Undefined for what is no verifier key of type Ed25519. Source: c2sp.org/signed-note v1.0.0, as all of this file. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  if (match === null) return undefined;
  const typed = Buffer.from(match[3]!, 'base64');
  if (typed.length !== KEY_BYTES + 1 || typed[0] !== ED25519[0]) return undefined;
  const key = createPublicKey({ key: Buffer.concat([SPKI, typed.subarray(1)]), format: 'der', type: 'spki' });
  const parsed = toVerifierKey(match[1]!, key);
  return parsed.text === text ? parsed : undefined;
}

export interface Signer {
  readonly name: string;
  /** Ed25519, private. */
  readonly key: KeyObject;
}

/** The text, which ends with a newline and holds no empty line, with a signature by each of the signers. */
export function signNote(text: string, signers: readonly Signer[]): string {
  const lines = signers.map(({ name, key }) => {
    if (!isName(name)) throw new TypeError('the name of a key holds no space and no plus');
    const signature = Buffer.concat([Buffer.from(toVerifierKey(name, key).id, 'hex'), sign(null, Buffer.from(text), key)]);
    return `— ${name} ${signature.toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

interface Signature {
  readonly name: string;
  readonly id: string;
  readonly signature: Buffer;
}

/** Undefined for what is no signed note. */
export function parseNote(note: string): { readonly text: string; readonly signatures: readonly Signature[] } | undefined {
  const cut = note.lastIndexOf('\n\n');
  if (cut === -1 || !note.endsWith('\n')) return undefined;
  const signatures = note.slice(cut + 2, -1).split('\n').map((line) => {
    const [, name, base64] = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    const bytes = Buffer.from(base64 ?? '', 'base64');
    const isExact = bytes.toString('base64') === base64; // else some bits of the text would not count
    return name === undefined || bytes.length < 5 || !isExact ? undefined : { name, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) };
  });
  if (signatures.some((signature) => signature === undefined)) return undefined;
  return { text: note.slice(0, cut + 1), signatures: signatures as Signature[] };
}

/** The text of the note when this key has signed it; signatures by others are passed over, of its own none may be wrong. */
export function openNote(note: string, { name, id, key }: VerifierKey): string | undefined {
  const parsed = parseNote(note);
  const ours = parsed?.signatures.filter((one) => one.name === name && one.id === id) ?? [];
  if (parsed === undefined || ours.length === 0) return undefined;
  return ours.every(({ signature }) => signature.length === SIGNATURE_BYTES && verify(null, Buffer.from(parsed.text), key, signature)) ? parsed.text : undefined;
}
