import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';
import type { Observer, PdpStatus } from '../pdp.ts';
import { VERSION } from '../version.ts';
import { createCounter, createHistogram } from './tally.ts';

const BUCKETS = [
  0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1,
] as const;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Hears of every response. `route` is the template, never the path. */
export interface HttpObserver {
  answered(event: { readonly route: string; readonly method: string; readonly status: number; readonly seconds: number }): void;
}

// Gauges that are called like counters; the same stands under these names without `_total`, by type.
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** What Node tells of the process: memory, event loop, collections of garbage. */
export function observeProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}

/**
 * Counts what the PDP reports. Every label is bounded: by the closed lists of the design, and by the catalogue, which
 * vouches for vendor and environment.
 */
export function createMetrics(registry: Registry): Observer {
  const decisions = createCounter(registry, {
    name: 'sluice_decisions_total', labels: ['decision', 'reason', 'vendor', 'env', 'api'],
    help: 'Decisions answered and recorded. reason is the first in the order of the reason codes, or none',
  });
  const reasons = createCounter(registry, { name: 'sluice_decision_reasons_total', labels: ['reason'], help: 'Decisions by each of their reasons' });
  const durations = createHistogram(registry, { name: 'sluice_decision_duration_seconds', labels: ['api', 'memo'], help: 'From the parsed question to the durable record' }, BUCKETS);
  const refusals = createCounter(registry, { name: 'sluice_refused_total', labels: ['code'], help: 'Callers refused for an identity or environment that their credential is not bound to' });
  const failures = createCounter(registry, { name: 'sluice_eval_errors_total', labels: ['kind'], help: 'Evaluations that failed; each denied every field' });
  const appends = createHistogram(registry, { name: 'sluice_audit_append_duration_seconds', labels: [], help: 'From a queued record to a durable one' }, BUCKETS);
  const activations = createCounter(registry, { name: 'sluice_bundle_activations_total', labels: ['result'], help: 'Loads of policy and facts' });
  for (const result of ['ok', 'failed']) activations.child(result);

  return {
    decided({ decision, reasons: codes, vendor, environment, api, memo, seconds }) {
      decisions.child(decision, codes[0] ?? 'none', vendor, environment, api).n += 1;
      for (const code of codes) reasons.child(code).n += 1;
      durations.observe(seconds, api, memo ? 'hit' : 'miss');
    },
    refused(code) { refusals.child(code).n += 1; },
    evaluationFailed(kind) { failures.child(kind).n += 1; },
    appended(seconds) { appends.observe(seconds); },
    activated(result) { activations.child(result).n += 1; },
  };
}

export function createHttpMetrics(registry: Registry): HttpObserver {
  const durations = createHistogram(registry, {
    name: 'http_request_duration_seconds', labels: ['route', 'method', 'status'], help: 'From the request\'s headers to its response, by route template',
  }, BUCKETS);
  const statuses: string[] = [];
  return {
    answered({ route, method, status, seconds }) {
      durations.observe(seconds, route, METHODS.has(method) ? method : 'other', statuses[status] ??= String(status));
    },
  };
}

/** @param dropped lines of the program's own log, never records. */
export function observeOutput(registry: Registry, dropped: () => number): void {
  const counter: Counter = new Counter({
    name: 'sluice_log_lines_dropped_total', help: 'Lines of the program\'s own log, on standard error, that could not be written: nobody reads them', registers: [registry],
    collect() {
      counter.reset();
      counter.inc(dropped());
    },
  });
}

/** @param now wall time in milliseconds since the Unix epoch. */
export function observeStatus(registry: Registry, status: () => PdpStatus, now: () => number): void {
  const gauge = (name: string, help: string, read: (status: PdpStatus) => number) => {
    const created: Gauge = new Gauge({ name, help, registers: [registry], collect: () => created.set(read(status())) });
  };
  const gauges = (name: string, spec: { readonly help: string; readonly label: string }, read: (status: PdpStatus) => readonly (readonly [string, number])[]) => {
    const created: Gauge = new Gauge({
      name, help: spec.help, labelNames: [spec.label], registers: [registry],
      collect() {
        // What has gone must not be reported any more.
        created.reset();
        for (const [label, value] of read(status())) created.set({ [spec.label]: label }, value);
      },
    });
  };
  gauge('sluice_audit_queue_records', 'Records queued and not yet durable', ({ queuedRecords }) => queuedRecords);
  gauge('sluice_audit_queue_bytes', 'What they take, about', ({ queue }) => queue?.bytes ?? 0);
  gauge('sluice_audit_queue_limit_records', 'So many may wait; beyond it questions get 503', ({ queue }) => queue?.maxRecords ?? 0);
  gauge('sluice_audit_queue_limit_bytes', 'So much may wait; beyond it questions get 503', ({ queue }) => queue?.maxBytes ?? 0);
  gauge('sluice_memo_entries', 'Answers that the memo keeps', ({ memo }) => memo?.entries ?? 0);
  gauge('sluice_memo_bytes', 'Memory that they hold', ({ memo }) => memo?.bytes ?? 0);
  gauge('sluice_memo_limit_bytes', 'Memory that they may hold: SLUICE_MEMO_MB', ({ memo }) => memo?.maxBytes ?? 0);
  gauge('sluice_audit_failed', '1 while the decision log can not be written: every question gets 503', ({ logFailure }) => Number(logFailure !== undefined));
  gauge('sluice_bundle_age_seconds', 'Since policy and facts were read', ({ loadedAtMs }) => Math.max(0, now() - loadedAtMs) / 1000);
  gauge('sluice_reload_failed', '1 while the last reload failed and the last good policy serves', ({ reloadErrors }) => Number(reloadErrors !== undefined));
  gauges('sluice_bundle_info', { help: 'The policy bundle that serves', label: 'revision' }, ({ bundleDigest }) => [[bundleDigest, 1]]);
  gauges('sluice_revision_number', { help: 'Number of the revision that serves', label: 'env' }, ({ environments }) => Object.entries(environments).map(([name, { number }]) => [name, number]));
  gauges('sluice_facts_age_seconds', { help: 'Age of the facts', label: 'env' }, ({ environments }) => Object.entries(environments).map(([name, { ageMs }]) => [name, ageMs / 1000]));
  gauge('sluice_log_unsigned_records', 'Durable records that no checkpoint covers yet', ({ tree }) => (tree === undefined ? 0 : tree.size - tree.signed));
  gauge('sluice_log_signing_failed', '1 while checkpoints can not be signed or written', ({ tree }) => Number(tree?.problem !== undefined));
  gauge('sluice_disk_used_ratio', 'Of the file system that holds the log, from 0 to 1', ({ disk }) => disk?.used ?? NaN);
  gauge('sluice_disk_free_bytes', 'What the log can still write', ({ disk }) => disk?.freeBytes ?? NaN);
  gauge('sluice_log_index_lag_records', 'Durable records that the index does not have yet', ({ index }) => index?.lag ?? 0);
  gauge('sluice_log_index_failed', '1 while the index can not be kept: the log can not be read through it', ({ index }) => Number(index?.failure !== undefined));
  gauge('sluice_facts_unverified', 'Environments whose facts have not been verified since the start: their questions get 503', ({ waiting }) => waiting.length);
  observePermit(gauges);
  gauges('sluice_shadow', { help: '1 for each vendor and event in shadow, where missing permits do not bind', label: 'name' }, ({ shadow }) => shadow.map((name) => [name, 1]));
  new Gauge({ name: 'sluice_build_info', help: 'The program that runs', labelNames: ['version', 'node'], registers: [registry] }).set({ version: VERSION, node: process.version }, 1);
}

type Gauges = (name: string, spec: { readonly help: string; readonly label: string }, read: (status: PdpStatus) => readonly (readonly [string, number])[]) => void;

/** Of environments that are administered in Permit. */
function observePermit(gauges: Gauges): void {
  const each = (name: string, help: string, read: (status: NonNullable<PdpStatus['permit']>[number]) => number | undefined) => {
    gauges(name, { help, label: 'env' }, ({ permit = [] }) => permit.flatMap((status) => {
      const value = read(status);
      return value === undefined ? [] : [[status.environment, value] as const];
    }));
  };
  each('sluice_sync_generation', 'Number of the generation that decides', ({ active }) => active?.number);
  each('sluice_sync_failures', 'Polls that failed since the last verified read', ({ failures }) => failures);
  each('sluice_sync_seconds', 'Working time of the last read', ({ lastAttempt }) => lastAttempt && lastAttempt.workedMs / 1000);
  each('sluice_sync_alarm', '1 while a mass change is not applied, since no further read has confirmed it', ({ alarm }) => Number(alarm !== undefined));
  each('sluice_sync_pinned', '1 while an earlier generation is pinned', ({ pinned }) => Number(pinned !== undefined));
  each('sluice_sync_unmapped', 'Objects of Permit that could not be mapped', ({ unmapped }) => unmapped);
  each('sluice_revocation_bound_seconds', 'What is revoked in Permit denies here after at most this; +Inf while an earlier generation is pinned', ({ pinned, revocationBoundMs }) => (pinned !== undefined ? Infinity : revocationBoundMs && revocationBoundMs / 1000));
}
