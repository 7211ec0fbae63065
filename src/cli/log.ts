import { FOLDER_OPTIONS, UsageError, type Command } from './command.ts';
import { acceptUnsigned, newOrigin, prune, rotateKey, rotateNamesKey } from './log/acts.ts';
import type { Action } from './log/action.ts';
import { prove } from './log/prove.ts';
import { show, tail } from './log/show.ts';
import { verify } from './log/verify.ts';

const ACTIONS: Readonly<Record<string, Action>> = {
  show, tail, verify, prove, prune, 'rotate-key': rotateKey, 'rotate-names-key': rotateNamesKey, 'accept-unsigned': acceptUnsigned, 'new-origin': newOrigin,
};

export const log: Command = {
  summary: 'read, check and keep the decision log',
  usage: `sluice log show [INDEX]    the record at INDEX, or the last ones
sluice log tail            the last ones, then new ones as they come
sluice log query           search; "sluice log query --help" says by what
sluice log verify [DIR]    whether it is the log that was signed; DIR: a copy of log/
sluice log prove INDEX     write the proof that this record is in the log
these while no server runs, each by a record:
sluice log prune           take old segments out; proofs stay valid
sluice log rotate-key      a new key signs from now on
sluice log rotate-names-key  unknown names are hashed with a new key from now on
sluice log accept-unsigned sign more records than a crash leaves unsigned, since you know how they came there
sluice log new-origin      begin a new log where this one can't go on; the old files stay

  --lines N              show, tail: how many (default: 20)
  --kind KIND            show, tail: only records of this kind, such as decision or refused
  --json                 show, tail: the stored lines, byte for byte
  --vkey KEY             verify: the log's first public key, from elsewhere than DIR
  --old-checkpoint FILE  verify: a checkpoint that you kept
  --out FILE             prove: where to (default: INDEX.tlog-proof)
  --before DATE          prune: segments of older records (default: SLUICE_LOG_KEEP_DAYS ago)
  --archive DIR          prune: move them there instead of deleting them
  --because TEXT         new-origin, accept-unsigned: why, for auditors
  --data-dir DIR         where log/ is (default: .sluice, or SLUICE_DATA_DIR)`,
  options: {
    'data-dir': FOLDER_OPTIONS['data-dir'], lines: { type: 'string' }, kind: { type: 'string' }, json: { type: 'boolean' },
    vkey: { type: 'string' }, 'old-checkpoint': { type: 'string' }, out: { type: 'string' },
    before: { type: 'string' }, archive: { type: 'string' }, because: { type: 'string' },
  },
  async run({ values, positionals: [name = '', ...positionals] }, context) {
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined) throw new UsageError(`say what: ${[...Object.keys(ACTIONS), 'query'].map((one) => `sluice log ${one}`).join(', ')}`);
    return action({ values, positionals }, context);
  },
};
