import { PermitError, type PermitData, type PermitScope, type ScanOptions, type ScanPermit } from '../data.ts';
import { assemble } from './assemble.ts';
import { createAsker, type Asker } from './ask.ts';
import { createDigests } from './digest.ts';
import { Moved } from './errors.ts';
import { connect } from './http.ts';
import { LIMITS, type Limits } from './limits.ts';
import { readPass } from './pass.ts';
import { createPool } from './pool.ts';
import { readScope } from './scope.ts';

/** A scan within other limits than {@link LIMITS}. */
export function createScan(changed: Partial<Limits> = {}): ScanPermit {
  const limits = { ...LIMITS, ...changed };
  return async (given) => {
    const options = { ...given, apiUrl: checkUrl(given.apiUrl) };
    checkKey(options.key);
    const startedAt = performance.now();
    const asker = createAsker(options, limits);
    const scope = await openScope(options, asker, limits);
    const data = await readVerified(options, scope, asker, limits);
    return { data, requests: asker.requests, workedMs: Math.max(0, performance.now() - startedAt - asker.waitedMs) };
  };
}

/**
 * Reads all of the environment that the key opens, until two readings in a row, each over connections of its own, are
 * equal. Rejects with the signal's reason once that is aborted, and leaves nothing under way.
 *
 * @throws {PermitError}
 */
export const scanPermit: ScanPermit = createScan();

function checkUrl(apiUrl: string): string {
  const url = URL.parse(apiUrl);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new PermitError('key', 'The address of Permit\'s API isn\'t one: it is to be like https://api.permit.io, without user name, query or fragment.');
  }
  return apiUrl.replace(/\/+$/, '');
}

// It is sent in a header, which refuses what else there may be.
function checkKey(key: string): void {
  if (!/^[\x21-\x7e]{1,4096}$/.test(key)) throw new PermitError('key', 'The Permit API key holds what no key does, such as a space or a line break, or nothing. Check the environment\'s line in the file of Permit keys.');
}

async function openScope({ apiUrl, key, signal, onProgress }: ScanOptions, asker: Asker, limits: Limits): Promise<PermitScope> {
  onProgress?.({ phase: 'scope', rows: 0, requests: asker.requests });
  const connection = await connect({ signal, limits, received: () => {} });
  try {
    return await readScope({ apiUrl, key, signal, client: connection.client, asker });
  } finally {
    connection.close();
  }
}

/** The fence: no row of an accepted reading was seen by one of two readings only. */
async function readVerified(options: ScanOptions, scope: PermitScope, asker: Asker, limits: Limits): Promise<PermitData> {
  const newDigest = createDigests();
  let [before, last]: [string | undefined, string] = [undefined, ''];
  for (let pass = 1; pass <= limits.passes; pass += 1) {
    let moved: string | undefined;
    try {
      const { digest, rows } = await readOnce(options, { scope, asker, limits, newDigest, pass, keep: before !== undefined });
      if (digest === before) return assemble(scope, rows);
      moved = before === undefined ? undefined : 'two readings in a row differ';
      before = digest;
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      [before, moved] = [undefined, error.message];
    }
    if (moved === undefined) continue;
    last = moved;
    if (pass < limits.passes) await limits.pause(limits.settleMs * (1 + limits.random()), options.signal);
  }
  throw new PermitError('unstable', `Permit's lists kept changing while they were read, ${limits.passes} times (last: ${last}). They are read again at the next poll.`);
}

interface Reading {
  readonly scope: PermitScope;
  readonly asker: Asker;
  readonly limits: Limits;
  readonly newDigest: ReturnType<typeof createDigests>;
  readonly pass: number;
  readonly keep: boolean;
}

function readOnce({ apiUrl, key, signal, onProgress }: ScanOptions, { pass, asker, ...reading }: Reading) {
  return readPass({
    ...reading, apiUrl, key, signal, asker, pool: createPool(),
    onRows: (list, rows) => onProgress?.({ phase: `${list}, reading ${pass}`, rows, requests: asker.requests }),
  });
}
