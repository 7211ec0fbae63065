import type { Request } from 'express';
import { SluiceError } from '../../core/errors.ts';
import type { Caller } from '../../core/facts.ts';

/** Whose key a bearer token is. */
export interface PermitCredentials {
  /** The Sluice environment that this key of Permit's opens; `undefined`: none. */
  environmentOf(bearer: string): string | undefined;
}

/** Who asks with a key of Permit's: any identity, that environment alone, and nothing but questions. */
export interface PermitCaller {
  readonly caller: Caller;
  readonly environment: string;
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

export interface Credentials {
  /** @throws {SluiceError} `unauthenticated` without the header or with several, `forbidden` for a token that is no key. */
  ofHeader(req: Request): PermitCaller;
  /** @param authorization as it would stand in the header. @throws {SluiceError} `forbidden` */
  ofText(authorization: string): PermitCaller;
}

export function createCredentials(keys: PermitCredentials): Credentials {
  const known = new Map<string, PermitCaller>();

  function callerOf(environment: string): PermitCaller {
    const before = known.get(environment);
    if (before !== undefined) return before;
    // The id is what records say of who asked.
    const caller: Caller = { id: `permit:${environment}`, tokenSha256: '', demo: false, identities: ['*'], environments: [environment], powers: ['check'], supports: [] };
    known.set(environment, { caller, environment });
    return { caller, environment };
  }

  function ofText(authorization: string): PermitCaller {
    const token = BEARER.exec(authorization)?.[1];
    const environment = token === undefined ? undefined : keys.environmentOf(token);
    if (environment === undefined) throw new SluiceError('forbidden', 'the bearer token is no key of an environment that is served here');
    return callerOf(environment);
  }

  return {
    ofText,
    ofHeader(req) {
      const given = headersOf(req);
      if (given.length === 0) throw new SluiceError('unauthenticated', 'the Authorization header is missing: it takes the API key of a Permit environment as a bearer token');
      // Node gives the first; a proxy may have looked at the last.
      if (given.length > 1) throw new SluiceError('unauthenticated', 'exactly one Authorization header is required');
      return ofText(given[0]!);
    },
  };
}

/** All of them: Node's own `headers` holds the first alone. */
export const headersOf = ({ headersDistinct }: Request): readonly string[] => headersDistinct['authorization'] ?? [];
