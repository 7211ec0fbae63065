#!/usr/bin/env node
// Checks a copy of Sluice's decision log, offline. One file, no dependencies, any Node from 18 on.
//
//   node verify.mjs DIR [--vkey KEY] [--old-checkpoint FILE]   the folder log/: segments/, checkpoints.ndjson, log.vkey …
//   node verify.mjs --proof FILE --vkey KEY --record FILE      one record, by its .tlog-proof, without the log
//
// KEY is the log's first public key, which you were given when it began (the content of log.vkey then); FILE an older
// checkpoint that you kept. Exit code: 0 all agrees, 1 something is wrong, 2 wrong use.
//
// Every line of segments/*.ndjson is a leaf of a Merkle tree (RFC 9162): its exact bytes without the newline. The root
// of the tree over the first N lines stands in the checkpoints, which are notes signed with Ed25519 (c2sp.org/signed-note,
// c2sp.org/tlog-checkpoint). tile/ holds the hashes of the tree (c2sp.org/tlog-tiles); here it only serves to say which
// line was changed, and in place of lines that were removed by a recorded act. Nothing in DIR is believed because it is
// there: what counts is that all of it hashes to what KEY, and those that follow it, signed.
import * as crypto from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// ---- Hashes (RFC 9162 §2.1.1) ----

// Node makes a text of 32 characters quicker than a Buffer; older ones have no crypto.hash.
const sha256 = crypto.hash ? (bytes) => Buffer.from(crypto.hash('sha256', bytes, 'latin1'), 'latin1') : (bytes) => crypto.createHash('sha256').update(bytes).digest();
const leafHash = (line) => sha256(Buffer.concat([Buffer.of(0), line]));
const pair = Buffer.alloc(65, 1);
function nodeHash(left, right) {
  pair.set(left, 1);
  pair.set(right, 33);
  return sha256(pair);
}

/** The roots of the complete subtrees that the leaves so far make up, the largest first. `onNode` sees every 8th level. */
function createTree(onNode) {
  const subtrees = [];
  const tree = {
    size: 0,
    push(leaf) {
      let [node, rest, height] = [leaf, tree.size, 0];
      onNode(0, tree.size, leaf);
      for (; rest % 2 === 1; rest = (rest - 1) / 2) {
        node = nodeHash(subtrees.pop(), node);
        height += 1;
        if (height % 8 === 0) onNode(height / 8, (rest - 1) / 2, node);
      }
      subtrees.push(node);
      tree.size += 1;
    },
    root: () => (tree.size === 0 ? sha256(Buffer.alloc(0)) : subtrees.reduceRight((right, left) => nodeHash(left, right))),
  };
  return tree;
}

/** RFC 9162 §2.1.3.2. */
function verifyInclusion({ leaf, index, size, path: siblings, root }) {
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
export function parseKey(text) {
  const [, name, id, base64] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  const typed = Buffer.from(base64 ?? '', 'base64');
  if (typed.length !== 33 || typed[0] !== 1 || sha256(Buffer.concat([Buffer.from(`${name}\n`), typed])).toString('hex', 0, 4) !== id || typed.toString('base64') !== base64) throw new Error('this is no public key of a log: it looks like sluice/…+…+…');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), typed.subarray(1)]);
  return { name, id, text, key: crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

function parseCheckpoint(note) {
  const cut = note.lastIndexOf('\n\n') + 1;
  const [, origin, size, base64] = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(note.slice(0, cut)) ?? [];
  if (origin === undefined || !note.endsWith('\n')) throw new Error('this is no checkpoint');
  return { origin, size: Number(size), root: Buffer.from(base64, 'base64'), text: note.slice(0, cut), signatures: note.slice(cut + 1, -1).split('\n'), note };
}

const isSignedBy = ({ text, signatures }, { name, id, key }) => signatures.some((line) => {
  const [, signer, base64] = /^— ([^\s+]+) (\S+)$/.exec(line) ?? [];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  return signer === name && bytes.toString('base64') === base64 && bytes.toString('hex', 0, 4) === id && crypto.verify(null, Buffer.from(text), key, bytes.subarray(4));
});

// ---- Files ----

/** Each line of a file in a buffer, from `start` to `end`; the byte before `start` may be overwritten. `torn`: no newline. */
function* linesOf(file) {
  const descriptor = openSync(file, 'r');
  try {
    let buffer = Buffer.allocUnsafe(1 << 20);
    for (let filled = 1; ;) {
      if (filled === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
      const count = readSync(descriptor, buffer, filled, buffer.length - filled, null);
      filled += count;
      const whole = buffer.subarray(0, filled);
      let start = 1;
      for (let end = whole.indexOf(10, start); end !== -1; end = whole.indexOf(10, start)) {
        yield { buffer, start, end, torn: false };
        start = end + 1;
      }
      if (count === 0 && start < filled) yield { buffer, start, end: filled, torn: true };
      if (count === 0) return;
      buffer.copyWithin(1, start, filled);
      filled += 1 - start;
    }
  } finally {
    closeSync(descriptor);
  }
}

const tileName = (level, index) => {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  return `tile/${level}/${groups.join('/')}`;
};
const segmentName = (first) => `segments/${String(first).padStart(20, '0')}.ndjson`;
const range = (from, to) => (to - from === 1 ? `record ${from}` : `records ${from} to ${to - 1}`);

/** Something is wrong from here on, so that what follows can't be judged. */
class Wrong extends Error {}

/** Checks the whole log in `dir`. Gives what is wrong, and what is worth knowing; never throws for what the files hold. */
export function verifyLog(dir, { vkey, oldCheckpoint } = {}) {
  const [wrong, notes] = [[], []];
  const result = { wrong, notes, size: 0, signed: 0, checkpoints: 0 };
  try {
    check(dir, { vkey, oldCheckpoint }, result);
  } catch (error) {
    wrong.push(error instanceof Wrong ? error.message : `${error.path ?? dir}: can't be read: ${error.message}`);
  }
  return result;
}

function check(dir, { vkey, oldCheckpoint }, result) {
  const { wrong, notes } = result;
  const at = (name) => path.join(dir, name);
  const segments = readdirSync(at('segments')).filter((name) => /^\d{20}\.ndjson$/.test(name)).sort().map((name) => Number(name.slice(0, 20)));
  const placeOf = (index) => {
    const first = segments.filter((segment) => segment <= index).pop();
    return first === undefined ? `record ${index}` : `${segmentName(first)}:${index - first + 1}: record ${index}`;
  };
  let key = keyOf(at('log.vkey'));
  const given = vkey === undefined ? key : parseKey(vkey);
  if (vkey === undefined) notes.push('no --vkey: log.vkey was used, which whoever wrote the log may have made. This shows that the log agrees with itself, not whose it is.');
  const isAnew = given.name !== key.name;
  if (!isAnew && given.text !== key.text) wrong.push('log.vkey: is not the key that was given');
  if (!isAnew) key = given;
  const origin = key.name;
  if (existsSync(at('origin')) && readFileSync(at('origin'), 'utf8') !== `${origin}\n`) wrong.push(`origin: is not ${origin}`);

  // The tiles: compared with what the records hash to, as far as they are there.
  const differences = [];
  const levels = [];
  const tree = createTree((level, index, hash) => {
    const hashes = levels[level] ??= Buffer.alloc(8192);
    hash.copy(hashes, (index % 256) * 32);
    if (index % 256 === 255) compareTile(level, (index - 255) / 256, 256);
  });
  function compareTile(level, index, count) {
    const name = tileName(level, index);
    const partial = existsSync(at(`${name}.p`)) ? readdirSync(at(`${name}.p`)).map((width) => [`${name}.p/${width}`, Number(width)]) : [];
    for (const [file, width] of [...existsSync(at(name)) ? [[name, 256]] : [], ...partial]) {
      const stored = readFileSync(at(file));
      if (stored.length !== width * 32) wrong.push(`${file}: is not ${width} hashes long`);
      for (let i = 0; i < Math.min(width, count); i += 1) if (levels[level].compare(stored, i * 32, i * 32 + 32, i * 32, i * 32 + 32) !== 0 && !differences.some((one) => one.level === level && one.index === index * 256 + i)) differences.push({ level, index: index * 256 + i, file });
    }
  }

  // The records, one after the other.
  const [rotations, prunings] = [[], []];
  let [lastTime, tornBytes] = ['', 0];
  function* records() {
    for (const [position, first] of segments.entries()) {
      const file = segmentName(first);
      if (first !== tree.size) throw new Wrong(first > tree.size ? `${file}: begins with record ${first}, but the segment before it ends with ${tree.size - 1}: ${range(tree.size, first)} missing` : `${file}: begins with record ${first}, which the segment before it holds too`);
      for (const line of linesOf(at(file))) {
        if (line.torn && position === segments.length - 1) tornBytes = line.end - line.start;
        else if (line.torn) throw new Wrong(`${file}:${tree.size - first + 1}: record ${tree.size} is cut off`);
        else yield [checkLine(line, `${file}:${tree.size - first + 1}`), line];
      }
    }
  }
  function checkLine({ buffer, start, end }, place) {
    const index = tree.size;
    const head = buffer.latin1Slice(start, Math.min(end, start + 200));
    const prefix = `{"v":1,"index":${index},"time":"`;
    const kindAt = prefix.length + 24 + 13 + origin.length;
    const found = /^\{"v":1,"index":(\d+),/.exec(head);
    if (!found) throw new Wrong(`${place}: must be record ${index}, and is no record`);
    if (Number(found[1]) !== index) throw new Wrong(`${place}: must be record ${index}, and is record ${found[1]}: records were removed, inserted or moved`);
    const time = head.slice(prefix.length, prefix.length + 24);
    if (!head.startsWith(prefix) || head.slice(prefix.length + 24, kindAt) !== `","origin":"${origin}"` || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time)) throw new Wrong(`${place}: record ${index} does not begin as one of ${origin} does`);
    if (buffer[end - 1] !== 125 || end - start > 65_535) throw new Wrong(`${place}: record ${index} is not whole`);
    if (time < lastTime) wrong.push(`${place}: record ${index} is older than the one before it`);
    lastTime = time;
    const [, kind, object] = /^,"kind":"(\w+)"(?:,"object":"sha256:([0-9a-f]{64})")?/.exec(head.slice(kindAt)) ?? [];
    if (object !== undefined && (!existsSync(at(`objects/${object}.json`)) || sha256(readFileSync(at(`objects/${object}.json`))).toString('hex') !== object)) wrong.push(`objects/${object}.json: missing or changed; record ${index} (${place}) names it`);
    return kind;
  }
  function note(kind, { buffer, start, end }) {
    const record = JSON.parse(buffer.toString('utf8', start, end));
    if (kind === 'key_rotated') rotations.push({ index: tree.size, from: record.from, key: parseKey(record.to) });
    if (kind === 'pruned') prunings.push(record);
    if (kind === 'new_origin' && tree.size === 0) notes.push(`this log began anew after ${record.old.origin} (its files: old/): ${record.because}. Its last checkpoint signed for ${record.old.size} records; missing or changed: ${record.lost.map(([from, to]) => range(from, to)).join(', ') || 'none'}${record.more > 0 ? ` and ${record.more} more` : ''}`);
    if (kind === 'new_origin' && isAnew && record.old.vkey === given.text) follows = true;
  }
  let follows = false;

  // The leaves in order: of records that were pruned those in the tiles, then those of the lines.
  const first = segments[0] ?? 0;
  let rootOfPruned;
  function* leaves() {
    for (let index = 0, tile; index < first; index += 1) {
      if (index % 256 === 0) tile = existsSync(at(tileName(0, index / 256))) ? readFileSync(at(tileName(0, index / 256))) : undefined;
      if (tile?.length !== 8192) throw new Wrong(`${segmentName(first)}: is the first segment, and ${tileName(0, Math.floor(index / 256))} is missing or damaged too: ${range(0, first)} can't be accounted for`);
      yield Buffer.from(tile.subarray((index % 256) * 32, (index % 256) * 32 + 32));
    }
    rootOfPruned = tree.root().toString('base64');
    for (const [kind, line] of records()) {
      if (kind === 'key_rotated' || kind === 'pruned' || kind === 'new_origin') note(kind, line);
      line.buffer[line.start - 1] = 0;
      yield sha256(line.buffer.subarray(line.start - 1, line.end));
    }
  }
  const all = leaves();
  function advance(size) {
    while (tree.size < size) {
      const { value, done } = all.next();
      if (done) return;
      tree.push(value);
    }
  }

  // Every checkpoint, in the order in which they were signed, against the tree of its size.
  let [agreed, differs, signed, cosigned] = [0, undefined, 0, false];
  function checkCheckpoint(checkpoint, name) {
    advance(checkpoint.size);
    if (checkpoint.origin !== origin) return void wrong.push(`${name}: a checkpoint of ${checkpoint.origin}`);
    const rotation = rotations[0];
    if (rotation !== undefined && signed > rotation.index && rotation.from === key.text && isSignedBy(checkpoint, rotation.key)) {
      notes.push(`record ${rotation.index} put another key in place: from ${key.id} to ${rotation.key.id}`);
      key = rotations.shift().key;
    } else if (!isSignedBy(checkpoint, key)) return void wrong.push(`${name}: the checkpoint of ${checkpoint.size} records is not signed by key ${key.id}`);
    if (checkpoint.size < signed) wrong.push(`${name}: signs for fewer records than a checkpoint before it`);
    if (isAnew && isSignedBy(checkpoint, given)) cosigned = true;
    signed = Math.max(signed, checkpoint.size);
    compareRoot(checkpoint, name);
  }
  function compareRoot(checkpoint, name) {
    if (tree.size < checkpoint.size) throw new Wrong(`${tree.size === 0 ? 'segments' : placeOf(tree.size - 1)} is the last one, but ${name} signs for ${checkpoint.size} records: ${range(tree.size, checkpoint.size)} missing`);
    if (tree.root().equals(checkpoint.root)) agreed = checkpoint.size;
    else differs ??= { checkpoint, name, from: agreed };
  }
  const old = oldCheckpoint === undefined ? undefined : parseCheckpoint(oldCheckpoint);
  const newest = existsSync(at('checkpoint')) ? readFileSync(at('checkpoint'), 'utf8') : undefined;
  let [isNewestKept, isOldChecked, number] = [false, false, 0];
  function checkOld() {
    isOldChecked = true;
    if (old.origin !== origin) wrong.push(`the older checkpoint is of ${old.origin}, not of ${origin}${isAnew ? ': check it against that log, in old/' : ''}`);
    else if (tree.size !== old.size) wrong.push(`the older checkpoint signs for ${old.size} records, and ${range(tree.size, old.size)} missing`);
    else if (!tree.root().equals(old.root)) wrong.push(`the log was forked: the older checkpoint signs for another history of its first ${old.size} records`);
    else if (![given, key, ...rotations.map(({ key: next }) => next)].some((one) => isSignedBy(old, one))) wrong.push('the older checkpoint is signed by none of the keys');
    else notes.push(`the log continues the older checkpoint of ${old.size} records`);
  }
  for (const { buffer, start, end, torn } of linesOf(at('checkpoints.ndjson'))) {
    number += 1;
    const name = `checkpoints.ndjson:${number}`;
    if (torn) notes.push(`${name}: the last line is cut off; it was never given to anybody`);
    if (torn) continue;
    let checkpoint;
    try {
      checkpoint = parseCheckpoint(JSON.parse(buffer.toString('utf8', start, end)).note);
    } catch {
      throw new Wrong(`${name}: is no checkpoint`);
    }
    if (old !== undefined && !isOldChecked && checkpoint.size >= old.size) {
      advance(old.size);
      checkOld();
    }
    checkCheckpoint(checkpoint, name);
    isNewestKept ||= checkpoint.note === newest;
    result.checkpoints += 1;
  }
  // A copy of a running log may have caught the one file before the other.
  if (newest !== undefined && !isNewestKept) {
    const checkpoint = parseCheckpoint(newest);
    if (checkpoint.size < signed) wrong.push('checkpoint: is none of those in checkpoints.ndjson');
    else checkCheckpoint(checkpoint, 'checkpoint');
  }
  advance(Infinity);
  levels.forEach((_, level) => {
    const count = Math.floor(tree.size / 256 ** level) % 256;
    if (count > 0) compareTile(level, Math.floor(tree.size / 256 ** (level + 1)), count);
  });
  if (old !== undefined && !isOldChecked) checkOld();
  Object.assign(result, { size: tree.size, signed });
  report();

  function report() {
    const shown = differences.filter(({ level }) => level === 0 || !differences.some((other) => other.level < level)).slice(0, 10);
    for (const { level, index, file } of shown) {
      const [from, to] = [index * 256 ** level, (index + 1) * 256 ** level];
      const isRecord = differs !== undefined && from < differs.checkpoint.size && to > differs.from;
      if (isRecord) wrong.push(level === 0 ? `${placeOf(index)} was changed: its hash is not the one in ${file}` : `${placeOf(from)} or one up to ${to - 1} was changed: ${file} has another hash of them`);
      else wrong.push(`${file}: hash ${index % 256} was changed: ${range(from, to)} hash${to - from === 1 ? 'es' : ''} to another${from >= signed ? ', or the record was; no checkpoint covers it' : ', and agree with the checkpoints'}`);
    }
    if (differs !== undefined) wrong.push(`${differs.name}: the checkpoint of ${differs.checkpoint.size} records does not agree with them. ${differs.from === 0 ? '' : `The first ${differs.from} do agree with an earlier one: `}the difference lies from ${placeOf(differs.from)} to ${placeOf(differs.checkpoint.size - 1)}`);
    if (first > 0) reportPruned();
    if (tree.size > signed) notes.push(`${range(signed, tree.size)} follow the last checkpoint: nothing vouches for them yet (from ${placeOf(signed)} on)`);
    if (tornBytes > 0) notes.push(`the last line is cut off after ${tornBytes} bytes; nobody was answered for it`);
    if (isAnew && !(follows && cosigned)) wrong.push(`this is the log of ${origin}, and the key given is of ${given.name}: that one did not sign for the new beginning`);
    if (signed === 0 && tree.size > 0) wrong.push('no checkpoint signs for any record');
  }
  function reportPruned() {
    const pruning = prunings.find(({ to }) => to >= first);
    if (pruning === undefined) wrong.push(`${segmentName(first)}: is the first segment; ${range(0, first)} missing, and no record says that they were pruned`);
    else if (pruning.to === first && pruning.root !== rootOfPruned) wrong.push(`the tiles of the pruned ${range(0, first)} are not those that were there when they were pruned`);
    else notes.push(`${range(0, first)} were pruned, by record ${pruning.index} at ${pruning.time}; their tiles stand in for them`);
  }
}

function keyOf(file) {
  try {
    const text = readFileSync(file, 'utf8');
    return parseKey(text.endsWith('\n') ? text.slice(0, -1) : '');
  } catch (error) {
    throw new Wrong(`log.vkey: ${error.code === 'ENOENT' ? 'missing' : error.message}`);
  }
}

/** Checks one record by its proof alone. Gives what is wrong, or undefined. */
export function verifyProof({ proof, vkey, record }) {
  const [, index, hashes, note] = /^c2sp\.org\/tlog-proof@v1\n(?:extra [^\n]*\n)?index (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n)*)\n([^]+)$/.exec(proof) ?? [];
  if (note === undefined) return 'the proof is no text of c2sp.org/tlog-proof@v1';
  const [key, checkpoint] = [parseKey(vkey), parseCheckpoint(note)];
  if (checkpoint.origin !== key.name || !isSignedBy(checkpoint, key)) return `the proof's checkpoint is not signed by the key ${key.id} of ${key.name}`;
  const leaf = leafHash(record.at(-1) === 10 ? record.subarray(0, -1) : record);
  const siblings = hashes.split('\n').slice(0, -1).map((line) => Buffer.from(line, 'base64'));
  if (!verifyInclusion({ leaf, index: Number(index), size: checkpoint.size, path: siblings, root: checkpoint.root })) return `the record is not the one of index ${index} in the log that was signed`;
  return undefined;
}

// ---- Command line ----

const USAGE = 'usage: node verify.mjs DIR [--vkey KEY] [--old-checkpoint FILE]\n       node verify.mjs --proof FILE --vkey KEY --record FILE';

/** @returns the exit code. */
export function main(args, say) {
  const options = {};
  for (let i = 0; i < args.length; i += 1) {
    const name = /^--(vkey|old-checkpoint|proof|record)$/.exec(args[i])?.[1] ?? 'dir';
    if (options[name] !== undefined || (name === 'dir' && args[i].startsWith('-'))) return say(USAGE), 2;
    options[name] = name === 'dir' ? args[i] : (args[i += 1] ?? '').trim();
  }
  try {
    if (options.vkey !== undefined) parseKey(options.vkey);
    if (options.proof !== undefined && options.record !== undefined && options.vkey !== undefined) {
      const mistake = verifyProof({ proof: readFileSync(options.proof, 'utf8'), vkey: options.vkey, record: readFileSync(options.record) });
      say(mistake === undefined ? 'OK: the record is in the log' : `WRONG  ${mistake}`);
      return mistake === undefined ? 0 : 1;
    }
    if (options.dir === undefined) return say(USAGE), 2;
    const oldCheckpoint = options['old-checkpoint'] && readFileSync(options['old-checkpoint'], 'utf8');
    if (oldCheckpoint) parseCheckpoint(oldCheckpoint);
    const { wrong, notes, size, signed, checkpoints } = verifyLog(options.dir, { vkey: options.vkey, oldCheckpoint });
    for (const line of notes) say(`note   ${line}`);
    for (const line of wrong) say(`WRONG  ${line}`);
    say(wrong.length === 0 ? `OK: ${size} records, ${signed} of them signed for, ${checkpoints} checkpoints` : 'The log is not as it was signed.');
    return wrong.length === 0 ? 0 : 1;
  } catch (error) {
    return say(`${error.message}\n${USAGE}`), 2;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2), (line) => console.log(line));
