import { existsSync } from 'node:fs';
import path from 'node:path';
import { isDate } from '../../core/dates.ts';
import { openDataDir, type DataDir } from '../../datadir/datadir.ts';
import { openLog, type LogOptions, type OpenedLog } from '../../log/log.ts';
import { beginNewOrigin } from '../../log/tree/new-origin.ts';
import { dropPolicies, policiesOf } from '../../replay/bundles.ts';
import { lacking, progressIn } from '../../ship/lacking.ts';
import { count, foldersOf, UsageError, type Context, type Invocation } from '../command.ts';
import { logDirOf, textOf, type Action } from './action.ts';

interface Parts {
  readonly dataDir: DataDir;
  readonly dir: string;
  readonly keysDir: string;
  /** The copy of the log's newest checkpoint, where it isn't among the keys. */
  readonly copyPath: string | undefined;
}

/** Holds the data directory for itself; a running server keeps it out, and says so. */
async function withDataDir<T>(invocation: Invocation, context: Context, act: (parts: Parts) => Promise<T>): Promise<T> {
  const { dataDir: folder } = foldersOf(invocation, context);
  // With a key there was a log: that it is gone is for the act to say, and a new one may begin.
  const dir = existsSync(path.join(folder, 'keys', 'log.key'))
    ? path.join(folder, 'log')
    : logDirOf(invocation, context);
  const dataDir = await openDataDir(folder).catch(mistake);
  try {
    return await act({
      dataDir,
      dir,
      keysDir: path.join(path.dirname(dir), 'keys'),
      copyPath: context.env['SLUICE_LOG_CHECKPOINT_FILE'] || undefined,
    });
  } finally {
    dataDir.close();
  }
}

async function withLog<T>(
  invocation: Invocation,
  context: Context,
  act: (log: OpenedLog, dataDir: DataDir) => Promise<T>,
  options: Pick<LogOptions, 'acceptUnsigned'> = {},
): Promise<T> {
  return withDataDir(invocation, context, async ({ dataDir, dir, keysDir, copyPath }) => {
    const log = await openLog({ dir, keysDir, copyPath, now: Date.now, ...options }).catch(mistake);
    try {
      return await act(log, dataDir);
    } finally {
      await log.close();
    }
  });
}

// What opening throws is for the operator, and no bug.
function mistake(error: Error): never {
  const isRunning = error.message.includes('another Sluice is using');
  throw new UsageError(isRunning ? `${error.message}\nWhile it runs it prunes and rotates itself: POST /admin/log/prune, /admin/log/rotate-key, /admin/log/rotate-names-key` : error.message, { cause: error });
}

export const rotateKey: Action = (invocation, context) => withLog(invocation, context, async ({ evidence }) => {
  const vkey = await evidence!.rotateKey();
  context.out(`From now on this key signs; auditors keep the first one and follow the log to it:\n  ${vkey}`);
  return 0;
});

export const rotateNamesKey: Action = (invocation, context) => withLog(invocation, context, async (log, dataDir) => {
  await dataDir.rotateNames(async (fingerprints) => log.append({ kind: 'names_key_rotated', members: JSON.stringify(fingerprints).slice(1, -1) }).durable);
  context.out('From now on unknown names are hashed with a new key. The old one lies in keys/old/: with it a name can be found in older records, and once it is deleted by nobody.');
  return 0;
});

export const prune: Action = async (invocation, context) => {
  const beforeMs = beforeOf(invocation, context);
  const archive = textOf(invocation, 'archive');
  const dir = logDirOf(invocation, context);
  return withLog(invocation, context, async ({ evidence }) => {
    const behind = await lacking(dir, progressIn(path.dirname(dir), context.env['SLUICE_SINKS_FILE']), beforeMs);
    if (behind.length > 0) throw new UsageError(`${behind.join(', ')} still lacks records from before that: serve until it has them, or, if it is a sink no more, remove ${path.join(path.dirname(dir), 'ship', `${behind[0]!}.json`)}`);
    const policies = await policiesOf(dir);
    const { from, to, segments } = await evidence!.prune({ beforeMs, ...(archive !== undefined && { archive }) });
    // Archived records may still be replayed.
    if (segments > 0 && archive === undefined) await dropPolicies(path.join(path.dirname(dir), 'bundles'), policies, dir);
    context.out(segments === 0
      ? `Nothing to prune: no sealed segment is wholly from before ${new Date(beforeMs).toISOString()}.`
      : `Records ${from} to ${to - 1} (${count(segments, 'segment')}) ${archive === undefined ? 'were removed' : `were moved to ${archive}`}. The log says so, and proofs of them stay valid.`);
    return 0;
  });
};

function beforeOf(invocation: Invocation, { env }: Context): number {
  const before = textOf(invocation, 'before');
  const days = env['SLUICE_LOG_KEEP_DAYS'];
  if (before !== undefined) {
    const atMs = isDate(before) ? Date.parse(before) : NaN;
    if (Number.isNaN(atMs)) throw new UsageError('--before takes a date such as 2026-01-31, in UTC');
    if (atMs > Date.now()) throw new UsageError('--before must not be in the future');
    return atMs;
  }
  if (days === undefined || !/^\d{1,5}$/.test(days)) throw new UsageError('say --before DATE, or set SLUICE_LOG_KEEP_DAYS to a number of days');
  return Date.now() - Number(days) * 86_400_000;
}

function becauseOf(invocation: Invocation, example: string): string {
  const because = textOf(invocation, 'because')?.trim() ?? '';
  if (because === '' || because.length > 500 || /[\p{Cc}]/u.test(because))
    throw new UsageError(`say why, in one line of at most 500 characters: ${example}`);
  return because;
}

export const acceptUnsigned: Action = async (invocation, context) => {
  const because = becauseOf(
    invocation,
    'sluice log accept-unsigned --because "the checkpoints could not be written since …"',
  );
  return withLog(invocation, context, async ({ evidence }) => {
    const { from, to } = evidence!.opening.unsigned;
    context.out(
      from === to
        ? 'There are no records that no checkpoint covers: nothing was changed.'
        : `${count(to - from, 'record')} from ${from} on, which no checkpoint covered, ` +
        `${to - from === 1 ? 'is' : 'are'} signed now. The log has a record of it, which says why.`,
    );
    return 0;
  }, { acceptUnsigned: because });
};

export const newOrigin: Action = async (invocation, context) => {
  const because = becauseOf(invocation, 'sluice log new-origin --because "the disk of … was lost"');
  return withDataDir(invocation, context, async ({ dir, keysDir, copyPath }) => {
    const { origin, vkey, plan } = await beginNewOrigin({ dir, keysDir, copyPath, because, now: Date.now });
    const lost = plan.lost.map(([from, to]) => (to - from === 1 ? `record ${from}` : `records ${from} to ${to - 1}`)).join(', ');
    context.out(`${origin} has begun; its first record names ${plan.old.origin}, whose files lie in ${path.join(dir, 'old', plan.old.folder)}.`);
    context.out(`Of the ${plan.old.size} records that were signed for there, missing or changed: ${lost === '' ? 'none' : lost}${plan.more > 0 ? ` and ${plan.more} more ranges` : ''}.`);
    context.out(`Give auditors the new public key:\n  ${vkey}`);
    return 0;
  });
};
