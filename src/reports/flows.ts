import type { Catalogue } from '../core/catalogue/catalogue.ts';
import type { Claim } from '../core/facts.ts';
import { leftBy, UNCLASSIFIED, type Form } from '../replay/leaving.ts';
import type { Group } from '../replay/scan.ts';
import { parseCsv, toCsv } from './csv.ts';

export const FLOW_COLUMNS = ['app', 'event', 'field', 'category', 'identity', 'vendor', 'environment', 'form', 'permitted', 'refused', 'rows', 'first', 'last', 'declared', 'observed'] as const;

/** One field of one event on its way from one identity to one vendor in one environment. */
export interface Flow {
  readonly app: string;
  readonly event: string;
  readonly field: string;
  /** As asked about. */
  readonly category: string;
  readonly identity: string;
  readonly vendor: string;
  readonly environment: string;
  /** As what it left; empty when it never did. */
  readonly form: Form | '';
  readonly permitted: number;
  readonly refused: number;
  readonly rows: number;
  readonly first: string;
  readonly last: string;
  /** The catalogue has the event with this field, and the vendor; or the spreadsheet lists the flow. */
  readonly declared: boolean;
  readonly observed: boolean;
}

export interface FlowMap {
  readonly report: 'data-flow';
  readonly v: 1;
  readonly flows: readonly Flow[];
  readonly vendors: readonly { readonly id: string; readonly name: string; readonly party: string; readonly dpa: string; readonly dpaEvidence: string | null }[];
  /** To whom vendors hand on; `exports_to` is a warehouse of our own (R76). */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly type: string; readonly on: boolean; readonly source: string | null }[];
  /** More than 100,000 flows: the rest is left out. */
  readonly incomplete: boolean;
}

const MAX_FLOWS = 100_000;
type Counting = { -readonly [K in keyof Flow]: Flow[K] } & { firstMs: number; lastMs: number };

export interface FlowOptions {
  readonly catalogue: Catalogue;
  /** Only events of this app. */
  readonly app?: string;
  /** Flows that a spreadsheet lists: they count as declared, seen or not. */
  readonly declared?: readonly Flow[];
  /** By when contracts must hold. */
  readonly nowMs: number;
}

/** Every field that was asked about on its way to a vendor. */
export async function flowsOf(groups: AsyncIterable<Group>, { catalogue, app, declared = [], nowMs }: FlowOptions): Promise<FlowMap> {
  const flows = new Map<string, Counting>();
  const listed = new Set(declared.map(keyOf));
  let incomplete = false;
  for await (const group of groups) {
    const { record } = group;
    const event = record.event ?? '(no event)';
    const fact = catalogue.event(event)?.fact;
    if (app !== undefined && fact?.app !== app) continue;
    const left = new Map(leftBy(record).map((one) => [one.path, one]));
    for (const { paths, category = UNCLASSIFIED } of record.fields) for (const field of paths) {
      const named = { app: fact?.app ?? '', event, field, category, identity: record.identity, vendor: record.vendor, environment: record.environment, form: left.get(field)?.form ?? '' } as const;
      const key = keyOf(named);
      const flow = flows.get(key) ?? { ...named, permitted: 0, refused: 0, rows: 0, first: '', last: '', declared: listed.has(key) || isDeclared(named, catalogue), observed: true, firstMs: Infinity, lastMs: -Infinity };
      if (!flows.has(key) && flows.size >= MAX_FLOWS) {
        incomplete = true;
        continue;
      }
      flows.set(key, flow);
      flow[left.has(field) ? 'permitted' : 'refused'] += group.count;
      flow.rows += group.rows;
      flow.firstMs = Math.min(flow.firstMs, group.firstMs);
      flow.lastMs = Math.max(flow.lastMs, group.lastMs);
    }
  }
  const seen = [...flows.values()].map(({ firstMs, lastMs, ...flow }): Flow => ({ ...flow, first: new Date(firstMs).toISOString(), last: new Date(lastMs).toISOString() }));
  const unseen = declared.filter((flow) => !flows.has(keyOf(flow)) && (app === undefined || flow.app === app))
    .map((flow): Flow => ({ ...flow, permitted: 0, refused: 0, rows: 0, first: '', last: '', declared: true, observed: false }));
  const all = [...seen, ...unseen].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return { report: 'data-flow', v: 1, flows: all, ...surroundings(all, catalogue, nowMs), incomplete };
}

const keyOf = ({ app, event, field, category, identity, vendor, environment, form }: Pick<Flow, 'app' | 'event' | 'field' | 'category' | 'identity' | 'vendor' | 'environment' | 'form'>) => (
  JSON.stringify([app, event, field, category, identity, vendor, environment, form])
);

const isDeclared = ({ event, field, vendor }: Pick<Flow, 'event' | 'field' | 'vendor'>, { facts, event: eventOf, dictionary }: Catalogue) => (
  facts.vendors.has(vendor) && (eventOf(event) ?? (event === '(no event)' ? dictionary : undefined))?.field(field) !== undefined
);

function surroundings(flows: readonly Flow[], { facts }: Catalogue, nowMs: number): Pick<FlowMap, 'vendors' | 'edges'> {
  const receivers = new Set(flows.map(({ vendor }) => vendor));
  const edges = facts.edges.filter(({ from }) => receivers.has(from));
  const ids = [...new Set([...receivers, ...edges.map(({ to }) => to)])].sort();
  return {
    vendors: ids.map((id) => {
      const vendor = facts.vendors.get(id);
      const dpa = vendor?.claims.find(({ name }) => name === 'dpa');
      return { id, name: vendor?.name ?? id, party: vendor?.party ?? 'unknown', dpa: vendor?.party === 'first' ? 'not needed' : dpaState(dpa, nowMs), dpaEvidence: dpa?.evidence ?? null };
    }),
    edges: edges.map(({ from, to, type, on, source }) => ({ from, to, type, on: on !== false, source: source ?? null })).sort((a, b) => (`${a.from} ${a.to} ${a.type}` < `${b.from} ${b.to} ${b.type}` ? -1 : 1)),
  };
}

const dpaState = (dpa: Claim | undefined, nowMs: number) => (dpa === undefined || dpa.value === null ? 'missing' : nowMs >= (dpa.untilMs ?? Infinity) ? 'expired' : 'recorded');

export const flowsCsv = ({ flows }: Pick<FlowMap, 'flows'>): string => (
  toCsv(FLOW_COLUMNS, flows.map((flow) => FLOW_COLUMNS.map((column) => String(flow[column]))))
);

/** Reads what `flowsCsv` wrote, or a person with a spreadsheet. @throws {Error} naming the line and what is wrong. */
export function parseFlows(text: string): readonly Flow[] {
  const [head, ...lines] = parseCsv(text);
  const missing = FLOW_COLUMNS.filter((column) => ['event', 'field', 'vendor', 'environment'].includes(column) && head?.includes(column) !== true);
  if (missing.length > 0) throw new Error(`line 1: the columns ${missing.join(', ')} are missing`);
  return lines.map((cells, at) => {
    if (cells.length !== head!.length) throw new Error(`line ${at + 2}: has ${cells.length} cells, and the head has ${head!.length}`);
    const cell = (column: (typeof FLOW_COLUMNS)[number]) => cells[head!.indexOf(column)] ?? '';
    const whole = (column: 'permitted' | 'refused' | 'rows') => {
      if (!/^\d{0,15}$/.test(cell(column))) throw new Error(`line ${at + 2}: ${column} is no whole number`);
      return Number(cell(column));
    };
    const yes = (column: 'declared' | 'observed', absent: boolean) => (cell(column) === '' ? absent : cell(column).toLowerCase() === 'true');
    return {
      app: cell('app'), event: cell('event'), field: cell('field'), category: cell('category'), identity: cell('identity'), vendor: cell('vendor'), environment: cell('environment'),
      form: cell('form') as Flow['form'], permitted: whole('permitted'), refused: whole('refused'), rows: whole('rows'), first: cell('first'), last: cell('last'),
      declared: yes('declared', true), observed: yes('observed', false),
    };
  });
}

/** A label that Mermaid takes as text: its own entity codes for whatever it would read. */
const label = (text: string) => `"${text.replace(/[^A-Za-z0-9 ._:,()-]/gu, (c) => `#${c.codePointAt(0)};`)}"`;

/** The same map as a diagram; equal maps give equal text. */
export function flowsMermaid({ flows, vendors, edges }: FlowMap): string {
  const permitted = flows.filter((flow) => flow.permitted > 0);
  const sources = [...new Set(permitted.map(({ app, identity }) => (app === '' ? identity : `${app}: ${identity}`)))].sort();
  const nodes = new Map([...sources.map((name) => `s ${name}`), ...vendors.map(({ id }) => `v ${id}`)].map((key, at) => [key, `n${at}`]));
  const ways = Map.groupBy(permitted, ({ app, identity, vendor }) => JSON.stringify([app === '' ? identity : `${app}: ${identity}`, vendor]));
  return [
    'flowchart LR',
    ...sources.map((name) => `  ${nodes.get(`s ${name}`)}[${label(name)}]`),
    ...vendors.map(({ id, name, party, dpa }) => `  ${nodes.get(`v ${id}`)}${party === 'first' ? `[(${label(name)})]` : `([${label(`${name}, DPA ${dpa}`)}])`}`),
    ...[...ways].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, list]) => {
      const [source, vendor] = JSON.parse(key) as [string, string];
      return `  ${nodes.get(`s ${source}`)} -->|${label([...new Set(list.map(({ category }) => category))].sort().join(', '))}| ${nodes.get(`v ${vendor}`)}`;
    }),
    ...edges.filter(({ on }) => on).map(({ from, to, type }) => `  ${nodes.get(`v ${from}`)} -.->|${label(type)}| ${nodes.get(`v ${to}`)}`),
    '',
  ].join('\n');
}
