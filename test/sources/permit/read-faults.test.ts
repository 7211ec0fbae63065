// Every knob of the emulator at every phase of a scan: it ends in the right kind of error, or in what Permit holds, never in a part of it.
import { closeEmulators, start } from '../../emulators/harness.ts';
import { DEMO_KEYS, type Emulator } from '../../emulators/permit/emulator.ts';
import type { Fault, Match } from '../../emulators/permit/faults.ts';
import type { PermitData, PermitError } from '../../../src/sources/permit/data.ts';
import { failed, fillMany, LIST_NAMES, LISTS, scan, type ListName } from './support.ts';

/** What is read instead of an error; `emptied`: all, less the list that is empty for good. */
type Outcome = PermitError['kind'] | 'all' | 'emptied';

type Effect = Fault extends infer F ? F extends Fault ? Omit<F, keyof Match> : never : never;

interface Phase {
  readonly name: string;
  readonly list?: ListName;
  readonly page?: number;
  readonly match: Match;
}

const SCOPE: Phase = { name: 'the scope', match: { path: '/v2/api-key/scope' } };
const STATS: Phase = { name: 'the counts', match: { path: '/v2/projects/*/envs/*/stats' } };
const pageOf = (list: ListName, page: number): Phase => ({ name: `page ${page} of ${list}`, list, page, match: { path: LISTS[list], query: { page: String(page) } } });
const PHASES = [SCOPE, ...LIST_NAMES.flatMap((list) => [pageOf(list, 1), pageOf(list, 2)]), STATS];
/** One of each sort, where a table over all would say nothing more. */
const SOME = [SCOPE, pageOf('resources', 1), pageOf('users', 2), pageOf('tuples', 1), pageOf('tuples', 2), STATS];

/** Lists whose length Permit tells elsewhere too. */
const COUNTED: readonly ListName[] = ['resources', 'roles', 'tenants', 'users'];

/** An empty answer is an empty list where nothing says otherwise: whether it may be is for whoever keeps the snapshots. */
const emptied = ({ list, page }: Phase): Outcome => list === undefined ? 'all' : page === 1 && !COUNTED.includes(list) ? 'emptied' : 'unstable';

interface Knob {
  readonly name: string;
  readonly effect: Effect;
  /** While the fault stands. */
  readonly lasting: (phase: Phase) => Outcome;
  /** When it comes once. */
  readonly once: (phase: Phase) => Outcome;
}

const always = (outcome: Outcome) => () => outcome;
const refusing = (name: string, effect: Effect, kind: PermitError['kind']): Knob => ({ name, effect, lasting: always(kind), once: always(kind) });
const passing = (name: string, effect: Effect, kind: PermitError['kind']): Knob => ({ name, effect, lasting: always(kind), once: always('all') });
const harmless = (name: string, effect: Effect): Knob => ({ name, effect, lasting: always('all'), once: always('all') });
const ofLists = (outcome: Outcome) => ({ list }: Phase): Outcome => list === undefined ? 'all' : outcome;

const KNOBS: readonly Knob[] = [
  refusing('401', { kind: 'status', status: 401 }, 'key'),
  passing('429 with Retry-After', { kind: 'status', status: 429, retryAfter: '3' }, 'limited'),
  passing('503 with null', { kind: 'status', status: 503, body: 'null' }, 'unreachable'),
  refusing('200 with null', { kind: 'status', status: 200, body: 'null' }, 'invalid'),
  passing('a reset', { kind: 'reset', at: 'start' }, 'unreachable'),
  passing('a reset in the body', { kind: 'reset' }, 'unreachable'),
  refusing('truncated', { kind: 'truncated' }, 'invalid'),
  { name: '200 with []', effect: { kind: 'empty' }, lasting: (phase) => phase.list === undefined ? 'invalid' : emptied(phase), once: (phase) => phase.list === undefined ? 'invalid' : 'all' },
  { name: 'an emptied list', effect: { kind: 'emptied' }, lasting: emptied, once: always('all') },
  { name: 'another order each time', effect: { kind: 'reorder' }, lasting: ofLists('unstable'), once: always('all') },
  { name: 'a row twice', effect: { kind: 'duplicate' }, lasting: ofLists('unstable'), once: always('all') },
  harmless('latency', { kind: 'latency', ms: 3 }),
  harmless('a newer API', { kind: 'version', as: 'new' }),
];
const VARIANTS: readonly Knob[] = [
  refusing('403 with HTML', { kind: 'status', status: 403, body: 'html' }, 'key'),
  passing('429 with null', { kind: 'status', status: 429, body: 'null' }, 'limited'),
  passing('500', { kind: 'status', status: 500 }, 'unreachable'),
  passing('502 with HTML', { kind: 'status', status: 502, body: 'html' }, 'unreachable'),
  passing('504 without a body', { kind: 'status', status: 504, body: 'empty' }, 'unreachable'),
  refusing('200 with HTML', { kind: 'status', status: 200, body: 'html' }, 'invalid'),
  refusing('200 with an object that is none', { kind: 'status', status: 200 }, 'invalid'),
  refusing('404', { kind: 'status', status: 404 }, 'invalid'),
];
const HANG: Knob = passing('no answer', { kind: 'hang' }, 'unreachable');

let emulator: Emulator;
let whole: PermitData;
beforeAll(async () => {
  emulator = await start();
  fillMany(emulator);
  ({ data: whole } = await scan(emulator));
});
afterEach(() => emulator.faults.clear());
afterAll(closeEmulators);

/** What a scan with the fault gives. */
async function outcome(fault: Fault, list: ListName | undefined, limits: Parameters<typeof scan>[2] = {}): Promise<Outcome | 'a part'> {
  emulator.faults.add(fault);
  const scanned = scan(emulator, {}, { tries: 2, passes: 4, ...limits });
  const read = await scanned.then(({ data }) => data, () => undefined);
  if (read === undefined) return (await failed(scanned)).kind;
  if (JSON.stringify(read) === JSON.stringify(whole)) return 'all';
  return list !== undefined && JSON.stringify(read) === JSON.stringify({ ...whole, [list]: [] }) ? 'emptied' : 'a part';
}

const cases = (knobs: readonly Knob[], phases: readonly Phase[], wanted: 'lasting' | 'once') => knobs.flatMap((knob) => phases.map((phase) => ({ name: `${knob.name}, ${phase.name}`, knob, phase, outcome: knob[wanted](phase) })));
describe('while the fault stands', () => {
  test.each([...cases(KNOBS, PHASES, 'lasting'), ...cases(VARIANTS, SOME, 'lasting')])('$name: $outcome', async ({ knob, phase, outcome: wanted }) => {
    expect(await outcome({ ...knob.effect, ...phase.match }, phase.list)).toBe(wanted);
  });

  test.each(cases([HANG], SOME, 'lasting'))('$name: $outcome', async ({ knob, phase, outcome: wanted }) => {
    expect(await outcome({ ...knob.effect, ...phase.match }, phase.list, { timeoutMs: 150, tries: 1 })).toBe(wanted);
  });
});

describe('when it comes once, a good answer follows', () => {
  test.each(cases([...KNOBS, ...VARIANTS], SOME, 'once'))('$name: $outcome', async ({ knob, phase, outcome: wanted }) => {
    expect(await outcome({ ...knob.effect, ...phase.match, times: 1 }, phase.list)).toBe(wanted);
  });

  test.each(cases([HANG], SOME, 'once'))('$name: $outcome', async ({ knob, phase, outcome: wanted }) => {
    expect(await outcome({ ...knob.effect, ...phase.match, times: 1 }, phase.list, { timeoutMs: 1500, tries: 4 })).toBe(wanted);
  });
});

describe('from the second reading on', () => {
  const later = SOME.filter((phase) => phase !== SCOPE);
  test.each(cases(KNOBS, later, 'lasting'))('$name: $outcome', async ({ knob, phase, outcome: wanted }) => {
    expect(await outcome({ ...knob.effect, ...phase.match, skip: 1 }, phase.list)).toBe(wanted);
  });
});

test('all lists emptied, while Permit counts rows: unstable', async () => {
  expect(await outcome({ kind: 'emptied' }, undefined)).toBe('unstable');
});

test('a third of the answers is an outage: read all the same, or not at all', async () => {
  const outcomes = new Set<string>();
  for (let i = 0; i < 5; i += 1) {
    outcomes.add(await outcome({ kind: 'status', status: 503, chance: 0.33 }, undefined, { tries: 8 }));
    emulator.faults.clear();
  }
  expect([...outcomes].filter((one) => one !== 'all' && one !== 'unreachable')).toEqual([]);
});

test.each([
  ['a project', DEMO_KEYS.project, /level of a project .*An environment's own API key is needed/],
  ['an organization', DEMO_KEYS.organization, /level of a whole organization .*An environment's own API key is needed/],
  ['nothing', 'permit_key_unknown', /refuses the API key .*HTTP 401.*file of Permit keys/],
  ['nothing, having a line break', 'permit_key\n', /a space or a line break/],
  ['nothing, being empty', '', /or nothing/],
])('a key that opens %s is refused with a message that says so', async (_name, key, message) => {
  const error = await failed(scan(emulator, { key }));
  expect([error.kind, error.message]).toEqual(['key', expect.stringMatching(message)]);
});

test('a key that is rotated during a scan ends it; the new one reads the same', async () => {
  let asked = 0;
  const rotate = () => {
    if ((asked += 1) === 20) emulator.rotateKey(DEMO_KEYS.production, 'permit_key_rotated');
    return Promise.resolve(0);
  };
  expect((await failed(scan(emulator, { mayRequest: rotate }))).kind).toBe('key');
  expect(JSON.stringify((await scan(emulator, { key: 'permit_key_rotated' })).data)).toBe(JSON.stringify(whole));
  emulator.rotateKey('permit_key_rotated', DEMO_KEYS.production);
});
