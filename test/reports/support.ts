import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseQuestion } from '../../src/core/parse/parse.ts';
import type { VendorState } from '../../src/core/facts.ts';
import { openSluice } from '../../src/open.ts';
import type { Observer } from '../../src/pdp.ts';
import { findBuiltOpa, NOON, ROOT } from '../support/world.ts';
import { newDataDir } from '../support/server.ts';

const SILENT: Observer = { decided() {}, refused() {}, evaluationFailed() {}, appended() {}, activated() {} };

export interface Recorder {
  readonly dataDir: string;
  /** Of the log. */
  readonly dir: string;
  ask(question: object, caller?: string): Promise<void>;
  permitted(question: object): Promise<void>;
  /** Moves the clock on. */
  later(ms: number): void;
  setVendor(vendor: string, state: VendorState): Promise<void>;
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** A real log that the real decision point writes, by a clock that starts at NOON and goes on by a second a question. */
export async function record(options: { readonly policies?: string; readonly rego?: string; readonly dataDir?: string; readonly startMs?: number } = {}): Promise<Recorder> {
  const dataDir = options.dataDir ?? await newDataDir();
  let nowMs = options.startMs ?? NOON;
  const opened = await openSluice({
    root: ROOT, env: { ...process.env, SLUICE_OPA: await findBuiltOpa() }, dataDir, policies: options.policies ?? path.join(ROOT, 'policies'), rego: options.rego ?? path.join(ROOT, 'rego'), memoBytes: 2 ** 20,
    logger: { info() {}, warn() {}, error() {} }, observer: SILENT, now: () => nowMs, monotonic: () => nowMs,
  });
  const callerOf = (id: string) => opened.facts().callers.get(id)!;
  return {
    dataDir,
    dir: path.join(dataDir, 'log'),
    async ask(question, caller = 'demo-gateway') {
      nowMs += 1000;
      await opened.pdp.check(parseQuestion(question), { caller: callerOf(caller) });
    },
    async permitted(question) {
      await opened.pdp.permitted(question as Parameters<typeof opened.pdp.permitted>[0], { caller: callerOf('demo-gateway') });
    },
    later(ms) { nowMs += ms; },
    async setVendor(vendor, state) { await opened.pdp.setVendorState(vendor, state, { caller: callerOf('demo-admin') }); },
    async reload() {
      const { ok, errors } = await opened.pdp.reload();
      if (!ok) throw new Error(errors.join('\n'));
    },
    close: () => opened.close(),
  };
}

export const scratch = () => mkdtemp(path.join(tmpdir(), 'sluice-reports-'));
export const remove = (folder: string) => rm(folder, { recursive: true, force: true });

export const TELEMETRY = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed' } as const;
