import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createMetricsApp } from '../../src/http/app.ts';
import { createServer, listen } from '../../src/http/server.ts';
import { createCounter, createHistogram } from '../../src/http/tally.ts';
import { CANARY, QUESTION, STATUS, closeAll, fakePdp, openHarness, send as sendTo } from './harness.ts';

afterEach(closeAll);

/** Samples by their line's beginning. */
function samples(text: string): ReadonlyMap<string, number> {
  return new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const at = line.lastIndexOf(' ');
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

const decided = { decision: 'deny', reasons: ['unknown_vendor', 'no_permit'], vendor: 'mixpanel', environment: 'production', api: 'check', memo: false, seconds: 0.0003 } as const;

test('the names and labels of the metrics, and what they count', async () => {
  const status = { ...STATUS, disk: { totalBytes: 16_384, freeBytes: 4096, used: 0.25, isAlarming: false }, index: { lag: 7, failure: 'EIO' }, queuedRecords: 3, queue: { records: 3, bytes: 4000, maxRecords: 65_536, maxBytes: 67_108_864 }, memo: { entries: 2, bytes: 9000, maxBytes: 67_108_864 }, shadow: ['segment'], logFailure: 'EIO', reloadErrors: ['bad'] };
  const { observer, send } = await openHarness({ pdp: fakePdp({ status: () => status }) });
  observer.decided(decided);
  observer.decided({ ...decided, memo: true });
  observer.decided({ ...decided, decision: 'allow', reasons: [], seconds: 2 });
  observer.refused('not_your_identity');
  observer.evaluationFailed('trap');
  observer.appended(0.004);
  observer.activated('failed');
  const { text, headers } = await send('/metrics');
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const got = samples(text);
  expect(Object.fromEntries([...got].filter(([name]) => !name.startsWith('http_') && !name.includes('_bucket')))).toEqual({
    'sluice_decisions_total{decision="deny",reason="unknown_vendor",vendor="mixpanel",env="production",api="check"}': 2,
    'sluice_decisions_total{decision="allow",reason="none",vendor="mixpanel",env="production",api="check"}': 1,
    'sluice_decision_reasons_total{reason="unknown_vendor"}': 2,
    'sluice_decision_reasons_total{reason="no_permit"}': 2,
    'sluice_decision_duration_seconds_sum{api="check",memo="miss"}': 2.0003,
    'sluice_decision_duration_seconds_count{api="check",memo="miss"}': 2,
    'sluice_decision_duration_seconds_sum{api="check",memo="hit"}': 0.0003,
    'sluice_decision_duration_seconds_count{api="check",memo="hit"}': 1,
    'sluice_refused_total{code="not_your_identity"}': 1,
    'sluice_eval_errors_total{kind="trap"}': 1,
    'sluice_audit_append_duration_seconds_sum': 0.004,
    'sluice_audit_append_duration_seconds_count': 1,
    'sluice_bundle_activations_total{result="ok"}': 0,
    'sluice_bundle_activations_total{result="failed"}': 1,
    'sluice_audit_queue_records': 3,
    'sluice_audit_queue_bytes': 4000,
    'sluice_audit_queue_limit_records': 65_536,
    'sluice_audit_queue_limit_bytes': 67_108_864,
    'sluice_memo_entries': 2,
    'sluice_memo_bytes': 9000,
    'sluice_memo_limit_bytes': 67_108_864,
    'sluice_audit_failed': 1,
    'sluice_bundle_age_seconds': 5,
    'sluice_reload_failed': 1,
    [`sluice_bundle_info{revision="${STATUS.bundleDigest}"}`]: 1,
    'sluice_revision_number{env="production"}': 42,
    'sluice_facts_age_seconds{env="production"}': 0.812,
    'sluice_facts_unverified': 0,
    'sluice_disk_used_ratio': 0.25,
    'sluice_disk_free_bytes': 4096,
    'sluice_log_index_lag_records': 7,
    'sluice_log_index_failed': 1,
    'sluice_log_unsigned_records': 0,
    'sluice_log_signing_failed': 0,
    'sluice_shadow{name="segment"}': 1,
    [`sluice_build_info{version="0.2.0",node="${process.version}"}`]: 1,
  });
  const bucket = (le: string) => got.get(`sluice_decision_duration_seconds_bucket{api="check",memo="miss",le="${le}"}`);
  expect(['0.0002', '0.0005', '1', '+Inf'].map(bucket)).toEqual([0, 1, 1, 2]);
});

test('a name that has left the catalogue is no longer reported', async () => {
  let status = { ...STATUS, shadow: ['segment'] };
  const { send } = await openHarness({ pdp: fakePdp({ status: () => status }) });
  expect((await send('/metrics')).text).toContain('sluice_shadow{name="segment"} 1');
  status = { ...STATUS, shadow: [] };
  expect((await send('/metrics')).text).not.toContain('sluice_shadow{');
});

test('requests are counted by template, method and status, whatever the path', async () => {
  const { send } = await openHarness();
  await send('/check', { body: QUESTION });
  await send('/check', { body: '{' });
  await send('/check', { body: QUESTION });
  await send(`/admin/vendors/${CANARY}/state`, { token: 'admin', body: { state: 'active' } });
  await send(`/${CANARY}`);
  await send('/check', { method: 'LINK' });
  const { text } = await send('/metrics');
  expect(text).not.toContain(CANARY);
  const counts = [...samples(text)].filter(([name]) => name.startsWith('http_request_duration_seconds_count'));
  expect(counts).toEqual([
    ['http_request_duration_seconds_count{route="/check",method="POST",status="200"}', 2],
    ['http_request_duration_seconds_count{route="/check",method="POST",status="400"}', 1],
    ['http_request_duration_seconds_count{route="/admin/vendors/:id/state",method="POST",status="200"}', 1],
    ['http_request_duration_seconds_count{route="unmatched",method="GET",status="404"}', 1],
    ['http_request_duration_seconds_count{route="/check",method="other",status="405"}', 1],
  ]);
});

test('a port of its own serves metrics and nothing else, also to what is forwarded', async () => {
  const registry = new Registry();
  createCounter(registry, { name: 'a_total', help: 'a', labels: [] }).child().n += 2;
  const server = createServer(createMetricsApp({ registry, logger: pino({ level: 'silent' }), isDraining: () => false }));
  const port = await listen(server, 0, '127.0.0.1');
  const metrics = await sendTo(port, '/metrics', { token: null, headers: { 'x-forwarded-for': '10.0.0.1' } });
  const check = await sendTo(port, '/check', { body: QUESTION });
  await new Promise((resolve) => server.close(resolve));
  expect(metrics.text).toContain('a_total 2');
  expect(check.status).toBe(404);
});

test('labels of every text are told apart and escaped', async () => {
  const registry = new Registry();
  const counter = createCounter(registry, { name: 'a_total', help: 'a', labels: ['x', 'y'] });
  counter.child('1', '"\n').n += 1;
  counter.child('1', '__proto__').n += 2;
  counter.child('', '1').n += 3;
  createHistogram(registry, { name: 'b_seconds', help: 'b', labels: [] }, [1]).observe(1);
  expect(await registry.metrics()).toBe([
    '# HELP a_total a', '# TYPE a_total counter', 'a_total{x="1",y="\\"\\n"} 1', 'a_total{x="1",y="__proto__"} 2', 'a_total{x="",y="1"} 3', '',
    '# HELP b_seconds b', '# TYPE b_seconds histogram', 'b_seconds_bucket{le="1"} 1', 'b_seconds_bucket{le="+Inf"} 1', 'b_seconds_sum 1', 'b_seconds_count 1', '',
  ].join('\n'));
});

