/** The library: open Sluice in a program of one's own, and ask it without HTTP between. */
export { createEmbedded, createPdp, type Embedded, type EmbeddedPdp, type PdpOptions } from './embedded.ts';
export { applyFix } from './sdk/apply-fix.ts';
export { openSluice, type Logger, type OpenOptions, type Sluice } from './open.ts';
export type { Observer, Pdp } from './pdp.ts';
export type { Answer, Decision, Effect, FieldVerdict, Reason, ReasonCode } from './core/answer.ts';
