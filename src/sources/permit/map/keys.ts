import { IDENTITY_TYPES } from '../../../core/facts.ts';
import { toIdentity } from '../../../core/permit-names.ts';

// What Permit lets a key be (its API's own patterns). Anything else could mean something in an id of ours, as `#` does.
const KEY = /^[A-Za-z0-9_-]+$/;
const USER_KEY = /^[A-Za-z0-9|@+\-._]+$/;

export const isKey = (text: string): boolean => KEY.test(text);

/** `type:key` of an instance; undefined when it isn't one. */
export function instanceOf(id: string): { readonly type: string; readonly key: string } | undefined {
  const [type = '', key = '', rest] = id.split(':');
  return rest === undefined && isKey(type) && isKey(key) ? { type, key } : undefined;
}

/** The identity of a user, or why it is none. */
export function identityOf(userKey: string): { readonly id: string } | { readonly reason: string } {
  if (!USER_KEY.test(userKey)) return { reason: 'its key has characters that Permit does not allow' };
  const id = toIdentity(userKey);
  return id === undefined ? { reason: `its key names no identity: it is type|id, the type one of ${IDENTITY_TYPES.join(', ')}` } : { id };
}

/** `type:action` of a permission; a resource role may leave out its own type. */
export function permissionOf(permission: string, ownType?: string): { readonly type: string; readonly action: string } | undefined {
  const [type = '', action = '', rest] = permission.includes(':') || ownType === undefined ? permission.split(':') : [ownType, permission];
  return rest === undefined && isKey(type) && isKey(action) ? { type, action } : undefined;
}
