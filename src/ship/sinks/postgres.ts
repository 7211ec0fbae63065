import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { Client, ClientConfig } from 'pg';
import { SinkError, type Shipped, type Sink } from './sink.ts';

export interface PostgresOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Read for each connection, so that it can be changed. */
  readonly password?: () => string;
  /** PEM of the authorities that the server's certificate is checked against; `false`: no TLS. Default: those of Node. */
  readonly tls?: false | { readonly ca?: string };
  /** Made when it is not there, and with it a partition for each day. */
  readonly table?: string;
  readonly timeoutMs?: number;
}

const TABLE = /^[a-z_][a-z0-9_]{0,40}$/;
/** Hidden by no name that a table may have. */
const ARRIVING = '"Arriving"';
const COLUMNS = 'day, origin, index, time, kind, leaf, record, withheld, masked';
const COLUMN_TYPES = 'day date NOT NULL, origin text NOT NULL, index bigint NOT NULL, time timestamptz NOT NULL, kind text NOT NULL, leaf text NOT NULL, record jsonb NOT NULL, withheld text[] NOT NULL, masked text[] NOT NULL';

/**
 * Copies records into a table of PostgreSQL that is partitioned by day (UTC): an old day is dropped with its partition.
 * One transaction a batch, committed on the server's disk before it counts; a record that is there already stays as it is.
 *
 * @throws {SinkError} from `write`, also when the table has another record under the same origin and index: then one of
 * the two logs was rewritten, and nothing more is sent.
 */
export function openPostgres(options: PostgresOptions): Sink {
  const { table = 'sluice_records', timeoutMs = 60_000 } = options;
  if (!TABLE.test(table)) throw new SinkError('table must be small letters, digits and _, at most 41');
  const quoted = `"${table}"`;
  let connected: Client | undefined;
  const days = new Set<string>();

  async function connection(signal: AbortSignal): Promise<Client> {
    if (connected !== undefined) return connected;
    const client = await connect(options, timeoutMs, signal);
    const forget = () => {
      if (connected === client) connected = undefined;
    };
    client.on('end', forget).on('error', forget);
    try {
      await client.query('SET synchronous_commit = on');
      await client.query(`CREATE TABLE IF NOT EXISTS ${quoted} (${COLUMN_TYPES}, PRIMARY KEY (origin, index, day)) PARTITION BY RANGE (day)`);
      await client.query(`CREATE TEMP TABLE ${ARRIVING} (${COLUMN_TYPES}) ON COMMIT DELETE ROWS`);
    } catch (error) {
      drop(client);
      throw error;
    }
    days.clear();
    connected = client;
    return client;
  }

  /** The partition of a day. Two that make it at once would deadlock: hence the lock. */
  async function makeDay(client: Client, day: string): Promise<void> {
    if (days.has(day)) return;
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [table]);
    await client.query(`CREATE TABLE IF NOT EXISTS "${table}_${day.replaceAll('-', '')}" PARTITION OF ${quoted} FOR VALUES FROM ('${day}') TO ('${dayAfter(day)}')`);
    await client.query('COMMIT');
    days.add(day);
  }

  async function copy(client: Client, batch: readonly Shipped[]): Promise<void> {
    for (const day of new Set(batch.map(({ time }) => dayOf(time)))) await makeDay(client, day);
    const { from } = await clients();
    await client.query('BEGIN');
    await pipeline(Readable.from(batch.map(toRow)), client.query(from(`COPY ${ARRIVING} (${COLUMNS}) FROM STDIN`)));
    await client.query(`INSERT INTO ${quoted} (${COLUMNS}) SELECT ${COLUMNS} FROM ${ARRIVING} ON CONFLICT (origin, index, day) DO NOTHING`);
    await compare(client, batch);
    await client.query('COMMIT');
  }

  /**
   * The table has these records and no others in their place, whatever triggers and rules it has.
   * By the range alone, which every partition has an index for: how a join is done, a server without statistics guesses badly.
   */
  async function compare(client: Client, batch: readonly Shipped[]): Promise<void> {
    const { rows } = await client.query<{ index: string; leaf: string }>(`SELECT index, leaf FROM ${quoted} WHERE origin = $1 AND index BETWEEN $2 AND $3 ORDER BY index`, [batch[0]!.origin, batch[0]!.index, batch.at(-1)!.index]);
    const leaves = new Map(batch.map(({ index, leaf }) => [index, leaf]));
    const other = rows.find(({ index, leaf }) => leaves.get(Number(index)) !== leaf);
    if (other !== undefined) throw new SinkError(`the table has another record ${other.index} of this origin than the log: one of the two has been changed; compare with "sluice log verify"`);
    for (const { index } of rows) leaves.delete(Number(index));
    const [missing] = leaves.keys();
    if (missing !== undefined) throw new SinkError(`the table does not keep record ${missing}: look for a trigger, rule or row policy that drops it`);
  }

  return {
    limits: { records: 2000, bytes: 4 * 2 ** 20 },
    async write(batch, signal) {
      const ending = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      let client: Client | undefined;
      try {
        client = await connection(ending);
        ending.throwIfAborted();
        const cut = () => drop(client!);
        ending.addEventListener('abort', cut, { once: true });
        await copy(client, batch).finally(() => ending.removeEventListener('abort', cut));
      } catch (error) {
        // Whatever state its transaction is in, the next attempt begins with a connection of its own.
        if (client !== undefined) drop(client);
        connected = undefined;
        if (error instanceof SinkError) throw error;
        throw new SinkError(`PostgreSQL: ${ending.aborted ? 'no answer in time' : reasonOf(error)}`, { cause: error });
      }
    },
    async close() {
      await connected?.end().catch(() => {});
    },
  };
}

/** Wanted by those alone who have such a sink. */
async function clients() {
  try {
    return { pg: await import('pg'), from: (await import('pg-copy-streams')).from };
  } catch (error) {
    throw new SinkError('a sink of type postgres needs two packages more: npm install pg pg-copy-streams', { cause: error });
  }
}

async function connect({ host, port, database, user, password, tls }: PostgresOptions, timeoutMs: number, signal: AbortSignal): Promise<Client> {
  const { pg } = await clients();
  const config: ClientConfig = {
    host, port, database, user, application_name: 'sluice', connectionTimeoutMillis: Math.min(10_000, timeoutMs), statement_timeout: timeoutMs, keepAlive: true,
    ssl: tls === false ? false : { rejectUnauthorized: true, ...tls },
    ...(password !== undefined && { password: password() }),
  };
  const client = new pg.default.Client(config);
  client.on('error', () => {}); // told by the query that it breaks
  const cut = () => drop(client);
  signal.addEventListener('abort', cut, { once: true });
  await client.connect().finally(() => signal.removeEventListener('abort', cut));
  return client;
}

/** At once, whatever the server does. */
function drop(client: Client): void {
  const { connection } = client as unknown as { readonly connection: { readonly stream: { destroy(): void } } };
  connection.stream.destroy();
}

// Of a server's words only the code, what it concerns, and what it says in general: `detail` has the row.
function reasonOf(error: unknown): string {
  const { code, message, constraint, table } = error as { readonly code?: string; readonly message?: string; readonly constraint?: string; readonly table?: string };
  const isServers = code !== undefined && /^[0-9A-Z]{5}$/.test(code);
  if (isServers) return [`error ${code}`, CODES[code], constraint, table].filter((part) => part !== undefined).join(', ');
  return code ?? message ?? 'unknown';
}

const CODES: Readonly<Record<string, string>> = {
  '28P01': 'the password is wrong', '28000': 'this user may not connect', '3D000': 'there is no such database', '42501': 'this user may not do it',
  '53100': 'its disk is full', '57P01': 'it is shutting down', '57P03': 'it is starting', '23514': 'no partition takes the day', '57014': 'it took too long', '42P10': 'the table has no key (origin, index, day)',
};

const dayOf = (time: string) => time.slice(0, 10);
const dayAfter = (day: string) => new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);

function toRow({ origin, index, time, kind, leaf, record, withheld, masked }: Shipped): string {
  return `${[dayOf(time), origin, String(index), time, kind, leaf, toJsonb(record), toArray(withheld), toArray(masked)].map(escape).join('\t')}\n`;
}

/** In the text format of COPY; a text has no NUL there. */
const escape = (text: string) => text.replace(/[\\\t\n\r\0]/g, (char) => ESCAPES[char]!);
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '\ufffd' };

const toArray = (texts: readonly string[]) => `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;

/** jsonb takes neither NUL nor half of a surrogate pair, in names as little as in values: they become the replacement character. */
const toJsonb = (record: object) => JSON.stringify(record).replace(/\\(?:\\|u0000|ud[89a-f][0-9a-f]{2})/g, (escaped) => (escaped === '\\\\' ? escaped : '\ufffd'));
