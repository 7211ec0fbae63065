import { hash as digest, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, type BigIntStats } from 'node:fs';
import { refuseStrangers } from '../../files/access.ts';

/** Permit's API keys, by environment, as they stand in their file now. */
export interface PermitKeysFile {
  /** Those that the file named when it was opened: others need a restart. */
  environments(): readonly string[];
  /** `undefined` for an environment that the file doesn't name, or no longer. */
  key(environment: string): string | undefined;
  /** Whose key this is; compares SHA-256 in constant time. Of `environments()` alone: another one has no facts yet. */
  environmentOf(bearer: string): string | undefined;
}

const MAX_BYTES = 64 * 1024;
const CHECK_MS = 1000;
const MAX_NAME = 256;
const MAX_KEY = 1024;
/** What may stand after `Bearer`. */
const KEY = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Opens the file of lines `environment=key`; empty lines, and those that begin with `#`, say nothing. It is looked at
 * again when it is used, at most once a second: a changed file counts from then on, so that a key is changed without a
 * restart. One that can't be used changes nothing.
 *
 * @param now milliseconds from any start, never set back.
 * @param onRefused hears, once for each change, why a changed file can't be used. No message ever holds a key.
 * @throws {Error} with a message for the operator: missing, readable by others, too large, a line that is none.
 */
export function openPermitKeys(path: string, now: () => number = () => performance.now(), onRefused: (message: string) => void = () => {}): PermitKeysFile {
  let seen = look(path);
  let keys = readKeys(path);
  let checkedAtMs = now();
  const known = [...keys.byEnvironment.keys()];

  function current(): Keys {
    if (now() - checkedAtMs < CHECK_MS) return keys;
    checkedAtMs = now();
    const found = look(path);
    if (found === seen) return keys;
    seen = found;
    try {
      keys = readKeys(path);
    } catch (error) {
      onRefused((error as Error).message);
    }
    return keys;
  }

  return {
    environments: () => known,
    key: (environment) => current().byEnvironment.get(environment),
    environmentOf(bearer) {
      const hash = digest('sha256', bearer, 'buffer');
      const found = current().byHash.get(hash.toString('hex'));
      return found !== undefined && timingSafeEqual(found.hash, hash) && known.includes(found.environment) ? found.environment : undefined;
    },
  };
}

interface Keys {
  readonly byEnvironment: ReadonlyMap<string, string>;
  /** By the SHA-256 of the key, in hex. */
  readonly byHash: ReadonlyMap<string, { readonly environment: string; readonly hash: Buffer }>;
}

/** What tells one content of the file from another, without reading it. */
function look(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

function readKeys(path: string): Keys {
  const byEnvironment = new Map<string, string>();
  const byHash = new Map<string, { readonly environment: string; readonly hash: Buffer }>();
  readText(path).split(/\r?\n/).forEach((line, at) => {
    const [environment, key] = readLine(line, `${path}:${at + 1}`) ?? [];
    if (environment === undefined || key === undefined) return;
    const hash = digest('sha256', key, 'buffer');
    if (byEnvironment.has(environment)) throw new Error(`${path}:${at + 1}: this environment has a key already: leave one line for it`);
    if (byHash.has(hash.toString('hex'))) throw new Error(`${path}:${at + 1}: another environment has this key: each environment of Permit has one of its own`);
    byEnvironment.set(environment, key);
    byHash.set(hash.toString('hex'), { environment, hash });
  });
  if (byEnvironment.size === 0) throw new Error(`${path}: no line environment=key: add one for each environment that is administered in Permit, or unset SLUICE_PERMIT_KEYS_FILE`);
  return { byEnvironment, byHash };
}

// Names are not quoted in what is said: somebody may have written the key where the name belongs.
function readLine(line: string, place: string): readonly [string, string] | undefined {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return undefined;
  const [environment, key] = [text.slice(0, Math.max(0, text.indexOf('='))).trim(), text.slice(text.indexOf('=') + 1).trim()];
  if (environment === '' || environment.length > MAX_NAME || environment.startsWith('permit_key_')) throw new Error(`${place}: must be environment=key, with the name of an environment of environments.yaml first`);
  if (key.length > MAX_KEY || !KEY.test(key)) throw new Error(`${place}: what stands after = is no key: it has letters, digits and . _ ~ + / - alone, without quotes`);
  return [environment, key];
}

function readText(path: string): string {
  const file = open(path);
  try {
    // Of what was opened, not of what has the name by now.
    const stats = fstatSync(file, { bigint: true });
    refuse(path, stats);
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    // A pipe must not keep the start waiting.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw new Error(`${path}: the file of Permit's keys can't be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}): make it, with lines environment=key, for the user that Sluice runs as`, { cause: error });
  }
}

function refuse(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) throw new Error(`${path}: is no file: name a file with lines environment=key`);
  refuseStrangers(path, stats, { why: 'Whoever has these keys can read and change what is administered in Permit', andThen: 'think about who has read it' });
  if (stats.size > MAX_BYTES) throw new Error(`${path}: has more than ${MAX_BYTES} bytes: one line environment=key for each environment is enough`);
}
