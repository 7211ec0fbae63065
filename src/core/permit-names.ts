import { IDENTITY_TYPES, type IdentityType } from './facts.ts';

// How names of ours are written in Permit, whose keys hold no dot and no colon.

const ACTION = 'send-';

/** `user.contact.email` → `send-user-contact-email` */
export const toAction = (category: string): string => ACTION + category.replaceAll('.', '-');

/** The category that an action sends; `undefined` for an action that sends nothing. Says nothing of whether it exists. */
export const toCategory = (action: string): string | undefined => (
  action.startsWith(ACTION) && action.length > ACTION.length ? action.slice(ACTION.length).replaceAll('-', '.') : undefined
);

/** `service:telemetry` → `service|telemetry` */
export const toUserKey = (identity: string): string => identity.replace(':', '|');

/** `service|telemetry` → `service:telemetry`; `undefined` when the part before the first `|` is no type of identity. */
export function toIdentity(userKey: string): string | undefined {
  const bar = userKey.indexOf('|');
  const isType = IDENTITY_TYPES.includes(userKey.slice(0, Math.max(0, bar)) as IdentityType);
  return isType && bar < userKey.length - 1 ? `${userKey.slice(0, bar)}:${userKey.slice(bar + 1)}` : undefined;
}
