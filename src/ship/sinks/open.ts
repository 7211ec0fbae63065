import { needsTls, readSecret, readText, type SinkSpec } from '../sinks-file.ts';
import { openOpa } from './opa.ts';
import { openPostgres } from './postgres.ts';
import type { Sink } from './sink.ts';
import { openStdout } from './stdout.ts';

/** The sink of a configuration; nothing is sent, and nobody is connected to, before its first `write`. */
export function openSink(spec: SinkSpec): Sink {
  if (spec.type === 'stdout') return openStdout();
  if (spec.type === 'opa') {
    const { url, tokenFile } = spec;
    return openOpa({ url, ...(tokenFile !== undefined && { token: () => readSecret(tokenFile) }) });
  }
  const { host, port, database, user, passwordFile, caFile, table } = spec;
  return openPostgres({
    host, port, database, user,
    tls: needsTls(host) || caFile !== undefined ? { ...(caFile !== undefined && { ca: readText(caFile) }) } : false,
    ...(table !== undefined && { table }),
    ...(passwordFile !== undefined && { password: () => readSecret(passwordFile) }),
  });
}
