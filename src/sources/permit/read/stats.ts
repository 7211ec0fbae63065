import type { ListName } from './lists.ts';
import { invalid, Moved } from './errors.ts';

// What Permit counts as `policies` isn't documented: a count that means something else would keep an environment from being
// read for ever.
/** How Permit counts an environment: its names, ours. */
const COUNTED: Readonly<Record<string, ListName>> = { roles: 'roles', users: 'users', resources: 'resources', tenants: 'tenants' };

/**
 * A list that has lost rows shows in what Permit itself counts.
 *
 * @param answer of `environments.getStats`; what it doesn't count is not compared.
 * @throws {Moved} for another count than was listed; {PermitError} `invalid` for an answer without counts.
 */
export function compareStats(answer: unknown, listed: Readonly<Record<ListName, number>>): void {
  const { stats } = (answer ?? {}) as { readonly stats?: unknown };
  if (typeof stats !== 'object' || stats === null || Array.isArray(stats)) throw invalid('Permit answered the counts of the environment with no counts. Check the address of the API.');
  for (const [name, list] of Object.entries(COUNTED)) {
    const count = (stats as Readonly<Record<string, unknown>>)[name];
    if (count === undefined || count === null) continue;
    if (!Number.isSafeInteger(count)) throw invalid(`Permit's counts of the environment: \`${name}\` is no count.`);
    if (count !== listed[list]) throw new Moved(`Permit counts ${String(count)} ${name}, and lists ${listed[list]}`);
  }
}
