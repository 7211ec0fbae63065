import { Unreadable } from '../../core/parse/json.ts';
import { SluiceError } from '../../core/errors.ts';
import { readDestination } from '../../core/parse/parse.ts';
import type { PermitQuestion, PermitResource, PermitUrlQuestion } from '../../service/drop-in/question.ts';
import { BadMember, type Place } from './errors.ts';

// As tolerant as clients of several languages need it: null is as good as nothing, members that nobody knows are passed
// over, and so is all that a client says of user and resource beside their names. What is looked at must be as it should.

const MAX_NAME = 256;
const MAX_LISTED = 1000;

const BODY: Place = ['body'];

type Members = Readonly<Record<string, unknown>>;

/** A question of `/allowed`, at this place of the body. @throws {BadMember} */
export function readQuestion(body: unknown, place: Place = ['body']): PermitQuestion {
  const members = readObject(body, place);
  return { user: readUser(members, place), ...readAsked(members, place) };
}

/** A question of `/allowed/all-tenants`, where user and resource may also be plain strings. @throws {BadMember} */
export function readLooseQuestion(body: unknown, place: Place): PermitQuestion {
  const members = readObject(body, place);
  const { user, resource } = { user: own(members, 'user'), resource: own(members, 'resource') };
  return readQuestion({
    ...members,
    ...(typeof user === 'string' && { user: { key: user } }),
    ...(typeof resource === 'string' && { resource: splitResource(resource, [...place, 'resource']) }),
  }, place);
}

/**
 * A question of `/allowed_url`. The method of HTTP is passed over: what is sent is in `context.action`, if it is said at
 * all. @throws {BadMember}
 */
export function readUrlQuestion(body: unknown): PermitUrlQuestion {
  const members = readObject(body, BODY);
  const { purpose, action, ...context } = readContext(members, BODY);
  const tenant = readOptional(members, 'tenant', BODY);
  return {
    user: readUser(members, BODY),
    ...(action !== undefined && action !== null && { action: readName({ action }, 'action', [...BODY, 'context']) }),
    destination: readUrl(members),
    ...(tenant !== undefined && { tenant }),
    ...readPurpose(purpose, BODY),
    context,
  };
}

function readUrl(members: Members): PermitUrlQuestion['destination'] {
  if (own(members, 'url') === undefined) throw new BadMember([...BODY, 'url'], 'is required');
  try {
    return readDestination(own(members, 'url'), '');
  } catch (error) {
    throw error instanceof SluiceError ? new BadMember([...BODY, 'url'], error.message.trimStart()) : error;
  }
}

/** A question without its user. @throws {BadMember} */
export function readAsked(members: Members, place: Place): Omit<PermitQuestion, 'user'> {
  const { purpose, ...context } = readContext(members, place);
  return {
    action: readName(members, 'action', place),
    resource: readResource(members, place),
    ...readPurpose(purpose, place),
    context,
  };
}

/** Of a context. @throws {BadMember} */
export const readPurpose = (purpose: unknown, place: Place): Pick<PermitQuestion, 'purpose'> => (
  purpose === undefined ? {} : { purpose: readName({ purpose }, 'purpose', [...place, 'context']) }
);

export function readUser(members: Members, place: Place): string {
  return readName(readObject(own(members, 'user'), [...place, 'user']), 'key', [...place, 'user']);
}

/** `undefined` for null too. @throws {BadMember} */
export function readContext(members: Members, place: Place): Members & { readonly purpose?: unknown; readonly action?: unknown } {
  const context = own(members, 'context');
  const { purpose, ...rest } = context === undefined ? {} : readObject(context, [...place, 'context']);
  return { ...rest, ...(purpose !== undefined && purpose !== null && { purpose }) };
}

/** A list of names, if there is one. @throws {BadMember} */
export function readNames(members: Members, name: string): ReadonlySet<string> | undefined {
  const list = own(members, name);
  if (list === undefined) return undefined;
  if (!Array.isArray(list) || list.length > MAX_LISTED) throw new BadMember(['body', name], `must be a list of at most ${MAX_LISTED} strings`);
  if (!list.every((one) => typeof one === 'string' && one.length <= 2 * MAX_NAME)) throw new BadMember(['body', name], `must hold strings of at most ${2 * MAX_NAME} characters`);
  return new Set(list as string[]);
}

export function readObject(value: unknown, place: Place): Members {
  if (value instanceof Unreadable) throw value.error;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadMember(place, value === undefined ? 'is required' : 'must be an object');
  return value as Members;
}

function readResource(members: Members, place: Place): PermitResource {
  const at = [...place, 'resource'];
  const resource = readObject(own(members, 'resource'), at);
  const type = readName(resource, 'type', at);
  const [key, tenant] = [readOptional(resource, 'key', at), readOptional(resource, 'tenant', at)];
  return { type, ...(key !== undefined && { key }), ...(tenant !== undefined && { tenant }) };
}

function splitResource(text: string, place: Place): Members {
  const [type, key, more] = text.split(':');
  if (more !== undefined) throw new BadMember(place, 'must be a type, or type:key');
  return { type, key };
}

/** An empty string is as good as nothing: so the SDKs see a tenant. */
function readOptional(members: Members, name: string, place: Place): string | undefined {
  return own(members, name) === undefined || own(members, name) === '' ? undefined : readName(members, name, place);
}

function readName(members: Members, name: string, place: Place): string {
  const value = own(members, name);
  if (value === undefined) throw new BadMember([...place, name], 'is required');
  if (typeof value !== 'string' || value === '') throw new BadMember([...place, name], 'must be a string that is not empty');
  if (value.length > MAX_NAME) throw new BadMember([...place, name], `must have at most ${MAX_NAME} characters`);
  return value;
}

const own = (members: Members, name: string): unknown => (Object.hasOwn(members, name) ? members[name] ?? undefined : undefined);
