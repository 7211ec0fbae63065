import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { endServers, makeFolder, QUESTION, startServer, until } from '../support/server.ts';

const run = promisify(execFile);
const deploy = path.resolve(import.meta.dirname, '../../deploy');
const rulesFile = path.join(deploy, 'prometheus', 'rules.yaml');

interface Target { readonly expr: string; readonly refId: string }
interface Panel { readonly id: number; readonly title: string; readonly description: string; readonly gridPos: { x: number; y: number; w: number; h: number }; readonly fieldConfig: { defaults: { unit: string } }; readonly targets: readonly Target[]; readonly datasource: { uid: string } }
const dashboard = JSON.parse(readFileSync(path.join(deploy, 'grafana/dashboards/sluice.json'), 'utf8')) as { panels: Panel[]; templating: { list: { name: string }[] } };
const alarms = (parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: { alert: string; expr: string; labels: { severity: string }; annotations: Record<string, string> }[] }[] }).groups.flatMap(({ rules }) => rules);
const queries = [...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ what: title, expr }))), ...alarms.map(({ alert, expr }) => ({ what: alert, expr }))];

/** Where a program is: from PATH, or fetched by scripts/install-prometheus.sh. */
function find(name: string): string | undefined {
  const own = path.resolve(import.meta.dirname, '../../.tools/bin', name);
  return [own, ...(process.env['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, name))].find((file) => existsSync(file));
}
const [prometheus, promtool] = [find('prometheus'), find('promtool')];
const withPrometheus = prometheus === undefined || promtool === undefined ? test.skip : test;

/** Names of metrics in PromQL: what is neither a word of the language, nor a label, nor inside braces or strings. */
const namesIn = (expr: string): readonly string[] => [...new Set(
  [...expr.replace(/"[^"]*"/g, '').replace(/\{[^}]*\}/g, '').replace(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, '').matchAll(/\b(up|(?:sluice|http|nodejs|process)_[a-z0-9_]+)\b/g)].map(([name]) => name),
)];

let metrics: string;
let port: number;
let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  port = await freePort();
  const sinks = path.join(await makeFolder(), 'sinks.yaml');
  await writeFile(sinks, 'sinks: { out: { type: stdout, vendor: internal-obs, environment: production } }\n');
  server = await startServer({ env: { SLUICE_METRICS_PORT: String(port), SLUICE_SINKS_FILE: sinks } });
  await ask();
  metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}, 60_000);
afterAll(endServers);

/** A decision of each kind, and a caller who is refused. */
async function ask(): Promise<void> {
  for (const fields of [['anon_user_id'], ['city'], ['org_id'], ['anon_user_id']]) await server.check({ ...QUESTION, fields });
  await server.send('/check', { method: 'POST', body: JSON.stringify({ ...QUESTION, identity: 'user:sam' }), token: 'demo-telemetry' } as never);
}

test('every metric that a panel or an alarm names is in /metrics', () => {
  const known = new Set(['up', ...[...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) => (type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name!]))]);
  for (const { what, expr } of queries) {
    expect({ what, names: namesIn(expr).length > 0 }).toEqual({ what, names: true });
    expect({ what, unknown: namesIn(expr).filter((name) => !known.has(name)) }).toEqual({ what, unknown: [] });
  }
});

test('panels say what they show, in a unit, beside one another', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const taken = new Set<string>();
  for (const { title, description, gridPos: { x, y, w, h }, fieldConfig, targets, datasource } of dashboard.panels) {
    expect({ title, said: description.length > 10, unit: fieldConfig.defaults.unit !== '', asks: targets.length > 0, source: datasource.uid }).toEqual({ title, said: true, unit: true, asks: true, source: '${datasource}' });
    expect(x + w).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column += 1) for (let row = y; row < y + h; row += 1) {
      expect(taken.has(`${column} ${row}`)).toBe(false);
      taken.add(`${column} ${row}`);
    }
  }
  expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance']);
});

test('an alarm says how bad it is, what it means and what to do', () => {
  for (const { alert, labels, annotations } of alarms) {
    expect({ alert, severity: ['critical', 'warning'].includes(labels.severity), told: ['summary', 'description', 'runbook'].every((name) => (annotations[name]?.length ?? 0) > 10) }).toEqual({ alert, severity: true, told: true });
  }
});

withPrometheus('promtool accepts the rules and the configuration, and each alarm comes and stays away', async () => {
  const cwd = path.dirname(rulesFile);
  await run(promtool!, ['check', 'config', 'prometheus.yml'], { cwd });
  await run(promtool!, ['test', 'rules', 'rules.test.yaml'], { cwd });
  const tried = readFileSync(path.join(cwd, 'rules.test.yaml'), 'utf8');
  for (const { alert } of alarms) for (const outcome of ['comes', 'stays away']) expect(tried).toContain(`name: ${alert} ${outcome}\n`);
});

withPrometheus('F20: promtool finds nothing to mend in the metrics', async () => {
  const child = execFile(promtool!, ['check', 'metrics']);
  const said: string[] = [];
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const closed = once(child, 'close');
  child.stdin!.end(metrics);
  expect([(await closed)[0], said.join('')]).toEqual([0, '']);
});

withPrometheus('a real Prometheus scrapes Sluice, and every panel has data', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-prometheus-'));
  const at = await freePort();
  const config = (parse(readFileSync(path.join(deploy, 'prometheus/prometheus.yml'), 'utf8')) as { global: object; scrape_configs: { static_configs: { targets: string[] }[] }[] });
  config.scrape_configs[0]!.static_configs[0]!.targets = [`127.0.0.1:${port}`];
  await writeFile(path.join(folder, 'prometheus.yml'), JSON.stringify({ ...config, global: { scrape_interval: '1s', evaluation_interval: '1s' }, rule_files: [rulesFile] }));
  const child = spawn(prometheus!, [`--config.file=${path.join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${path.join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${at}`, '--log.level=error'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    const query = async (expr: string) => {
      const response = await fetch(`http://127.0.0.1:${at}/api/v1/query?query=${encodeURIComponent(expr)}`).catch(() => undefined);
      return response?.ok === true ? ((await response.json()) as { data: { result: readonly unknown[] } }).data.result : [];
    };
    // A rate wants two scrapes, and counts that rose between them.
    await until(() => query('sluice_decisions_total'), (result) => result.length > 0, 60_000);
    await until(async () => { await ask(); await pause(200); return query('sum(rate(sluice_decisions_total[10s])) > 0'); }, (result) => result.length > 0, 60_000);
    for (const { title, targets } of dashboard.panels) for (const { expr } of targets) {
      const filled = expr.replaceAll('$__rate_interval', '30s').replaceAll('$instance', '.*');
      expect({ title, expr: filled, data: (await query(filled)).length > 0 }).toEqual({ title, expr: filled, data: true });
    }
    const rules = await (await fetch(`http://127.0.0.1:${at}/api/v1/rules`)).json() as { data: { groups: { rules: { name: string; health: string }[] }[] } };
    expect(rules.data.groups.flatMap((group) => group.rules.map(({ name }) => name))).toEqual(alarms.map(({ alert }) => alert));
  } finally {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}, 150_000);

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port: free } = listener.address() as { port: number };
  listener.close();
  await once(listener, 'close');
  return free;
}
