#!/usr/bin/env node
// Checks a copy of Sluice's decision log, offline. One file, no dependencies, any Node from 18 on.
//
//   node verify.mjs DIR [--vkey KEY] [--old-checkpoint FILE]   DIR: the folder log/, with segments/, log.vkey, tile/ …
//   node verify.mjs --proof FILE --vkey KEY --record FILE      one record, by its .tlog-proof, without the log
//
// KEY: the log's first public key, which you were given when it began (log.vkey then); for a proof, the one that signed
// it. --old-checkpoint: one that you kept. Exit code: 0 all agrees, 1 not, 2 wrong use.
//
// What is checked. Every line of segments/*.ndjson is a leaf of a Merkle tree (RFC 9162): its exact bytes, without the
// newline. All are hashed again, in order and without a gap, and the root over the first N must be the one in every
// checkpoint of N records that was ever signed (checkpoints.ndjson: signed notes, Ed25519, c2sp.org/tlog-checkpoint).
// KEY signs until a record that it has signed for, key_rotated, names another. Records may be absent only where a signed
// record, pruned, says so: then the tree's stored hashes (tile/, c2sp.org/tlog-tiles), which otherwise only tell which
// line was changed, stand in for them, and acts.ndjson keeps the few by which a log is read (key_rotated, pruned,
// new_origin). Nothing in DIR is believed because it is there: all must hash to what KEY signed.
//
// What no file in DIR can show: that a record tells the truth; that the end was not cut off together with the checkpoints
// of it; that whoever has the key did not sign another history for somebody else. Against the last two keep a checkpoint,
// and give it. Nobody has signed for lines after the last checkpoint: they are named.
import * as buffers from 'node:buffer';
import * as crypto from 'node:crypto';
import { closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

// ---- Hashes (RFC 9162 §2.1) ----
// Node makes a text of 32 characters quicker than a Buffer; older ones have no crypto.hash.
const sha256 = crypto.hash ? (bytes) => Buffer.from(crypto.hash('sha256', bytes, 'latin1'), 'latin1') : (bytes) => crypto.createHash('sha256').update(bytes).digest();
const leafHash = (line) => sha256(Buffer.concat([Buffer.of(0), line]));
const pair = Buffer.alloc(65, 1);
const nodeHash = (left, right) => (pair.set(left, 1), pair.set(right, 33), sha256(pair));

/** The root that the siblings, the last one first, lead to from a leaf; each of them must be used. */
function rootBy(siblings, leaf, index, size) {
  if (size === 1) return leaf;
  let half = 1;
  while (half * 2 < size) half *= 2;
  const sibling = siblings.pop() ?? Buffer.alloc(32);
  return index < half ? nodeHash(rootBy(siblings, leaf, index, half), sibling) : nodeHash(sibling, rootBy(siblings, leaf, index - half, size - half));
}

// ---- Signed notes ----
/** Undefined for a text that is not the one way to write its bytes: else some of its bits would not count. */
const fromBase64 = (text) => (Buffer.from(text, 'base64').toString('base64') === text ? Buffer.from(text, 'base64') : undefined);

/** A key as text: name+id+base64(1 ‖ public key); the id is the start of SHA-256(name ‖ newline ‖ 1 ‖ public key). */
function parseKey(text) {
  const [, name, id, base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(typeof text === 'string' ? text : '') ?? [];
  const typed = fromBase64(base64);
  if (typed?.length !== 33 || typed[0] !== 1 || sha256(Buffer.concat([Buffer.from(`${name}\n`), typed])).toString('hex', 0, 4) !== id) return undefined;
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), typed.subarray(1)]);
  return { name, id, text, key: crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

function parseCheckpoint(note) {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  const lines = note.slice(text.length + 1, -1).split('\n').map((line) => /^— ([^\s+]+) (\S+)$/.exec(line) ?? []);
  const signatures = lines.map(([, name, base64 = '']) => ({ name, bytes: fromBase64(base64) }));
  const isWhole = origin !== undefined && note.endsWith('\n') && signatures.every(({ bytes }) => bytes?.length > 4);
  return isWhole ? { note, text, origin, size: Number(size), root: Buffer.from(root, 'base64'), signatures } : undefined;
}

/** Other names are passed over; of several signatures by one key none may be wrong. */
function isSignedBy({ text, signatures }, { name, id, key }) {
  const its = signatures.filter((one) => one.name === name && one.bytes.toString('hex', 0, 4) === id);
  return its.length > 0 && its.every(({ bytes }) => crypto.verify(null, Buffer.from(text), key, bytes.subarray(4)));
}

// ---- Files and places ----
const LONGEST = 65_535;

/** Each line in a buffer, from `start` to `end`; the byte before may be overwritten. `torn`: without newline. One that is too long ends it. */
function* linesOf(path, bytes = Infinity) {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (let [filled, count, left] = [1, 1, bytes]; count > 0; left -= count) {
      count = readSync(descriptor, buffer, filled, Math.min(buffer.length - filled, left), null);
      filled += count;
      const whole = buffer.subarray(0, filled);
      let start = 1;
      for (let end = whole.indexOf(10, start); end !== -1; start = end + 1, end = whole.indexOf(10, start)) yield { buffer, start, end, torn: false };
      if (filled - start > LONGEST) return yield { buffer, start, end: filled, torn: false };
      if (count === 0 && start < filled) yield { buffer, start, end: filled, torn: true };
      buffer.copyWithin(1, start, filled);
      filled += 1 - start;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** 1234067 is x001/x234/067. */
const tileName = (level, index) => `tile/${level}/${String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0').replaceAll(/\d{3}(?=\d)/g, 'x$&/')}`;
const parseJson = (text) => { try { return JSON.parse(text); } catch { return undefined; } };
const areTexts = (...values) => values.every((one) => typeof one === 'string');
const areCounts = (...values) => values.every(Number.isSafeInteger);
const range = (from, to) => (to - from === 1 ? `record ${from}` : `records ${from} to ${to - 1}`);
const missingOf = (from, to) => `${range(from, to)} ${to - from === 1 ? 'is' : 'are'} missing`;
const COPY = '. If the log was being written while it was copied, copy it again: checkpoint and checkpoints.ndjson first, then segments/';

/** Checks the log in `dir`. Gives what is wrong, and what is worth knowing; never throws for what the files hold. */
export function verifyLog(dir, { vkey, oldCheckpoint } = {}) {
  const result = { wrong: [], notes: [], size: 0, signed: 0, until: '', checkpoints: 0 };
  // Names and reasons come from the files: they may neither move a terminal's cursor nor take the room of what is said last.
  let room = 100;
  const into = (list) => (text) => void (list.length < room && list.push(list.length < room - 1 ? text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?') : 'and more of this kind, for which there is no room'));
  const [wrong, note] = [into(result.wrong), into(result.notes)];
  try {
    check(dir, { vkey, oldCheckpoint, wrong, note, result, makeRoom: () => void (room = 200) });
  } catch (error) {
    wrong(`${error.path ?? dir}: can't be read: ${error.code ?? error.message}`);
  }
  return result;
}

function check(dir, { vkey, oldCheckpoint, wrong, note, result, makeRoom }) {
  const at = (name) => join(dir, name);
  const isThere = (name) => existsSync(at(name));
  const unlessGone = (use) => { try { return use(); } catch (error) { if (error.code !== 'ENOENT') throw error; return undefined; } };
  /** The names in a folder, which is no link to another. */
  function list(name) {
    const isFolder = lstatSync(at(name), { throwIfNoEntry: false })?.isDirectory();
    if (isFolder === false) wrong(`${name}: is no folder, or a link to one`);
    return (isFolder && unlessGone(() => readdirSync(at(name)).sort())) || [];
  }
  /** Undefined when it is not there. A link or a device could show every reader something else, and never end. */
  function sizeOf(name, most = Infinity) {
    const info = lstatSync(at(name), { throwIfNoEntry: false });
    if (info === undefined || (info.isFile() && info.size <= most)) return info?.size;
    return wrong(`${name}: is no plain file, or larger than any that Sluice writes`);
  }
  const read = (name, most = 1 << 16) => (sizeOf(name, most) === undefined ? undefined : unlessGone(() => readFileSync(at(name))));

  const levels = list('tile').filter((name) => /^\d{1,2}$/.test(name));
  for (const name of ['segments', 'objects', ...levels.map((level) => `tile/${level}`)]) list(name);
  if (result.wrong.length > 0) return; // what they lead to is another's

  // What there is. Checkpoints before segments: the log may grow meanwhile.
  const newest = read('checkpoint')?.toString();
  const keptBytes = sizeOf('checkpoints.ndjson');
  const isSegment = (name) => /^\d{20}\.ndjson$/.test(name);
  const segments = list('segments').filter(isSegment).map((name) => ({ name: `segments/${name}`, start: Number(name.slice(0, 20)) }));
  const first = segments[0]?.start ?? 0;
  const [odd, ...more] = list('segments').filter((name) => !isSegment(name));
  if (odd !== undefined) note(`segments/${odd}${more.length > 0 ? ` and ${more.length} more` : ''}: is no segment, and was not read`);
  function placeOf(index) {
    const { name, start } = segments.findLast((one) => one.start <= index) ?? {};
    return `${name === undefined ? tileName(0, Math.floor(index / 256)) : `${name}:${index - start + 1}`}: record ${index}`;
  }

  // Whose log it is: that of the key given, or a new one that this key signed the beginning of.
  const stored = read('log.vkey')?.toString();
  const own = parseKey(stored?.slice(0, -1));
  const given = vkey === undefined ? own : parseKey(vkey);
  if (stored !== `${own?.text}\n`) wrong('log.vkey: missing, or not the public key of a log');
  if (given === undefined) return wrong('there is no key to check the log by');
  if (vkey === undefined) note('no --vkey: log.vkey was used, which whoever wrote the log may have made. This shows that the log agrees with itself, not whose it is.');
  const origin = (own ?? given).name;
  const isAnew = given.name !== origin;
  if (!isAnew && own !== undefined && own.text !== given.text) wrong('log.vkey: is not the key that was given. Give the first key of the log: the later ones follow from it');
  if (isThere('origin') && read('origin')?.toString() !== `${origin}\n`) wrong(`origin: is not ${origin}`);
  const old = oldCheckpoint === undefined ? undefined : parseCheckpoint(oldCheckpoint);
  if (oldCheckpoint !== old?.note) wrong('the older checkpoint is none');

  // The tiles, as far as there are any, against what the records hash to.
  const [differences, missing, hashes] = [[], [], []];
  function toTile(level, index, hash) {
    hash.copy(hashes[level] ??= Buffer.alloc(8192), (index % 256) * 32);
    if (index % 256 === 255) compareTile(level, (index - 255) / 256, 256);
  }
  function compareTile(level, tile, count) {
    const name = tileName(level, tile);
    if (count === 256 && !isThere(name)) missing.push((tile + 1) * 256 ** (level + 1));
    for (const file of [name, ...list(`${name}.p`).map((width) => `${name}.p/${width}`)]) {
      const [bytes, width] = [read(file), file === name ? 256 : Number(file.slice(name.length + 3))];
      if (bytes !== undefined && bytes.length !== width * 32) wrong(`${file}: is not ${width} hashes long`);
      const both = Math.min(count, Math.floor((bytes?.length ?? 0) / 32));
      const isSame = (from, to) => bytes.compare(hashes[level], from * 32, to * 32, from * 32, to * 32) === 0;
      if (both === 0 || isSame(0, both) || differences.length > 10_000) continue;
      const odd = Array.from({ length: both }, (_, i) => i).filter((i) => !isSame(i, i + 1));
      const spans = odd.length > 8 ? [[odd[0], odd.at(-1)]] : odd.map((i) => [i, i]);
      for (const [i, last] of spans) differences.push({ level, file, from: (tile * 256 + i) * 256 ** level, to: (tile * 256 + last + 1) * 256 ** level });
    }
  }

  // The tree: the roots of the complete subtrees that the leaves so far make up, the largest first.
  const [tree, subtrees] = [{ size: 0 }, []];
  let oldRoot = old?.size === 0 ? sha256('') : undefined;
  const root = () => (tree.size === 0 ? sha256('') : subtrees.reduceRight((right, left) => nodeHash(left, right)));
  function grow(leaf) {
    let [node, at, height] = [leaf, tree.size, 0];
    toTile(0, at, leaf);
    for (; at % 2 === 1; at = (at - 1) / 2) {
      node = nodeHash(subtrees.pop(), node);
      height += 1;
      if (height % 8 === 0) toTile(height / 8, (at - 1) / 2, node);
    }
    subtrees.push(node);
    tree.size += 1;
    if (tree.size === old?.size) oldRoot = root();
  }

  // The leaves in order: of records that were pruned those in the tiles, then those of the lines.
  const [keys, prunings, objects, acts, actsAt] = [[isAnew ? own : given], [], new Map(), new Map(), []];
  let [signed, lastTime, tailFrom, isBroken, begun] = [0, '', undefined, false, undefined];
  let actLine = 0;
  if (sizeOf('acts.ndjson', 1 << 26) !== undefined) for (const { buffer, start, end, torn } of linesOf(at('acts.ndjson'))) {
    const [line, place] = [buffer.toString('utf8', start, end), `acts.ndjson:${actLine += 1}`];
    const [, kind] = /^\{"v":1,"index":\d+,"time":"[^"]*","origin":"[^"]*","kind":"(key_rotated|pruned|new_origin)"/.exec(line) ?? [];
    const leaf = leafHash(buffer.subarray(start, end)).toString('latin1');
    if (torn || kind === undefined || acts.has(leaf)) wrong(`${place}: is no record that is kept there, or is there twice`);
    if (kind !== undefined) acts.set(leaf, { line, kind, place });
    if (actLine > acts.size + 100) break;
  }
  /** What follows can't be read as records any more. */
  const stop = (message) => void (isBroken = true, wrong(message));
  function* leaves() {
    for (let index = 0, tile; index < first; index += 1) {
      if (index % 256 === 0) tile = read(tileName(0, index / 256));
      if (tile?.length !== 8192) return stop(`${segments[0].name}: is the first segment, and ${tileName(0, Math.floor(index / 256))} is missing or damaged too: ${range(0, first)} can't be accounted for`);
      const leaf = tile.subarray((index % 256) * 32, (index % 256) * 32 + 32);
      const { line, kind, place } = acts.get(leaf.toString('latin1')) ?? {};
      if (line !== undefined) act(line, kind, place);
      yield leaf;
    }
    for (const [position, { name, start }] of segments.entries()) {
      if (start !== tree.size) return stop(`${name}: begins with record ${start}, but the segment before it ends with ${tree.size - 1}${start > tree.size ? `: ${missingOf(tree.size, start)}` : ''}${COPY}`);
      if (sizeOf(name) === undefined) return stop(`${name}: can't be read`);
      for (const line of linesOf(at(name))) {
        const place = `${name}:${tree.size - start + 1}`;
        const leaf = line.torn ? undefined : leafOf(line, place);
        if (isBroken) return;
        if (leaf !== undefined) yield leaf;
        else if (position < segments.length - 1) return stop(`${place}: record ${tree.size} is cut off${COPY}`);
        else note(`${place}: the last line is cut off after ${line.end - line.start} bytes, as a crash or a copy may leave it; nobody was answered for it`);
      }
    }
  }
  function leafOf({ buffer, start, end }, place) {
    const index = tree.size;
    const head = buffer.latin1Slice(start, Math.min(end, start + 220));
    const prefix = `{"v":1,"index":${index},"time":"`;
    const [time, kindAt] = [head.slice(prefix.length, prefix.length + 24), prefix.length + 24 + 12 + origin.length + 10];
    if (!head.startsWith(prefix)) {
      const [, found] = /^\{"v":1,"index":(\d+),/.exec(head) ?? [];
      return stop(`${place}: must be record ${index}, and is ${found === undefined || Number(found) === index ? 'no record' : `record ${found}: records were removed, inserted or moved`}`);
    }
    if (!head.startsWith(`","origin":"${origin}","kind":"`, prefix.length + 24) || (time !== lastTime && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time))) return stop(`${place}: record ${index} does not begin as one of ${origin} does`);
    if (buffer[end - 1] !== 125 || end - start > LONGEST || buffers.isUtf8?.(buffer.subarray(start, end)) === false) return stop(`${place}: record ${index} is not whole`);
    if (time < lastTime) wrong(`${place}: record ${index} is older than the one before it`);
    [lastTime, tailFrom] = [time, index === signed ? time : tailFrom];
    const kind = head.slice(kindAt, head.indexOf('"', kindAt));
    const membersAt = kindAt + kind.length;
    if (head.startsWith('","object":"sha256:', membersAt)) checkObject(head.slice(membersAt + 19, membersAt + 83), `record ${index} (${place})`);
    if (kind === 'key_rotated' || kind === 'pruned' || kind === 'new_origin') act(buffer.toString('utf8', start, end), kind, place);
    if (kind === 'recovered') recovered(parseJson(buffer.toString('utf8', start, end)), place);
    buffer[start - 1] = 0;
    return sha256(buffer.subarray(start - 1, end));
  }
  /** What an operator or a start has said about the log: worth knowing, and no more than they say. */
  function recovered({ what, from, to, because, tiles, more } = {}, place) {
    if (what === 'unsigned_accepted' && areCounts(from, to) && areTexts(because)) note(`${place}: ${range(from, to)} followed the last checkpoint, more than a crash leaves, and an operator had them signed: ${because}`);
    else if (what === 'tiles_set_aside' && Array.isArray(tiles) && areCounts(more)) note(`${place}: ${tiles.slice(0, 5).join(', ')}${tiles.length + more > 5 ? ' and others' : ''} held something else than the log's records, and ${tiles.length + more === 1 ? 'was' : 'were'} made again; what ${tiles.length + more === 1 ? 'it' : 'they'} held is kept in aside/`);
  }
  function checkObject(hex, record) {
    const name = `objects/${hex}.json`;
    if (objects.size > 100_000) objects.clear();
    if (!objects.has(hex)) objects.set(hex, /^[0-9a-f]{64}$/.test(hex) && sha256(read(name, 1 << 28) ?? '').toString('hex') === hex);
    if (!objects.get(hex)) wrong(`${name}: missing or changed; ${record} names it${COPY}`);
  }
  /** A record by which the log is to be read. It must say what its beginning says: JSON may hold a key twice. */
  function act(line, kind, place) {
    const index = tree.size;
    const isWrong = (what) => wrong(`${place}: record ${index}, ${kind}, ${what}`);
    if (actsAt.push(index) > 200_000) return stop(`${place}: more such records than any log has`);
    acts.delete(leafHash(Buffer.from(line)).toString('latin1'));
    const record = parseJson(line);
    if (record?.kind !== kind || record.index !== index) return isWrong('is not what its beginning says');
    const { from, to, time, old: before, lost } = record;
    if (kind === 'key_rotated') {
      const next = parseKey(to);
      if (next?.name !== origin || from !== keys.at(-1).text) return isWrong('does not lead from the last key of this log to another');
      keys.push({ ...next, index });
    } else if (kind === 'pruned') {
      if (!areCounts(from, to) || !areTexts(time) || from < 0 || from >= to || to > index) return isWrong('can\'t be about the range that it names');
      prunings.push({ index, from, to, time, told: record.acts });
    } else {
      const isWhole = areTexts(before?.origin, before?.folder, record.because) && areCounts(before.size, record.more) && Array.isArray(lost) && lost.every((one) => Array.isArray(one) && areCounts(...one));
      if (index !== 0 || !isWhole) return isWrong('is not how a log begins');
      const ranges = [...lost.map((one) => range(...one)), ...record.more > 0 ? [`${record.more} more ranges`] : []].join(', ') || 'none';
      begun = { ...before, key: parseKey(before.vkey), isVouched: false, said: `${record.because}. Its last checkpoint signed for ${before.size} records; missing or changed, as was found then: ${ranges}` };
    }
  }

  // Every checkpoint, in the order in which they were signed, against the tree of its size.
  const [all, differs] = [leaves(), []];
  let [agreed, holder, isOldKept, newestAt, short] = [0, 0, false, 0, undefined];
  const advance = (size) => { for (let next; tree.size < size && !(next = all.next()).done;) grow(next.value); };
  function checkCheckpoint(checkpoint, name) {
    const { size, text, signatures } = checkpoint;
    const [key, next] = [keys[holder], keys[holder + 1]];
    if (checkpoint.origin !== origin) return wrong(`${name}: a checkpoint of ${checkpoint.origin}`);
    if (next !== undefined && isSignedBy(checkpoint, next)) { // its record is read, so that this key has signed for it
      note(`record ${next.index} put another key in place: from ${key.id} to ${next.id}`);
      holder += 1;
    } else if (!isSignedBy(checkpoint, key)) return isBroken || wrong(`${name}: the checkpoint of ${size} records is not signed by key ${key.id}`);
    if (size < signed) return wrong(`${name}: signs for fewer records than a checkpoint before it`);
    advance(size);
    signed = size;
    isOldKept ||= text === old?.text;
    if (begun?.key && signatures.some((one) => one.name === begun.origin)) {
      if (!isSignedBy(checkpoint, begun.key)) wrong(`${name}: the signature by ${begun.origin} is not that of its key`);
      else begun.isVouched = true;
    }
    if (tree.size < size) {
      if (!isBroken || short !== undefined) short = { name, size };
      isBroken = true;
    } else if (!root().equals(checkpoint.root)) {
      if (differs.length < 100) differs.push({ name, from: agreed, to: size });
    } else {
      for (const other of differs.splice(0)) wrong(`${other.name}: the checkpoint of ${other.to} records is one of another history than ${name}, with which the log agrees: the key has signed both`);
      agreed = size;
    }
  }
  if (keptBytes === undefined) wrong('checkpoints.ndjson: missing');
  else for (const { buffer, start, end, torn } of linesOf(at('checkpoints.ndjson'), keptBytes)) {
    const name = `checkpoints.ndjson:${result.checkpoints + 1}`;
    if (torn) note(`${name}: the last line is cut off; it was never given to anybody`);
    else result.checkpoints += 1;
    if (torn) break;
    const [, text = ''] = /^\{"note":"((?:[^"\\]|\\n)*)"\}$/.exec(buffer.toString('utf8', start, end)) ?? [];
    const checkpoint = parseCheckpoint(text.replaceAll('\\n', '\n'));
    if (checkpoint === undefined) wrong(`${name}: is no checkpoint`);
    else checkCheckpoint(checkpoint, name);
    if (checkpoint?.note === newest) newestAt = result.checkpoints;
  }
  const extra = parseCheckpoint(newest ?? '');
  if (newest === undefined) result.checkpoints === 1 || wrong('checkpoint: missing');
  else if (newestAt > 0) newestAt === result.checkpoints || note(`checkpoint: is that of checkpoints.ndjson:${newestAt}, not the last: so a crash or a copy leaves it, or it was put back`);
  else if (!(extra?.size >= signed)) wrong('checkpoint: is none of those in checkpoints.ndjson');
  else {
    note('checkpoint: is not in checkpoints.ndjson, which was copied before it, or has lost its end');
    checkCheckpoint(extra, 'checkpoint');
  }
  advance(Infinity);
  makeRoom();
  hashes.forEach((_, level) => compareTile(level, Math.floor(tree.size / 256 ** (level + 1)), Math.floor(tree.size / 256 ** level) % 256));

  // A tile behind those of the last record comes of a copy that was made while the log was written; else it is the
  // evidence of records that are gone. Looked for where the next ones would be.
  for (const level of isBroken ? [] : levels) {
    const [end, width] = [Math.floor(tree.size / 256 ** (Number(level) + 1)), Math.floor(tree.size / 256 ** level) % 256];
    for (const from of [0, 1000].map((more) => Math.floor((end + more) / 1000) * 1000)) {
      const folder = tileName(level, from).slice(0, -4);
      for (const name of list(folder)) {
        const [, digits, part] = /^(\d{3})(\.p)?$/.exec(name) ?? [];
        const index = from + Number(digits);
        const files = part === undefined ? [''] : list(`${folder}/${name}`).map((one) => `/${one}`).filter((one) => index > end || Number(one.slice(1)) > width);
        if (!(index >= end) || files.length === 0) continue;
        note(`${folder}/${name}${files.at(-1)}: tells of records from ${tree.size} on, which are not here: the log was written while it was copied, or they were removed`);
      }
    }
  }
  if (short !== undefined) wrong(`${tree.size === 0 ? 'segments: there is no record' : `${placeOf(tree.size - 1)} is the last one`}, but ${short.name} signs for ${short.size} records: ${missingOf(tree.size, short.size)}${COPY}`);
  // What it comes to: which records were changed, or else which tiles. A hash that differs makes those above it differ.
  const [differing] = differs;
  const doMeet = (a, b) => a !== undefined && a.from < b.to && a.to > b.from;
  const isRecord = (one) => doMeet(differing, one);
  const shown = differences.filter((one) => one.level === 0 || !differences.some((other) => other.level < one.level && doMeet(other, one)));
  for (const one of [...new Map(shown.map((each) => [each.from, each])).values()].sort((a, b) => isRecord(b) - isRecord(a)).slice(0, 20)) {
    if (isRecord(one)) wrong(`${placeOf(one.from)}${one.to - one.from === 1 ? '' : ` or one up to ${one.to - 1}`} was changed: its hash is not the one in ${one.file}`);
    else wrong(`${one.file}: holds another hash of ${range(one.from, one.to)}: ${one.from >= signed ? 'one of both was changed; no checkpoint covers it' : 'the tile was changed, since the records agree with the checkpoints'}`);
  }
  if (differing !== undefined) wrong(`${differing.name}: the checkpoint of ${differing.to} records does not agree with them. ${differing.from === 0 ? '' : `The first ${differing.from} do agree with an earlier one. `}The difference lies from ${placeOf(differing.from)} to ${placeOf(differing.to - 1)}`);
  const counting = prunings.filter(({ index }) => index < signed);
  const gone = counting.reduce((end, { from, to }) => (from > end ? end : Math.max(end, to)), 0);
  const { index: prunedBy, time: prunedAt } = counting.findLast(({ to }) => to <= gone) ?? {};
  if (gone > 0) note(`${range(0, gone)} were pruned, ${counting.length > 1 ? `by ${counting.length} records, the last of them` : 'by record'} ${prunedBy} at ${prunedAt}; their tiles stand in for them${gone > first ? `, though those from ${first} on are still here` : ''}`);
  for (const { place } of isBroken ? [] : acts.values()) wrong(`${place}: is none of the log's records`);
  const actsBefore = (to) => actsAt.filter((index) => index < to).length;
  const untrue = isBroken ? undefined : counting.find(({ to, told = actsBefore(to) }) => told !== actsBefore(to));
  if (untrue !== undefined) wrong(`acts.ndjson: of ${untrue.told} acts before record ${untrue.to}, of which record ${untrue.index} tells, there are ${actsBefore(untrue.to)}: lines of it were removed`);
  if (isThere('pruned') && !prunings.some(({ index }) => read('pruned')?.toString() === `${index}\n`) && !isBroken) wrong('pruned: names no record of a pruning');
  if (first > gone && !isBroken) wrong(`${segments[0].name}: is the first segment; ${missingOf(gone, first)}, and no record that is signed for says that they were pruned`);
  const missed = missing.filter((end) => end <= signed).length;
  if (missed > 0) note(`${missed === 1 ? '1 full tile is' : `${missed} full tiles are`} missing: without them a changed line can't be told from those around it`);
  if (tree.size > signed) note(`${range(signed, tree.size)} follow the last checkpoint: nothing vouches for them yet (from ${placeOf(signed)} on; ${tailFrom ?? 'unknown'} to ${lastTime})`);
  if (keys.length > holder + 1) note(`record ${keys[holder + 1].index} names another key, ${keys[holder + 1].id}, which has not signed yet`);
  if (begun !== undefined) note(`this log began anew after ${begun.origin} (its files: ${isThere(`old/${begun.folder}`) ? '' : 'not here, '}old/${begun.folder}), whose key ${begun.isVouched ? 'signed' : 'did not sign'} for it: ${begun.said}`);
  if (isAnew && !(begun?.vkey === given.text && begun.isVouched)) wrong(`this is the log of ${origin}, and the key given is of ${given.name}: ${begun?.isVouched && given.name === begun.origin ? `that one did not sign for the new beginning, but ${begun.key.id} of that name. It counts only if checking that log (old/${begun.folder}) by your key shows that it leads to ${begun.key.id}: then give ${begun.vkey}` : 'that one did not sign for the new beginning'}`);
  if (old?.origin === origin) {
    if (oldRoot === undefined) wrong(`the older checkpoint signs for ${old.size} records, and ${missingOf(tree.size, old.size)}`);
    else if (!oldRoot.equals(old.root)) wrong(`the log was forked: the older checkpoint signs for another history of its first ${old.size} records`);
    else if (!keys.some((key) => isSignedBy(old, key))) wrong('the older checkpoint is signed by none of the keys');
    else if (!isOldKept) wrong(`checkpoints.ndjson: does not hold the older checkpoint: lines of it were removed${old.size > signed ? COPY : ''}`); // each is kept before it is given out
    else note(`the log continues the older checkpoint of ${old.size} records`);
  } else if (old !== undefined) wrong(`the older checkpoint is of ${old.origin}, not of ${origin}${begun?.origin === old.origin ? `: check it against that log, in old/. It signs for ${old.size} records; the new log names ${begun.size} of its last one` : ''}`);
  Object.assign(result, { size: tree.size, signed, until: lastTime });
}

/** Checks one record by its proof alone. Gives what is wrong, or undefined. */
function verifyProof({ proof, key, record }) {
  const [, index, hashes = '', note = ''] = /^c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]*\n)?index (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n){0,64})\n([^]+)$/.exec(proof) ?? [];
  const [siblings, checkpoint] = [hashes.split('\n').slice(0, -1).map(fromBase64), parseCheckpoint(note)];
  if (checkpoint === undefined || siblings.includes(undefined)) return 'the proof is no text of c2sp.org/tlog-proof@v1 with a checkpoint';
  if (checkpoint.origin !== key.name || !isSignedBy(checkpoint, key)) return `the proof's checkpoint is not signed by the key ${key.id} of ${key.name}, but by ${checkpoint.signatures.map(({ bytes }) => bytes.toString('hex', 0, 4)).join(', ')}. Which key follows from a log's first is shown by checking the log`;
  const leaf = leafHash(record.at(-1) === 10 ? record.subarray(0, -1) : record);
  const isIncluded = Number(index) < checkpoint.size && rootBy(siblings, leaf, Number(index), checkpoint.size).equals(checkpoint.root);
  return isIncluded && siblings.length === 0 ? undefined : `the record is not the one of index ${index} in the log that was signed`;
}

// ---- Command line ----
const USAGE = 'usage: node verify.mjs DIR [--vkey KEY] [--old-checkpoint FILE]\n       node verify.mjs --proof FILE --vkey KEY --record FILE';
/** Whether there is anything of a log; what is missing of it is for the check to say. */
export const isLog = (dir) => ['segments', 'checkpoints.ndjson', 'checkpoint', 'log.vkey'].some((name) => existsSync(join(dir, name)));

/** @returns the exit code. */
export function main(args, say) {
  const wrongUse = (message) => (say(`${message}\n${USAGE}`), 2);
  if (args.includes('--help')) return say(USAGE), 0;
  const types = { vkey: { type: 'string' }, 'old-checkpoint': { type: 'string' }, proof: { type: 'string' }, record: { type: 'string' } };
  try {
    const { values: { vkey, proof, record, 'old-checkpoint': old }, positionals: [dir, ...more] } = parseArgs({ args, options: types, allowPositionals: true });
    const key = parseKey(vkey?.trim());
    const isProof = [proof, record, vkey].every((one) => one !== undefined) && (dir ?? old) === undefined;
    if (!isProof && (!dir || more.length > 0 || (proof ?? record) !== undefined)) return wrongUse('either a folder, or a proof with key and record');
    if (!isProof && !isLog(dir)) return wrongUse(`${dir}: is no log: it has no segments/ and no checkpoints${isLog(join(dir, 'log')) ? `; did you mean ${join(dir, 'log')}?` : ''}`);
    if (vkey !== undefined && key === undefined) return wrongUse('--vkey: takes the public key of a log itself, sluice/…+…+…');
    if (isProof) {
      const mistake = verifyProof({ proof: readFileSync(proof, 'utf8'), record: readFileSync(record), key });
      return say(mistake === undefined ? 'OK: the record is in the log' : `WRONG  ${mistake}`), mistake === undefined ? 0 : 1;
    }
    const oldCheckpoint = old === undefined ? undefined : readFileSync(old, 'utf8');
    if (old !== undefined && parseCheckpoint(oldCheckpoint) === undefined) return wrongUse(`${old}: is no checkpoint`);
    const { wrong, notes, size, signed, until, checkpoints } = verifyLog(dir, { vkey: key?.text, oldCheckpoint });
    for (const line of notes) say(`note   ${line}`);
    for (const line of wrong) say(`WRONG  ${line}`);
    say(wrong.length === 0 ? `OK: ${size} records, ${signed} of them signed for, ${checkpoints} checkpoints${until === '' ? '' : `, up to ${until}`}` : 'The log is not as it was signed.');
    return wrong.length === 0 ? 0 : 1;
  } catch (error) {
    return wrongUse(error.message);
  }
}

if (existsSync(process.argv[1] ?? '') && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2), (line) => console.log(line));
