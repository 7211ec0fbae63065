// Asks a decision point in this process ever new questions, under the heap that Node was started with. Prints how many
// were answered, and how many of them the memo keeps.
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SluiceError } from '../../src/core/errors.ts';
import { openSluice, type Logger } from '../../src/open.ts';
import type { Observer } from '../../src/pdp.ts';
import { parseQuestion } from '../../src/core/parse/parse.ts';

const [dataDir = '', workload = '', count = '0', memoMb = '64'] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, '../..');
const silent: Logger = { info() {}, warn() {}, error() {} };
const observer: Observer = { decided() {}, refused() {}, evaluationFailed() {}, appended() {}, activated() {} };

const BASE = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production' };
const FIELDS = ['account_id', 'anon_user_id', 'browser', 'city', 'country', 'customer_name', 'email', 'feature_flag', 'org_id', 'region', 'tool_name'];

const WORKLOADS: Readonly<Record<string, (n: number) => object>> = {
  // As a service asks that adds a name of its own to each.
  ordinary: (n) => ({ ...BASE, event: 'genai_dashboard.viewed', fields: [...FIELDS, `question_${n}`] }),
  // Each name stands six times as long in the answer, and several times.
  hostile: (n) => ({ ...BASE, purpose: 'analytics', event: 'settings.changed', fields: Array.from({ length: 1000 }, (_, key) => `config.${'\u0001'.repeat(18)}${String(n * 1000 + key).padStart(7, '0')}`) }),
};

const questions = WORKLOADS[workload]!;
const sluice = await openSluice({ root, policies: 'policies', rego: 'rego', dataDir, memoBytes: Number(memoMb) * 2 ** 20, logger: silent, observer, env: process.env });
const caller = sluice.facts().callers.get('demo-gateway')!;

/** A busy disk or machine may be late with signing: then as any client does. */
async function ask(n: number): Promise<string> {
  for (;;) {
    try {
      return (await sluice.pdp.check(parseQuestion(questions(n)), { caller })).json;
    } catch (error) {
      if (!(error instanceof SluiceError) || error.retryAfterSeconds === undefined) throw error;
      await pause(100);
    }
  }
}

let answered = 0;
let bytes = 0;
while (answered < Number(count)) {
  const asked = Array.from({ length: Math.min(16, Number(count) - answered) }, (_, n) => ask(answered + n));
  for (const json of await Promise.all(asked)) bytes = Math.max(bytes, json.length);
  answered += asked.length;
}
process.stdout.write(JSON.stringify({ answered, bytes, memo: sluice.pdp.status().memo }));
await sluice.close();
