import { readFileSync, statSync } from 'node:fs';

export interface PermitKeysFile { environments(): readonly string[]; key(environment: string): string | undefined; environmentOf(bearer: string): string | undefined }

export function openPermitKeys(path: string): PermitKeysFile {
  if ((statSync(path).mode & 0o077) !== 0) throw new Error(`${path}: can be read by others: chmod 600 it`);
  const read = () => new Map(readFileSync(path, 'utf8').split('\n').filter((line) => line.includes('=')).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  return { environments: () => [...read().keys()], key: (environment) => read().get(environment), environmentOf: (bearer) => [...read()].find(([, key]) => key === bearer)?.[0] };
}
