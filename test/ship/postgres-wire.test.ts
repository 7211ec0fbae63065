import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TLSSocket } from 'node:tls';
import { readSecret, type SinkSpec } from '../../src/ship/sinks-file.ts';
import { openSink } from '../../src/ship/sinks/open.ts';
import { openPostgres } from '../../src/ship/sinks/postgres.ts';
import { batch, never } from './records.ts';

const SSL_REQUEST = '0000000804d2162f';
let folder: string;
let server: Server | undefined;
beforeEach(() => { folder = mkdtempSync(path.join(tmpdir(), 'sluice-wire-')); });
afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server of the test's own; gives its port. */
function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const opened = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  server = opened;
  return new Promise((resolve) => { opened.listen(0, '127.0.0.1', () => resolve((opened.address() as AddressInfo).port)); });
}

const secret = (name: string, mode: number) => {
  const file = path.join(folder, name);
  writeFileSync(file, 'the password\n', { mode });
  return file;
};

test('of a server that is not this machine TLS is asked, and to one that has none nothing more is said', async () => {
  const said: Buffer[] = [];
  const port = await listen((socket) => socket.on('data', (bytes) => {
    said.push(bytes);
    socket.write('N');
  }));
  const spec = { name: 'w', type: 'postgres', vendor: 'v', environment: 'e', host: '0.0.0.0', port, database: 'd', user: 'u', passwordFile: secret('password', 0o600) } satisfies SinkSpec; // that is this machine, by a name that does not say so
  await expect(openSink(spec).write(batch(0, 1), never)).rejects.toThrow('PostgreSQL: ');
  expect(Buffer.concat(said).toString('hex')).toBe(SSL_REQUEST);
});

const withOpenssl = spawnSync('openssl', ['version']).status === 0 ? test : test.skip;

withOpenssl('its certificate must come from an authority that is trusted, and be of its name', async () => {
  const certificate = (name: string, host: string) => {
    const file = (end: string) => path.join(folder, `${name}.${end}`);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${host}`, '-keyout', file('key'), '-out', file('crt')], { stdio: 'ignore' });
    return { key: readFileSync(file('key'), 'utf8'), cert: readFileSync(file('crt'), 'utf8') };
  };
  const own = certificate('own', 'IP:127.0.0.1');
  const strange = certificate('strange', 'IP:127.0.0.1');
  const elsewhere = certificate('elsewhere', 'DNS:elsewhere.example');
  let heard = 0;
  const write = async ({ key, cert }: typeof own, ca: string): Promise<string> => {
    const port = await listen((socket) => socket.once('data', () => {
      socket.write('S');
      const secured = new TLSSocket(socket, { isServer: true, key, cert });
      secured.on('error', () => {}).on('data', () => {
        heard += 1;
        secured.destroy();
      });
    }));
    const failed = await openPostgres({ host: '127.0.0.1', port, database: 'd', user: 'u', password: () => 'p', tls: { ca } }).write(batch(0, 1), never).then(() => 'written', (error: Error) => error.message);
    server?.close();
    return failed;
  };
  expect(await write(strange, own.cert)).toMatch(/PostgreSQL: .*(SELF_SIGNED|CERT|SIGNATURE)/);
  expect(await write(elsewhere, elsewhere.cert)).toBe('PostgreSQL: ERR_TLS_CERT_ALTNAME_INVALID');
  expect(heard).toBe(0);
  await write(own, own.cert);
  expect(heard).toBe(1);
});

test.each([0o644, 0o604, 0o606, 0o602])('a secret of mode %o is none', (mode) => {
  const file = secret('s', 0o600);
  execFileSync('chmod', [mode.toString(8), file]);
  expect(() => readSecret(file)).toThrow(/can be (read|changed|read and changed) by others/);
});

test('F10: a secret that nobody else can read is read, by its owner alone and by the own group too', () => {
  expect([0o600, 0o400, 0o440, 0o660].map((mode) => readSecret(secret(`of-${mode}`, mode)))).toEqual(new Array(4).fill('the password'));
});
