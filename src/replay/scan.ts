import { open, type FileHandle } from 'node:fs/promises';
import type { VendorState } from '../core/facts.ts';
import { blocks, eachLine } from '../log/blocks.ts';
import { listSegments, segmentPath } from '../log/layout.ts';
import { lineHead, lineStart } from '../log/line.ts';
import { readLog } from '../log/read.ts';
import { RECORD_KINDS } from '../log/types.ts';
import { createGroups, textOf, type Gathered, type Groups, type Read } from './groups.ts';
import { openInputs } from './inputs.ts';
import { toAsked, type AskedRecord, type LogLine, type RecordedShape } from './recorded.ts';

/** Records that say the same, apart from when and under which id they were asked: one question, asked `count` times. */
export interface Group {
  readonly record: AskedRecord;
  readonly count: number;
  /** How many of them told a number of rows, and the sum of those. */
  readonly withRows: number;
  readonly rows: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly firstIndex: number;
  /** Of the first of them. */
  readonly decisionId: string;
  /** Set by the kill switch when it was asked. */
  readonly vendorStates: ReadonlyMap<string, VendorState>;
  /** What policy was given; undefined for a record that names no input, or whose input is not in its segment, or not what its digest says. */
  readonly shape: () => RecordedShape | undefined;
}

export interface ScanOptions {
  /** Of the log: holds `segments/`. */
  readonly dir: string;
  readonly fromMs?: number;
  /** Before it. */
  readonly toMs?: number;
  /** Whether answers to /permitted count too; default: decisions alone. */
  readonly permitted?: boolean;
  /** Of the decisions that let nothing out only those on these vendors, and on vendors that nobody knew; default: all. */
  readonly refusalsOf?: readonly string[];
  /** Every record that is neither an answer nor an input, also those before `fromMs`, in order among the groups. */
  readonly other?: (record: LogLine, timeMs: number) => void;
  /** How many groups are kept at once; what is asked again after they were given makes a new group. */
  readonly maxGroups?: number;
}

const MAX_GROUPS = 20_000;
// In the order in which the record writer puts them; every other line is read the long way.
const ASKED = /^"kind":"(decision|permitted)","decisionId":"([^"\\]+)",(?:"requestId":"(?:[^"\\]+)",)?("caller":"(?:[ !#-[\]-~]|\\[ -~])*")(?:,"rows":(\d+))?$/;
const IDENTITY = ',"identity":';
const EXPIRES = Buffer.from(',"expiresAt":');
const ASKED_VENDOR = /,"identity":"[^"\\]*",(?:"onBehalfOf":"[^"\\]*",)?"vendor":"([\w.:-]+)"/;
const DECIDED = ',"decision":"';
const INPUT = '"kind":"input",';
const DECISION = '"kind":"decision",';
const PERMITTED = '"kind":"permitted",';
/** Enough for the digest of an input too. */
const KIND_LENGTH = 100;
/** Enough for all that most answers say before their fields. */
const START_LENGTH = 600;

/**
 * Reads the answers of a log in one pass, equal ones taken together; what it keeps does not grow with the log.
 *
 * @throws {Error} naming file and line, for one that is no record of its place.
 */
export async function* scan({ dir, fromMs = -Infinity, toMs = Infinity, permitted = false, refusalsOf, other = () => {}, maxGroups = MAX_GROUPS }: ScanOptions): AsyncGenerator<Group> {
  const inputs = openInputs(dir);
  let groups = createGroups();
  const give = function* (): Generator<Group> {
    const given = groups;
    groups = createGroups();
    for (const group of given.all()) yield toGroup(group, inputs, placeIn);
  };
  const segments = await listSegments(dir);
  const placeIn = (index: number) => placeOf(dir, segments.findLast((first) => first <= index)!, index);
  const switched = createSwitched();
  const tell = (record: LogLine, timeMs: number) => {
    switched.note(record);
    other(record, timeMs);
  };
  try {
    for (const [at, segment] of segments.entries()) {
      const successor = segments[at + 1];
      // Records' times never go back: a segment whose successor starts before the range has nothing of it.
      if (successor !== undefined && await startOf(dir, successor) < fromMs) {
        await tellHead(dir, segment, tell);
        continue;
      }
      inputs.forget();
      const reader = createReader({ segment, fromMs, toMs, permitted, refusalsOf, tell, switched, inputs, dir });
      const file = await open(segmentPath(dir, segment), 'r');
      try {
        for await (const block of blocks(file)) {
          if (reader.read(block, groups) === 'ended') break;
          if (groups.size() >= maxGroups) yield* give();
        }
      } finally {
        await file.close();
      }
      if (reader.ended()) break;
    }
    yield* give();
  } finally {
    inputs.close();
  }
}

interface ReaderOptions extends Required<Pick<ScanOptions, 'dir' | 'fromMs' | 'toMs' | 'permitted'>> {
  readonly segment: number;
  readonly refusalsOf: readonly string[] | undefined;
  readonly tell: NonNullable<ScanOptions['other']>;
  readonly switched: ReturnType<typeof createSwitched>;
  readonly inputs: ReturnType<typeof openInputs>;
}

/** Reads the blocks of one segment, one after the other. */
function createReader({ segment, fromMs, toMs, permitted, refusalsOf, tell, switched, inputs, dir }: ReaderOptions) {
  let [index, position, headLength, isEnded] = [segment, 0, 0, false];

  function readLine(block: Buffer, start: number, end: number, groups: Groups): void {
    const prefix = lineStart(index);
    if (headLength === 0) headLength = headLengthOf(block.toString('utf8', start, end));
    // Two texts of all that is looked at, and none longer than needed: they take longer than everything else here.
    const head = block.toString('latin1', start, Math.min(end, start + prefix.length + headLength + KIND_LENGTH));
    if (!head.startsWith(prefix)) throw new Error(`must be the record of index ${index}, and is not`);
    const timeAt = prefix.length + '"time":"'.length;
    const kindAt = start + prefix.length + headLength;
    const kind = head.slice(prefix.length + headLength);
    if (kind.startsWith(INPUT)) return inputs.note(kind, { segment, position: position + start, length: end - start });
    const timeMs = Date.parse(head.slice(timeAt, timeAt + 24));
    if (Number.isNaN(timeMs)) throw new Error('has no time');
    if (timeMs >= toMs) {
      isEnded = true;
      return;
    }
    const isPermitted = kind.startsWith(PERMITTED);
    if (!isPermitted && !kind.startsWith(DECISION)) return tell(known(inputs.parse(block.toString('utf8', start, end))), timeMs);
    if (timeMs < fromMs || (isPermitted && !permitted)) return;
    const begun = block.toString('latin1', kindAt, Math.min(end, kindAt + START_LENGTH));
    if (refusalsOf !== undefined && !isPermitted && isRefusalOfOther(begun, refusalsOf)) return;
    groups.add(readAsked(begun, { block, kindAt, end }) ?? readLong(inputs.parse(block.toString('utf8', start, end))), { timeMs, index, vendorStates: switched.states(), placeFor: inputs.placeFor });
  }

  /** Texts of `latin1` have an index for each byte; what is kept of them has ASCII alone. */
  function readAsked(start: string, { block, kindAt, end }: { readonly block: Buffer; readonly kindAt: number; readonly end: number }): Read | undefined {
    const from = start.indexOf(IDENTITY);
    const until = block.lastIndexOf(EXPIRES, end);
    if (from === -1 || until < kindAt + from) return undefined;
    const [, kind, decisionId, caller, rows] = ASKED.exec(start.slice(0, from)) ?? [];
    if (kind === undefined || decisionId === undefined || caller === undefined) return undefined;
    return { head: `{"kind":"${kind}",${caller}`, lasting: block.subarray(kindAt + from, until), decisionId, rows: rows === undefined ? undefined : Number(rows) };
  }

  return {
    ended: () => isEnded,
    read(block: Buffer, groups: Groups): 'ended' | 'more' {
      eachLine(block, (start, newline) => {
        if (isEnded) return;
        try {
          readLine(block, start, newline, groups);
        } catch (error) {
          throw new Error(`${placeOf(dir, segment, index)}: ${(error as Error).message}`, { cause: error });
        }
        index += 1;
      });
      position += block.length;
      return isEnded ? 'ended' : 'more';
    },
  };
}

/** Told by how its text starts: to read it as JSON would take longer than all else that is done with it. False where that does not tell. */
function isRefusalOfOther(start: string, vendors: readonly string[]): boolean {
  const decidedAt = start.indexOf(DECIDED) + DECIDED.length;
  if (!start.startsWith('deny"', decidedAt) && !start.startsWith('review"', decidedAt)) return false;
  const [, vendor] = ASKED_VENDOR.exec(start.slice(0, decidedAt)) ?? [];
  return vendor !== undefined && !vendors.includes(vendor);
}

/** Of every line of the log, by its first; whether that is a record at all is looked at next. */
function headLengthOf(line: string): number {
  const [, origin = ''] = /^\{"v":1,"index":\d+,"time":"[^"]*","origin":"([^"]*)"/.exec(line) ?? [];
  return lineHead({ time: new Date(0).toISOString(), origin }).length;
}

/** A record whose members are in a side object, or in an unusual order. */
function readLong({ decisionId, rows, v: _, index: __, time: ___, origin: ____, requestId: _____, object: ______, expiresAt: _a, ageMs: _b, memo: _c, micros: _d, ...lasting }: LogLine): Read {
  return { head: '', lasting: Buffer.from(JSON.stringify(lasting).slice(0, -1)), decisionId: String(decisionId), rows: typeof rows === 'number' ? rows : undefined };
}

/** A damaged kind would be left out of every count. */
function known(record: LogLine): LogLine {
  if (!KINDS.includes(String(record['kind']))) throw new Error('is of no kind that this program knows');
  return record;
}

const KINDS: readonly string[] = RECORD_KINDS;
const placeOf = (dir: string, segment: number, index: number) => `${segmentPath(dir, segment)}:${index - segment + 1}`;

function toGroup({ head, lasting, place, ...gathered }: Gathered, inputs: ReturnType<typeof openInputs>, placeIn: (index: number) => string): Group {
  const record = parsed(textOf({ head, lasting }), () => placeIn(gathered.firstIndex));
  return { record, ...gathered, shape: () => (record.input === undefined ? undefined : inputs.shapeAt(record.input, place)) };
}

function parsed(text: string, place: () => string): AskedRecord {
  try {
    return toAsked(JSON.parse(text) as LogLine);
  } catch (error) {
    throw new Error(`${place()}: ${(error as Error).message}`, { cause: error });
  }
}

async function startOf(dir: string, segment: number): Promise<number> {
  const file = await open(segmentPath(dir, segment), 'r');
  try {
    return await timeOfFirst(file);
  } finally {
    await file.close();
  }
}

async function timeOfFirst(file: FileHandle): Promise<number> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
  const time = /^\{"v":1,"index":\d+,"time":"([^"]+)"/.exec(buffer.toString('latin1', 0, bytesRead))?.[1];
  return time === undefined ? Infinity : Date.parse(time);
}

/** Of a segment before the range only its first records are looked at: those that say what was in force. */
async function tellHead(dir: string, segment: number, tell: NonNullable<ScanOptions['other']>): Promise<void> {
  for await (const { record } of readLog(dir, { from: segment, limit: HEAD_RECORDS })) {
    if (!IN_FORCE.includes(String(record['kind']))) return;
    tell(record, Date.parse(String(record['time'])));
  }
}

const HEAD_RECORDS = 8;
const IN_FORCE = ['bundle_activated', 'snapshot_activated', 'key_rotated', 'start'];

/** The states that the kill switch had set, as activations name them. */
function createSwitched() {
  let [key, states]: [string, ReadonlyMap<string, VendorState>] = ['', new Map()];
  return {
    states: () => states,
    note({ kind, vendorStates }: LogLine): void {
      if (kind !== 'snapshot_activated') return;
      const text = JSON.stringify(vendorStates ?? {});
      if (text !== key) [key, states] = [text, new Map(Object.entries((vendorStates ?? {}) as Record<string, VendorState>))];
    },
  };
}
