import type { PdpDeps } from '../pdp.ts';

/** What Permit's SDKs ask for as a whole. */
export interface PermitLists {}

export function createPermitLists(_deps: PdpDeps): PermitLists { return {}; }
