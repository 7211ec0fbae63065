import type { Effect } from '../core/answer.ts';

const CODES = { green: 32, cyan: 36, yellow: 33, red: 31, dim: 2, bold: 1 } as const;

export type Paint = (style: keyof typeof CODES, text: string) => string;

/** Colours, or nothing at all. */
export const createPaint = (colour: boolean): Paint => (style, text) => (colour ? `\u001B[${CODES[style]}m${text}\u001B[0m` : text);

export const EFFECT_STYLE = { allow: 'green', transform: 'cyan', review: 'yellow', deny: 'red' } as const satisfies Record<Effect, string>;

/** Control characters of a name that came from outside, made visible: a terminal must not obey them. */
export const printable = (text: string) => text.replace(/[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
