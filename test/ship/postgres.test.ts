import { setTimeout as wait } from 'node:timers/promises';
import { openPostgres } from '../../src/ship/sinks/postgres.ts';
import { describePostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/server.ts';
import { batch, never, shipped } from './records.ts';

describePostgres('a table of PostgreSQL', () => {
  test('has a partition for each day, so that old days can be dropped', async () => {
    const server = await startPostgres();
    const sink = openPostgres({ ...server.options, table: 'audit' });
    try {
      await sink.write(batch(0, 150), never);
      const rows = await server.query<{ name: string; n: string }>('SELECT tableoid::regclass::text AS name, count(*) AS n FROM audit GROUP BY 1 ORDER BY 1');
      expect(rows).toEqual([{ name: 'audit_20261122', n: '100' }, { name: 'audit_20261123', n: '50' }]);
      const [row] = await server.query<{ withheld: string[]; masked: string[] }>('SELECT withheld, masked FROM audit LIMIT 1');
      expect(row).toEqual({ withheld: ['about'], masked: ['identity'] });
    } finally {
      await sink.close();
      await server.end();
    }
  });

  test('a record that differs from the one it has under the same index stops everything: a log was rewritten', async () => {
    const server = await startPostgres();
    const sink = openPostgres(server.options);
    try {
      await sink.write(batch(0, 10), never);
      const forged = { ...shipped(5), leaf: 'f'.repeat(64) };
      await expect(sink.write([...batch(4, 5), forged, ...batch(6, 12)], never)).rejects.toThrow('the table has another record 5 of this origin than the log');
      expect(await server.query('SELECT index FROM sluice_records WHERE index >= 10')).toEqual([]);
      await sink.write(batch(4, 12), never);
      expect(await server.query('SELECT count(*) AS n FROM sluice_records')).toEqual([{ n: '12' }]);
    } finally {
      await sink.close();
      await server.end();
    }
  });

  test('so does one of another day', async () => {
    const server = await startPostgres();
    const sink = openPostgres(server.options);
    try {
      await sink.write(batch(0, 10), never);
      await expect(sink.write([{ ...shipped(5), time: '2026-12-01T00:00:00.000Z', leaf: 'f'.repeat(64) }], never)).rejects.toThrow('the table has another record 5 of this origin than the log');
      expect(await server.query('SELECT count(*) AS n FROM sluice_records')).toEqual([{ n: '10' }]);
    } finally {
      await sink.close();
      await server.end();
    }
  });

  test('a batch reads nothing of what the table has but its own range, also while the server has no statistics', async () => {
    const server = await startPostgres();
    const sink = openPostgres(server.options);
    try {
      for (let from = 0; from < 16_000; from += 2000) await sink.write(Array.from({ length: 2000 }, (_, i) => ({ ...shipped(from + i, { text: 'x'.repeat(1500) }), time: '2026-11-22T12:00:00.000Z' })), never);
      await sink.close(); // its counts are told by now
      const read = async () => (await server.query<{ n: string; filled: string }>(`SELECT sum(seq_tup_read) AS n, sum(n_tup_ins) AS filled FROM pg_stat_user_tables WHERE relname LIKE 'sluice_records_%'`))[0]!;
      const { n } = await until(read, ({ filled }) => filled === '16000');
      expect(Number(n)).toBeLessThan(16_000); // reading all of it with each batch would be 72,000
    } finally {
      await sink.close();
      await server.end();
    }
  });

  test('a table keeps its records whatever it is called', async () => {
    const server = await startPostgres();
    try {
      for (const table of ['arriving', 'user', '_']) {
        const sink = openPostgres({ ...server.options, table });
        await sink.write(batch(0, 10), never).finally(() => sink.close());
        expect(await server.query(`SELECT count(*) AS n FROM "${table}"`)).toEqual([{ n: '10' }]);
      }
    } finally {
      await server.end();
    }
  });

  test.each([
    ['drops rows', `CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t BEFORE INSERT ON sluice_records_20261122 FOR EACH ROW EXECUTE FUNCTION nothing()`, 'the table does not keep record 10'],
    ['has lost its key', 'ALTER TABLE sluice_records DROP CONSTRAINT sluice_records_pkey', 'PostgreSQL: error 42P10, the table has no key (origin, index, day)'],
  ])('a table that %s does not count as having received', async (_, change, message) => {
    const server = await startPostgres();
    const sink = openPostgres(server.options);
    try {
      await sink.write(batch(0, 10), never);
      await server.query(change);
      await expect(sink.write(batch(10, 20), never)).rejects.toThrow(message);
      expect(await server.query('SELECT count(*) AS n FROM sluice_records')).toEqual([{ n: '10' }]);
    } finally {
      await sink.close();
      await server.end();
    }
  });

  test('two that make the table and its days at the same time do not hinder each other for long', async () => {
    const server = await startPostgres();
    const sinks = [1, 2, 3].map((n) => ({ origin: `sluice/000000000000000${n}`, sink: openPostgres(server.options) }));
    try {
      await Promise.all(sinks.map(async ({ origin, sink }) => {
        const mine = batch(0, 300).map((record) => ({ ...record, origin }));
        for (let attempt = 0; ; attempt += 1) {
          const failed = await sink.write(mine, never).then(() => undefined, (error: unknown) => error);
          if (failed === undefined) return;
          if (attempt === 5) throw failed as Error;
        }
      }));
      expect(await server.query('SELECT count(*) AS n FROM sluice_records')).toEqual([{ n: '900' }]);
    } finally {
      for (const { sink } of sinks) await sink.close();
      await server.end();
    }
  });

  test('what jsonb has no room for stops nothing, in names as in values', async () => {
    const server = await startPostgres();
    const sink = openPostgres(server.options);
    try {
      await sink.write([{ ...shipped(1, { 'a\0b': 'c\0d', 'e\uD800': 'f\uDC00g', whole: '\u{1F600}', 'as text': '\\u0000 \\\\u0000 \\ud800' }), withheld: ['h\0i'] }], never);
      expect(await server.query('SELECT withheld, record FROM sluice_records')).toEqual([{ withheld: ['h\uFFFDi'], record: { index: 1, 'a\uFFFDb': 'c\uFFFDd', 'e\uFFFD': 'f\uFFFDg', whole: '\u{1F600}', 'as text': '\\u0000 \\\\u0000 \\ud800' } }]);
    } finally {
      await sink.close();
      await server.end();
    }
  });

  test('a batch counts once it is on the server\'s disk, also where the server would not wait for it', async () => {
    const server = await startPostgres();
    await server.query('ALTER ROLE sluice SET synchronous_commit = off');
    const sink = openPostgres(server.options);
    try {
      await sink.write(batch(0, 1), never);
      await server.query(`CREATE TABLE waits (how text); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO waits VALUES (current_setting(''synchronous_commit'')); RETURN NULL; END'; CREATE TRIGGER t AFTER INSERT ON sluice_records FOR EACH STATEMENT EXECUTE FUNCTION note()`);
      await sink.write(batch(1, 2), never);
      expect(await server.query('SELECT how FROM waits')).toEqual([{ how: 'on' }]);
    } finally {
      await sink.close();
      await server.end();
    }
  });

  test('a server that hangs in the middle is given up in time, and has the batch once it goes on', async () => {
    const server = await startPostgres();
    const sink = openPostgres({ ...server.options, timeoutMs: 1500 });
    try {
      await sink.write(batch(0, 10), never);
      const [backend] = await server.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE application_name = 'sluice'");
      process.kill(backend!.pid, 'SIGSTOP');
      const error = await Promise.race([sink.write(batch(10, 500), never).catch((thrown: unknown) => thrown), wait(10_000, 'nothing', { ref: false })]);
      process.kill(backend!.pid, 'SIGCONT'); // first: a process that is stopped outlives its server
      expect(error).toMatchObject({ message: 'PostgreSQL: no answer in time' });
      await until(() => sink.write(batch(10, 500), never).then(() => true, () => false), (isWritten) => isWritten);
      expect(await server.query('SELECT count(*) AS n FROM sluice_records')).toEqual([{ n: '500' }]);
    } finally {
      await sink.close();
      await server.end();
    }
  });

  test('a wrong password is told without the password, and one that was put right is used', async () => {
    const server = await startPostgres();
    let password = 'not the password';
    const sink = openPostgres({ ...server.options, password: () => password });
    try {
      const error = await sink.write(batch(0, 1), never).catch((thrown: unknown) => thrown as Error);
      expect((error as Error).message).toBe('PostgreSQL: error 28P01, the password is wrong');
      password = server.options.password();
      await sink.write(batch(0, 1), never);
    } finally {
      await sink.close();
      await server.end();
    }
  });
});
