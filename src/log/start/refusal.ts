const WAY_OUT =
  'Restore the log from a copy that has the newest checkpoint, since an older one would sign another history; or, ' +
  'if there is none, begin a new origin with "sluice log new-origin --because …", which keeps these files.';

/** Why nothing more may be signed, with the ways out. */
export const refusal = (message: string) => new Error(`${message}. ${WAY_OUT}`);
