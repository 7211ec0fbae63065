import path from 'node:path';
import type { Answer } from './core/answer.ts';
import { MAX_BODY } from './core/parse/limits.ts';
import { parseQuestion } from './core/parse/parse.ts';
import { toPlain } from './core/parse/plain.ts';
import type { Question } from './core/question.ts';
import { SluiceError } from './core/errors.ts';
import type { Caller } from './core/facts.ts';
import { groupWarning, openToGroup } from './files/access.ts';
import { openSluice, type Logger } from './open.ts';
import type { Observer, Pdp } from './pdp.ts';
import type { ClientAnswer, QuestionInput } from './sdk/client.ts';
import { askedPaths, denied } from './sdk/denied.ts';

/** What a program that decides in its own process asks; as the client, but without HTTP between. */
export interface Embedded {
  /** Never throws for a failure: without a durable record there is a denial that says `audit_unavailable` (J31). */
  check(question: QuestionInput): Promise<ClientAnswer>;
}

export interface PdpOptions {
  /** Id in callers.yaml: its identities, environments and obligations bind the questions. */
  readonly caller: string;
  /** Folder of the facts; default `policies`. */
  readonly policies?: string;
  /** Folder of the rules; default: those that Sluice ships. */
  readonly rego?: string;
  /** Folder of the log and of the built policy; default `.sluice`. One process at a time. */
  readonly dataDir?: string;
  /** What the memo may hold of memory; default 64 MiB. */
  readonly memoBytes?: number;
  /** The copy of the log's newest checkpoint; default: among the keys of the data directory. */
  readonly logCheckpointFile?: string;
  /** Pino's fits; default: only warnings and errors, to standard error. */
  readonly logger?: Logger;
  readonly observer?: Observer;
  /** Where `SLUICE_OPA` and `PATH` are looked up when rules must be built; default: none of them is asked. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A decision point in this process. */
export interface EmbeddedPdp extends Embedded {
  /** Reads policy and facts anew; on a mistake the last good ones stay. */
  reload: Pdp['reload'];
  close(): Promise<void>;
}

/**
 * Opens Sluice in this program.
 *
 * @throws {Error} when the data directory is in use, or policy, facts or the caller's id have a mistake.
 */
export async function createPdp({ caller: id, ...options }: PdpOptions): Promise<EmbeddedPdp> {
  const root = path.resolve(import.meta.dirname, '..');
  const sluice = await openSluice({
    policies: 'policies', rego: path.join(root, 'rego'), dataDir: '.sluice', memoBytes: 64 * 2 ** 20, logger: WARNINGS, observer: SILENT, env: {}, root, ...options,
  });
  const shared = openToGroup();
  if (shared.length > 0) (options.logger ?? WARNINGS).warn({ paths: shared }, groupWarning);
  const callerNow = () => sluice.facts().callers.get(id);
  if (callerNow() === undefined) {
    await sluice.close();
    throw new Error(`callers.yaml has no caller ${id}`);
  }
  return {
    async check(question) {
      const caller = callerNow();
      if (caller === undefined) return denial(question, { code: 'forbidden', message: 'the caller is no longer in callers.yaml' });
      return createEmbedded(sluice.pdp, caller).check(question);
    },
    reload: () => sluice.pdp.reload(),
    close: () => sluice.close(),
  };
}

const SILENT: Observer = { decided() {}, refused() {}, evaluationFailed() {}, appended() {}, activated() {} };
const say = (members: object, message: string) => void process.stderr.write(`sluice: ${message} ${JSON.stringify(members)}\n`);
const WARNINGS: Logger = { info() {}, warn: say, error: say };

/** @param caller whose identities, environments and obligations bind the questions. */
export function createEmbedded(pdp: Pdp, caller: Caller): Embedded {
  return {
    async check(question) {
      try {
        // A copy: the memo's own objects are not for whoever asks to change.
        return JSON.parse((await pdp.check(readQuestion(question), { caller })).json) as Answer;
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return denial(question, error);
      }
    },
  };
}

function denial(question: unknown, { code, message }: Pick<SluiceError, 'code' | 'message'>): ClientAnswer {
  const reason = { rule: 'log', fields: askedPaths(question), message, fix: 'Restore the decision log; send nothing.' };
  return denied({ code, message }, question, code === 'audit_unavailable' ? [{ code, ...reason }] : []);
}

/**
 * As the client would send it.
 * @throws {SluiceError} for what JSON would change, and for more than a body may hold (J32).
 */
function readQuestion(question: unknown): Question {
  const plain = toPlain(question);
  if ('problem' in plain) throw new SluiceError('request_invalid', plain.problem);
  if (plain.mostBytes > MAX_BODY && Buffer.byteLength(JSON.stringify(plain.value)) > MAX_BODY) {
    throw new SluiceError('too_large', `the question may have ${MAX_BODY} bytes as JSON`);
  }
  return parseQuestion(plain.value);
}
