#!/usr/bin/env node
// Checks a copy of Sluice's decision log, offline. One file, no dependencies, any Node from 18 on.
//
//   node verify.mjs DIR [--vkey KEY] [--old-checkpoint FILE]   the folder log/: segments/, checkpoints.ndjson, log.vkey …
//   node verify.mjs --proof FILE --vkey KEY --record FILE      one record, by its .tlog-proof, without the log
//
// KEY is the log's first public key, which you were given when it began (the content of log.vkey then), for a proof the
// one that signed it; --old-checkpoint a checkpoint that you kept. Exit code: 0 all agrees, 1 not, 2 wrong use.
//
// Every line of segments/*.ndjson is a leaf of a Merkle tree (RFC 9162): its exact bytes without the newline. The root
// of the tree over the first N lines stands in the checkpoints, which are notes signed with Ed25519 (c2sp.org/signed-note,
// tlog-checkpoint). tile/ holds the hashes of the tree (tlog-tiles); here it only serves to say which line was changed,
// and in place of lines that were removed by a recorded act. Nothing in DIR is believed because it is there: what counts
// is that all of it hashes to what KEY, and the keys that KEY's records name after it, signed.
import * as crypto from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// ---- Hashes (RFC 9162 §2.1) ----
// Node makes a text of 32 characters quicker than a Buffer; older ones have no crypto.hash.
const sha256 = crypto.hash ? (bytes) => Buffer.from(crypto.hash('sha256', bytes, 'latin1'), 'latin1') : (bytes) => crypto.createHash('sha256').update(bytes).digest();
const pair = Buffer.alloc(65, 1);
const nodeHash = (left, right) => (pair.set(left, 1), pair.set(right, 33), sha256(pair));

/** Keeps the roots of the complete subtrees that the leaves so far make up, the largest first. `onNode` sees every 8th level. */
function createTree(onNode) {
  const subtrees = [];
  const tree = {
    size: 0,
    push(leaf) {
      let [node, at, height] = [leaf, tree.size, 0];
      onNode(0, at, leaf);
      for (; at % 2 === 1; at = (at - 1) / 2) {
        node = nodeHash(subtrees.pop(), node);
        height += 1;
        if (height % 8 === 0) onNode(height / 8, (at - 1) / 2, node);
      }
      subtrees.push(node);
      tree.size += 1;
    },
    root: () => (tree.size === 0 ? sha256(Buffer.alloc(0)) : subtrees.reduceRight((right, left) => nodeHash(left, right))),
  };
  return tree;
}

function isIncluded({ leaf, index, size, siblings, root }) {
  let [at, last, result] = [index, size - 1, leaf];
  if (index >= size) return false;
  for (const sibling of siblings) {
    if (last === 0) return false;
    const isRight = at % 2 === 1 || at === last;
    result = isRight ? nodeHash(sibling, result) : nodeHash(result, sibling);
    if (isRight) for (; at % 2 === 0 && at !== 0; last = Math.floor(last / 2)) at /= 2;
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && result.equals(root);
}

// ---- Signed notes ----
/** A key as text: name+id+base64(0x01 ‖ public key); the id is the start of SHA-256(name ‖ newline ‖ 0x01 ‖ public key). */
function parseKey(text) {
  const [, name, id, base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  const typed = Buffer.from(base64, 'base64');
  const isKey = typed.length === 33 && typed[0] === 1 && typed.toString('base64') === base64;
  if (!isKey || sha256(Buffer.concat([Buffer.from(`${name}\n`), typed])).toString('hex', 0, 4) !== id) throw new Wrong('log.vkey, or the key given: is no public key of a log, sluice/…+…+…');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), typed.subarray(1)]);
  return { name, id, text, key: crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

function parseCheckpoint(note, file) {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  if (origin === undefined || !note.endsWith('\n')) throw new Wrong(`${file}: is no checkpoint`);
  return { origin, size: Number(size), root: Buffer.from(root, 'base64'), text, signatures: note.slice(text.length + 1, -1).split('\n'), note };
}

const isSignedBy = ({ text, signatures }, { name, id, key }) => signatures.some((line) => {
  const [, signer, base64 = ''] = /^— ([^\s+]+) (\S+)$/.exec(line) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  return signer === name && bytes.toString('base64') === base64 && bytes.toString('hex', 0, 4) === id && crypto.verify(null, Buffer.from(text), key, bytes.subarray(4));
});

// ---- Files ----
/** Each line of a file in a buffer, from `start` to `end`; the byte before `start` may be overwritten. `torn`: no newline. */
function* linesOf(file) {
  const descriptor = openSync(file, 'r');
  try {
    let buffer = Buffer.allocUnsafe(1 << 20);
    for (let filled = 1, count = 1; count > 0;) {
      if (filled === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
      count = readSync(descriptor, buffer, filled, buffer.length - filled, null);
      filled += count;
      const whole = buffer.subarray(0, filled);
      let start = 1;
      for (let end = whole.indexOf(10, start); end !== -1; start = end + 1, end = whole.indexOf(10, start)) yield { buffer, start, end, torn: false };
      if (count === 0 && start < filled) yield { buffer, start, end: filled, torn: true };
      buffer.copyWithin(1, start, filled);
      filled += 1 - start;
    }
  } finally {
    closeSync(descriptor);
  }
}

function tileName(level, index) {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  return `tile/${level}/${groups.join('/')}`;
}
const segmentName = (first) => `segments/${String(first).padStart(20, '0')}.ndjson`;
const range = (from, to) => (to - from === 1 ? `record ${from}` : `records ${from} to ${to - 1}`);

/** Something is wrong from here on, so that what follows can't be judged. */
class Wrong extends Error {}

/** Checks the log in `dir`. Gives what is wrong, and what is worth knowing; never throws for what the files hold. */
export function verifyLog(dir, { vkey, oldCheckpoint } = {}) {
  const result = { wrong: [], notes: [], size: 0, signed: 0, checkpoints: 0 };
  try {
    check(dir, { vkey, oldCheckpoint }, result);
  } catch (error) {
    result.wrong.push(error instanceof Wrong ? error.message : `${error.path ?? dir}: can't be read: ${error.message}`);
  }
  return result;
}

function check(dir, { vkey, oldCheckpoint }, result) {
  const { wrong, notes } = result;
  const at = (name) => join(dir, name);
  const read = (name) => (existsSync(at(name)) ? readFileSync(at(name)) : undefined);
  const segments = readdirSync(at('segments')).filter((name) => /^\d{20}\.ndjson$/.test(name)).sort().map((name) => Number(name.slice(0, 20)));
  const first = segments[0] ?? 0;
  const placeOf = (index) => `${index < first ? '' : `${segmentName(segments.findLast((one) => one <= index) ?? 0)}:${index + 1 - (segments.findLast((one) => one <= index) ?? 0)}: `}record ${index}`;

  // Whose log it is: that of the key given, or a new one that this key signed the beginning of.
  let key = parseKey(String(read('log.vkey') ?? '').replace(/\n$/, ''));
  const given = vkey === undefined ? key : parseKey(vkey);
  const { name: origin } = key;
  const isAnew = given.name !== origin;
  if (vkey === undefined) notes.push('no --vkey: log.vkey was used, which whoever wrote the log may have made. This shows that the log agrees with itself, not whose it is.');
  if (!isAnew && given.text !== key.text) wrong.push('log.vkey: is not the key that was given');
  if (!isAnew) key = given;
  if (!String(read('log.vkey')).endsWith('\n')) wrong.push('log.vkey: does not end with a newline');
  if (existsSync(at('origin')) && String(read('origin')) !== `${origin}\n`) wrong.push(`origin: is not ${origin}`);

  // The tiles, as far as there are any, against what the records hash to.
  const [differences, levels] = [[], []];
  const tree = createTree((level, index, hash) => {
    hash.copy(levels[level] ??= Buffer.alloc(8192), (index % 256) * 32);
    if (index % 256 === 255) compareTile(level, (index - 255) / 256, 256);
  });
  function compareTile(level, index, count) {
    const name = tileName(level, index);
    const partial = existsSync(at(`${name}.p`)) ? readdirSync(at(`${name}.p`)).map((width) => [`${name}.p/${width}`, Number(width)]) : [];
    for (const [file, width] of [...existsSync(at(name)) ? [[name, 256]] : [], ...partial]) {
      const stored = read(file);
      if (stored.length !== width * 32) wrong.push(`${file}: is not ${width} hashes long`);
      for (let i = 0; i < Math.min(width, count); i += 1) {
        const isNew = () => !differences.some((one) => one.level === level && one.index === index * 256 + i);
        if (levels[level].compare(stored, i * 32, i * 32 + 32, i * 32, i * 32 + 32) !== 0 && isNew()) differences.push({ level, index: index * 256 + i, file });
      }
    }
  }

  // The leaves in order: of records that were pruned those in the tiles, then those of the lines.
  const [rotations, prunings] = [[], []];
  let [lastTime, tornBytes, isNamed, rootOfPruned] = ['', 0, false, ''];
  function* leaves() {
    for (let index = 0, tile; index < first; index += 1) {
      if (index % 256 === 0) tile = read(tileName(0, index / 256));
      if (tile?.length !== 8192) throw new Wrong(`${segmentName(first)}: is the first segment, and ${tileName(0, Math.floor(index / 256))} is missing or damaged too: ${range(0, first)} can't be accounted for`);
      yield tile.subarray((index % 256) * 32, (index % 256) * 32 + 32);
    }
    rootOfPruned = tree.root().toString('base64');
    for (const [position, segment] of segments.entries()) {
      const file = segmentName(segment);
      if (segment !== tree.size) throw new Wrong(`${file}: begins with record ${segment}, but the segment before it ends with ${tree.size - 1}${segment > tree.size ? `: ${range(tree.size, segment)} missing` : ''}`);
      for (const line of linesOf(at(file))) {
        const isLast = line.torn && position === segments.length - 1;
        if (line.torn && !isLast) throw new Wrong(`${file}:${tree.size - segment + 1}: record ${tree.size} is cut off`);
        if (isLast) tornBytes = line.end - line.start;
        else yield leafOf(line, `${file}:${tree.size - segment + 1}`);
      }
    }
  }
  function leafOf({ buffer, start, end }, place) {
    const index = tree.size;
    const head = buffer.latin1Slice(start, Math.min(end, start + 220));
    const prefix = `{"v":1,"index":${index},"time":"`;
    const [time, originAt] = [head.slice(prefix.length, prefix.length + 24), prefix.length + 24];
    const kindAt = originAt + 13 + origin.length + 9;
    if (!head.startsWith(prefix)) {
      const [, found] = /^\{"v":1,"index":(\d+),/.exec(head) ?? [];
      throw new Wrong(`${place}: must be record ${index}, and is ${found === undefined || Number(found) === index ? 'no record' : `record ${found}: records were removed, inserted or moved`}`);
    }
    if (!head.startsWith(`","origin":"${origin}","kind":"`, originAt) || (time !== lastTime && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time))) throw new Wrong(`${place}: record ${index} does not begin as one of ${origin} does`);
    if (buffer[end - 1] !== 125 || end - start > 65_535) throw new Wrong(`${place}: record ${index} is not whole`);
    if (time < lastTime) wrong.push(`${place}: record ${index} is older than the one before it`);
    lastTime = time;
    const kindEnd = head.indexOf('"', kindAt);
    const kind = head.slice(kindAt, kindEnd);
    if (head.startsWith('","object":"sha256:', kindEnd)) {
      const hex = head.slice(kindEnd + 19, kindEnd + 83);
      const object = /^[0-9a-f]{64}$/.test(hex) ? read(`objects/${hex}.json`) : undefined;
      if (object === undefined || sha256(object).toString('hex') !== hex) wrong.push(`objects/${hex}.json: missing or changed; record ${index} (${place}) names it`);
    }
    if (kind === 'key_rotated' || kind === 'pruned' || kind === 'new_origin') act(kind, JSON.parse(buffer.toString('utf8', start, end)));
    buffer[start - 1] = 0;
    return sha256(buffer.subarray(start - 1, end));
  }
  function act(kind, record) {
    if (kind === 'key_rotated') rotations.push({ index: tree.size, from: record.from, key: parseKey(record.to) });
    if (kind === 'pruned') prunings.push(record);
    if (kind !== 'new_origin' || tree.size !== 0) return;
    isNamed = record.old.vkey === given.text;
    const lost = [...record.lost.map(([from, to]) => range(from, to)), ...record.more > 0 ? [`${record.more} more ranges`] : []];
    notes.push(`this log began anew after ${record.old.origin} (its files: old/): ${record.because}. Its last checkpoint signed for ${record.old.size} records; missing or changed: ${lost.join(', ') || 'none'}`);
  }
  const all = leaves();
  function advance(size) {
    for (let next; tree.size < size && !(next = all.next()).done;) tree.push(Buffer.from(next.value));
  }

  // Every checkpoint, in the order in which they were signed, against the tree of its size.
  let [agreed, differs, signed, isVouched] = [0, undefined, 0, false];
  function checkCheckpoint(checkpoint, name) {
    advance(checkpoint.size);
    const [next] = rotations;
    if (checkpoint.origin !== origin) return void wrong.push(`${name}: a checkpoint of ${checkpoint.origin}`);
    if (next !== undefined && signed > next.index && next.from === key.text && isSignedBy(checkpoint, next.key)) {
      notes.push(`record ${next.index} put another key in place: from ${key.id} to ${next.key.id}`);
      key = rotations.shift().key;
    } else if (!isSignedBy(checkpoint, key)) return void wrong.push(`${name}: the checkpoint of ${checkpoint.size} records is not signed by key ${key.id}`);
    if (checkpoint.size < signed) wrong.push(`${name}: signs for fewer records than a checkpoint before it`);
    if (tree.size < checkpoint.size) throw new Wrong(`${tree.size === 0 ? 'segments: no record' : placeOf(tree.size - 1)} is the last one, but ${name} signs for ${checkpoint.size} records: ${range(tree.size, checkpoint.size)} missing`);
    isVouched ||= isAnew && isSignedBy(checkpoint, given);
    signed = Math.max(signed, checkpoint.size);
    if (tree.size === checkpoint.size && tree.root().equals(checkpoint.root)) agreed = checkpoint.size;
    else differs ??= { to: checkpoint.size, name, from: agreed };
  }
  const old = oldCheckpoint === undefined ? undefined : parseCheckpoint(oldCheckpoint, 'the older checkpoint');
  let isOldChecked = old === undefined;
  function checkOld() {
    isOldChecked = true;
    advance(old.size);
    if (old.origin !== origin) wrong.push(`the older checkpoint is of ${old.origin}, not of ${origin}${isAnew ? ': check it against that log, in old/' : ''}`);
    else if (tree.size !== old.size) wrong.push(`the older checkpoint signs for ${old.size} records, and ${range(tree.size, old.size)} missing`);
    else if (!tree.root().equals(old.root)) wrong.push(`the log was forked: the older checkpoint signs for another history of its first ${old.size} records`);
    else if (![given, key, ...rotations.map((one) => one.key)].some((one) => isSignedBy(old, one))) wrong.push('the older checkpoint is signed by none of the keys');
    else notes.push(`the log continues the older checkpoint of ${old.size} records`);
  }
  const newest = read('checkpoint')?.toString();
  let isKept = newest === undefined;
  for (const { buffer, start, end, torn } of linesOf(at('checkpoints.ndjson'))) {
    const name = `checkpoints.ndjson:${result.checkpoints + 1}`;
    if (torn) notes.push(`${name}: the last line is cut off; it was never given to anybody`);
    if (torn) break;
    result.checkpoints += 1;
    const [, json = '""'] = /^\{"note":("(?:[^"\\]|\\n)*")\}$/.exec(buffer.toString('utf8', start, end)) ?? [];
    const checkpoint = parseCheckpoint(json.slice(1, -1).replaceAll('\\n', '\n'), name);
    if (!isOldChecked && checkpoint.size >= old.size) checkOld();
    checkCheckpoint(checkpoint, name);
    isKept ||= checkpoint.note === newest;
  }
  // A copy of a running log may have caught the one file before the other.
  const extra = isKept ? undefined : parseCheckpoint(newest, 'checkpoint');
  if (extra?.size < signed) wrong.push('checkpoint: is none of those in checkpoints.ndjson');
  else if (extra) checkCheckpoint(extra, 'checkpoint');
  if (!isOldChecked) checkOld();
  advance(Infinity);
  levels.forEach((_, level) => compareTile(level, Math.floor(tree.size / 256 ** (level + 1)), Math.floor(tree.size / 256 ** level) % 256));

  // What it comes to: which records, or else which tiles.
  const shown = differences.filter(({ level }) => level === 0 || !differences.some((other) => other.level < level)).slice(0, 10);
  for (const { level, index, file } of shown) {
    const [from, to] = [index * 256 ** level, (index + 1) * 256 ** level];
    const isRecord = differs !== undefined && from < differs.to && to > differs.from;
    if (isRecord) wrong.push(level === 0 ? `${placeOf(index)} was changed: its hash is not the one in ${file}` : `${placeOf(from)} or one up to ${to - 1} was changed: ${file} has another hash of them`);
    else wrong.push(`${file}: hash ${index % 256} is not that of ${range(from, to)}: ${from >= signed ? 'one of both was changed; no checkpoint covers it' : 'the tile was changed, since the records agree with the checkpoints'}`);
  }
  if (differs !== undefined) wrong.push(`${differs.name}: the checkpoint of ${differs.to} records does not agree with them. ${differs.from === 0 ? '' : `The first ${differs.from} do agree with an earlier one: `}the difference lies from ${placeOf(differs.from)} to ${placeOf(differs.to - 1)}`);
  const pruning = prunings.find(({ to }) => to >= first);
  if (first > 0 && pruning === undefined) wrong.push(`${segmentName(first)}: is the first segment; ${range(0, first)} missing, and no record says that they were pruned`);
  else if (first > 0 && pruning.to === first && pruning.root !== rootOfPruned) wrong.push(`the tiles of the pruned ${range(0, first)} are not those that were there when they were pruned`);
  else if (first > 0) notes.push(`${range(0, first)} were pruned, by record ${pruning.index} at ${pruning.time}; their tiles stand in for them`);
  if (tree.size > signed) notes.push(`${range(signed, tree.size)} follow the last checkpoint: nothing vouches for them yet (from ${placeOf(signed)} on)`);
  if (tornBytes > 0) notes.push(`the last line is cut off after ${tornBytes} bytes; nobody was answered for it`);
  if (isAnew && !(isNamed && isVouched)) wrong.push(`this is the log of ${origin}, and the key given is of ${given.name}: that one did not sign for the new beginning`);
  if (result.checkpoints === 0 && newest === undefined) wrong.push('there is no checkpoint');
  Object.assign(result, { size: tree.size, signed });
}

/** Checks one record by its proof alone. Gives what is wrong, or undefined. */
function verifyProof({ proof, vkey, record }) {
  const [, index, hashes, note] = /^c2sp\.org\/tlog-proof@v1\n(?:extra [^\n]*\n)?index (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n)*)\n([^]+)$/.exec(proof) ?? [];
  if (note === undefined) return 'the proof is no text of c2sp.org/tlog-proof@v1';
  const key = parseKey(vkey);
  let checkpoint;
  try {
    checkpoint = parseCheckpoint(note, 'the end of the proof');
  } catch (error) {
    return error.message;
  }
  if (checkpoint.origin !== key.name || !isSignedBy(checkpoint, key)) return `the proof's checkpoint is not signed by the key ${key.id} of ${key.name}`;
  const leaf = sha256(Buffer.concat([Buffer.of(0), record.at(-1) === 10 ? record.subarray(0, -1) : record]));
  const siblings = hashes.split('\n').slice(0, -1).map((line) => Buffer.from(line, 'base64'));
  return isIncluded({ leaf, index: Number(index), size: checkpoint.size, siblings, root: checkpoint.root }) ? undefined : `the record is not the one of index ${index} in the log that was signed`;
}

// ---- Command line ----
const USAGE = 'usage: node verify.mjs DIR [--vkey KEY] [--old-checkpoint FILE]\n       node verify.mjs --proof FILE --vkey KEY --record FILE';

/** @returns the exit code. */
export function main(args, say) {
  const options = {};
  const wrongUse = (message = '') => (say(`${message}${USAGE}`), 2);
  for (let i = 0; i < args.length; i += 1) {
    const name = /^--(vkey|old-checkpoint|proof|record)$/.exec(args[i])?.[1] ?? 'dir';
    if (options[name] !== undefined || (name === 'dir' && args[i].startsWith('-'))) return wrongUse();
    options[name] = name === 'dir' ? args[i] : (args[i += 1] ?? '').trim();
  }
  const { dir, vkey, proof, record, 'old-checkpoint': old } = options;
  const isProof = proof !== undefined && record !== undefined && vkey !== undefined;
  if (!isProof && dir === undefined) return wrongUse();
  let oldCheckpoint;
  try {
    if (vkey !== undefined) parseKey(vkey);
    oldCheckpoint = old && readFileSync(old, 'utf8');
    if (isProof) {
      const mistake = verifyProof({ proof: readFileSync(proof, 'utf8'), record: readFileSync(record), vkey });
      say(mistake === undefined ? 'OK: the record is in the log' : `WRONG  ${mistake}`);
      return mistake === undefined ? 0 : 1;
    }
  } catch (error) {
    return wrongUse(`${error.message}\n`);
  }
  const { wrong, notes, size, signed, checkpoints } = verifyLog(dir, { vkey, oldCheckpoint });
  for (const line of notes) say(`note   ${line}`);
  for (const line of wrong) say(`WRONG  ${line}`);
  say(wrong.length === 0 ? `OK: ${size} records, ${signed} of them signed for, ${checkpoints} checkpoints` : 'The log is not as it was signed.');
  return wrong.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2), (line) => console.log(line));
