import { parseCsv, toCsv } from '../text/csv.ts';
import type { Flow, FlowMap } from './flows.ts';

export const FLOW_COLUMNS = ['app', 'event', 'field', 'category', 'source', 'identity', 'vendor', 'via', 'environment', 'form', 'permitted', 'refused', 'rows', 'first', 'last', 'declared', 'observed'] as const;
type Column = (typeof FLOW_COLUMNS)[number];

export const flowsCsv = ({ flows }: Pick<FlowMap, 'flows'>): string => (
  toCsv(FLOW_COLUMNS, flows.map((flow) => FLOW_COLUMNS.map((column) => String(flow[column]))))
);

const NEEDED: readonly Column[] = ['event', 'field', 'vendor', 'environment'];

/** Reads what `flowsCsv` wrote, or a person with a spreadsheet. @throws {Error} naming the row and what is wrong. */
export function parseFlows(text: string): readonly Flow[] {
  const [head = [], ...rows] = parseCsv(text);
  const missing = NEEDED.filter((column) => !head.includes(column));
  if (missing.length > 0) throw new Error(`row 1: the columns ${missing.join(', ')} are missing`);
  return rows.map((cells, at) => {
    const place = `row ${at + 2}`;
    if (cells.length !== head.length) throw new Error(`${place}: has ${cells.length} cells, and the head has ${head.length}`);
    const cell = (column: Column) => cells[head.indexOf(column)] ?? '';
    const empty = NEEDED.filter((column) => cell(column) === '');
    if (empty.length > 0) throw new Error(`${place}: ${empty.join(', ')} must be filled in`);
    const whole = (column: 'permitted' | 'refused' | 'rows') => {
      if (!/^\d{0,15}$/.test(cell(column))) throw new Error(`${place}: ${column} is no whole number`);
      return Number(cell(column));
    };
    const yes = (column: 'declared' | 'observed', absent: boolean) => {
      const word = cell(column).toLowerCase();
      if (!['', 'true', 'false'].includes(word)) throw new Error(`${place}: ${column} is true or false`);
      return word === '' ? absent : word === 'true';
    };
    return {
      app: cell('app'), event: cell('event'), field: cell('field'), category: cell('category'), source: cell('source'), identity: cell('identity'), vendor: cell('vendor'), via: cell('via'),
      environment: cell('environment'), form: cell('form') as Flow['form'], permitted: whole('permitted'), refused: whole('refused'), rows: whole('rows'), first: cell('first'), last: cell('last'),
      declared: yes('declared', true), observed: yes('observed', false),
    };
  });
}

/** A label that Mermaid takes as text: its own entity codes for whatever it would read. */
const label = (text: string) => `"${text.replace(/[^A-Za-z0-9 ._:,()-]/gu, (c) => `#${c.codePointAt(0)};`)}"`;

/** The same map as a diagram; equal maps give equal text. A vendor whose DPA can be read on the web leads there. */
export function flowsMermaid({ flows, vendors, edges }: FlowMap): string {
  const permitted = flows.filter((flow) => flow.permitted > 0);
  const sourceOf = ({ app, identity, via }: Flow) => (via !== '' ? `v ${via}` : `s ${app === '' ? identity : `${app}: ${identity}`}`);
  const sources = [...new Set(permitted.map(sourceOf).filter((key) => key.startsWith('s ')))].sort();
  const nodes = new Map([...sources, ...vendors.map(({ id }) => `v ${id}`)].map((key, at) => [key, `n${at}`]));
  const ways = Map.groupBy(permitted, (flow) => JSON.stringify([sourceOf(flow), flow.vendor]));
  return [
    'flowchart LR',
    ...sources.map((key) => `  ${nodes.get(key)}[${label(key.slice(2))}]`),
    ...vendors.map(({ id, name, party, dpa }) => `  ${nodes.get(`v ${id}`)}${party === 'first' ? `[(${label(name)})]` : `([${label(`${name}, DPA ${dpa}`)}])`}`),
    ...[...ways].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, list]) => {
      const [source, vendor] = JSON.parse(key) as [string, string];
      return `  ${nodes.get(source)} -->|${label([...new Set(list.map(({ category, form }) => (form === 'raw' ? category : `${category} (${form})`)))].sort().join(', '))}| ${nodes.get(`v ${vendor}`)}`;
    }),
    ...edges.filter(({ on }) => on).map(({ from, to, type }) => `  ${nodes.get(`v ${from}`)} -.->|${label(type)}| ${nodes.get(`v ${to}`)}`),
    ...vendors.flatMap(({ id, dpaEvidence }) => (isWebAddress(dpaEvidence) ? [`  click ${nodes.get(`v ${id}`)} href "${dpaEvidence}" "DPA"`] : [])),
    '',
  ].join('\n');
}

/** Of characters that mean nothing where it is put. */
const isWebAddress = (text: string | null): text is string => text !== null && /^https:\/\/[A-Za-z0-9.-]+(:\d+)?(\/[A-Za-z0-9._~/?=&%+,-]*)?$/.test(text);
