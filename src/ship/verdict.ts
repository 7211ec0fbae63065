import type { Answer, FieldVerdict } from '../core/answer.ts';
import type { Caller, Facts } from '../core/facts.ts';
import type { Pdp } from '../pdp.ts';
import { fieldsOf, KEYS, RECORD_EVENT, SHIPPING_CALLER, SHIPPING_IDENTITY } from './members.ts';
import type { Leave } from './project.ts';

/** What may leave of the records of one kind to one sink. */
export interface Verdict {
  readonly leaves: readonly (readonly [string, Leave])[];
  /** Number of the revision that it holds under. */
  readonly revision: number;
  readonly expiresAtMs: number | null;
  /** Why nothing may leave: such records wait. */
  readonly held?: string;
}

export interface Receiver {
  readonly vendor: string;
  readonly environment: string;
  readonly purpose?: string | undefined;
  /** Where it is sent, if that is an address. */
  readonly address?: { readonly host: string; readonly secure: boolean } | undefined;
}

export interface AskDeps {
  readonly check: Pdp['check'];
  /** Those of the files. */
  readonly facts: () => Facts;
}

const CALLER: Caller = {
  id: SHIPPING_CALLER, tokenSha256: '', demo: false, identities: [SHIPPING_IDENTITY], environments: ['*'], powers: ['check'], supports: ['drop', 'hmac'],
};

/** Asks what any other program would have to ask, and is recorded like it. @throws {SluiceError} as `check`. */
export function createAsk({ check, facts }: AskDeps): (receiver: Receiver, kind: string) => Promise<Verdict> {
  return async ({ vendor, environment, purpose, address }, kind) => {
    const { events, vendors } = facts();
    const declared = events.get(RECORD_EVENT)?.fields.map((field) => field.path) ?? KEYS;
    // A host that the catalogue knows must be the vendor's: else its name alone would open the way to another one.
    const isKnown = address !== undefined && [...vendors.values()].some(({ hosts }) => hosts.includes(address.host.toLowerCase().replace(/\.$/, '')));
    const { answer } = await check({
      identity: SHIPPING_IDENTITY, vendor, environment, channel: 'export', event: RECORD_EVENT, fields: fieldsOf(kind, declared), dataSubject: {}, context: {},
      ...(purpose !== undefined && { purpose }), ...(isKnown && { destination: address }),
    }, { caller: CALLER });
    const leaves = Object.entries(answer.fields).map(([path, verdict]) => [path, leaveOf(path, verdict, answer)] as const);
    const held = heldBecause(new Map(leaves), answer);
    return { leaves, revision: answer.revision.number, expiresAtMs: answer.expiresAt === null ? null : Date.parse(answer.expiresAt), ...(held !== undefined && { held }) };
  };
}

function leaveOf(path: string, { effect }: FieldVerdict, { obligations }: Answer): Leave {
  if (effect === 'allow') return 'whole';
  const duties = obligations.filter(({ field }) => field === path || field === '*').map(({ op }) => op);
  return effect === 'transform' && duties.length > 0 && duties.every((op) => op === 'hmac') ? 'hashed' : 'stays';
}

function heldBecause(leaves: ReadonlyMap<string, Leave>, { reasons }: Answer): string | undefined {
  const stay = KEYS.filter((key) => leaves.get(key) !== 'whole');
  if (stay.length === 0) return undefined;
  const why = reasons.filter(({ fields }) => fields.some((field) => stay.some((key) => key === field))).map(({ code, rule }) => `${code} (${rule})`);
  return `${stay.join(', ')} may not leave: ${why.join(', ') || 'not as they are'}`;
}
