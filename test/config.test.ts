import { ConfigError, isLoopback, parseConfig } from '../src/config.ts';

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
};

test('the defaults', () => {
  expect(parseConfig({})).toEqual({
    host: '127.0.0.1', port: 8181, logLevel: 'info', policies: 'policies', rego: 'rego', dataDir: '.sluice', drainSeconds: 5, memoBytes: 64 * 2 ** 20, demoCallers: true, prunesByItself: false, logSegmentBytes: 256 * 2 ** 20, env: {},
  });
});

test('everything set', () => {
  const env = {
    HOST: '0.0.0.0', PORT: '0', LOG_LEVEL: 'debug', NODE_ENV: 'production', SLUICE_POLICIES: '/p', SLUICE_REGO: '/r', SLUICE_DATA_DIR: '/d', SLUICE_TLS_TERMINATED: 'yes',
    SLUICE_METRICS_PORT: '9464', SLUICE_DRAIN_SECONDS: '0', SLUICE_LOG_CHECKPOINT_FILE: '/c', SLUICE_MEMO_MB: '0', SLUICE_OPA: '/usr/bin/opa', SLUICE_LOG_KEEP_DAYS: '90', SLUICE_LOG_PRUNE: 'auto', SLUICE_LOG_SEGMENT_MB: '1', PATH: '/bin',
  };
  const config = parseConfig(env);
  expect(config).toEqual({ host: '0.0.0.0', port: 0, logLevel: 'debug', policies: '/p', rego: '/r', dataDir: '/d', metricsPort: 9464, drainSeconds: 0, logCheckpointFile: '/c', memoBytes: 0, demoCallers: false, prunesByItself: true, keepDays: 90, logSegmentBytes: 2 ** 20, env });
  expect(Object.isFrozen(config)).toBe(true);
});

test('every mistake at once, without a value', () => {
  const problems = problemsOf({ PORT: '99999-secret', LOG_LEVEL: 'secret', SLUICE_TLS_TERMINATED: 'true', SLUICE_DRAIN_SECONDS: '-1', SLUICE_MEMO_MB: '1e3', SLUICE_DATADIR: 'secret', SLUICE_NOTHING_LIKE_IT: 'secret' });
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual(['PORT', 'LOG_LEVEL', 'SLUICE_TLS_TERMINATED', 'SLUICE_DRAIN_SECONDS', 'SLUICE_MEMO_MB', 'SLUICE_DATADIR', 'SLUICE_NOTHING_LIKE_IT']);
  expect(problems.join()).not.toContain('secret');
});

test.each([
  ['SLUICE_DATADIR', 'SLUICE_DATA_DIR'], ['SLUICE_POLICY', 'SLUICE_POLICIES'], ['SLUICE_PORT', 'PORT'], ['SLUICE_HOST', 'HOST'], ['SLUICE_LOG_LEVEL', 'LOG_LEVEL'],
])('%s is not known; did you mean %s?', (name, meant) => {
  expect(problemsOf({ [name]: '1' })).toEqual([`${name} is not known; did you mean ${meant}?`]);
});

test('what Kubernetes sets for a service called sluice is passed over', () => {
  expect(problemsOf({
    SLUICE_SERVICE_HOST: '10.0.0.1', SLUICE_SERVICE_PORT: '8181', SLUICE_SERVICE_PORT_HTTP: '8181', SLUICE_PORT: 'tcp://10.0.0.1:8181',
    SLUICE_PORT_8181_TCP: 'tcp://10.0.0.1:8181', SLUICE_PORT_8181_TCP_PROTO: 'tcp', SLUICE_PORT_8181_TCP_PORT: '8181', SLUICE_PORT_8181_TCP_ADDR: '10.0.0.1',
    SLUICE_CONSOLE_SERVICE_HOST: '10.0.0.2', SLUICE_CONSOLE_PORT: 'tcp://10.0.0.2:80',
  })).toEqual([]);
});

test('a variable that is set but empty is absent', () => {
  const empty = { PORT: '', SLUICE_METRICS_PORT: '', SLUICE_TLS_TERMINATED: '' };
  expect(parseConfig(empty)).toEqual({ ...parseConfig({}), env: empty });
});

test.each([['127.0.0.1', true], ['127.8.8.8', true], ['localhost', true], ['::1', true], ['::ffff:127.0.0.1', true], ['0.0.0.0', false], ['::', false], ['10.0.0.1', false], ['127.evil.example', false], ['128.0.0.1', false]])('%s is loopback: %s', (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
  expect(problemsOf({ HOST: host })).toHaveLength(loopback ? 0 : 1);
  expect(parseConfig({ HOST: host, SLUICE_TLS_TERMINATED: 'yes' }).demoCallers).toBe(loopback);
});

test.each([[undefined, true], ['', true], ['development', true], ['test', true], ['production', false], ['Production', false], ['prod', false], ['staging', false], ['development ', false], ['live', false]])('F26: with NODE_ENV %p demo callers may ask: %s', (NODE_ENV, may) => {
  expect(parseConfig({ NODE_ENV }).demoCallers).toBe(may);
});

test('F14: what prunes by itself needs to know by how many days', () => {
  expect(problemsOf({ SLUICE_LOG_PRUNE: 'auto' })).toEqual(['SLUICE_LOG_PRUNE needs SLUICE_LOG_KEEP_DAYS: how many days of records are kept']);
  expect(problemsOf({ SLUICE_LOG_PRUNE: 'yes', SLUICE_LOG_KEEP_DAYS: '5' })).toEqual(['SLUICE_LOG_PRUNE must be "auto" or absent']);
});

test('metrics need another port than questions', () => {
  expect(problemsOf({ PORT: '9000', SLUICE_METRICS_PORT: '9000' })).toEqual(['SLUICE_METRICS_PORT must differ from PORT']);
  expect(problemsOf({ PORT: '0', SLUICE_METRICS_PORT: '0' })).toEqual([]);
});
