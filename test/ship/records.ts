import type { Shipped } from '../../src/ship/sinks/sink.ts';

/** Records as they leave; a hundred a day. */
export const shipped = (index: number, record: Readonly<Record<string, unknown>> = {}): Shipped => ({
  origin: 'sluice/00000000000000aa', index, time: `2026-11-${22 + Math.floor(index / 100) % 7}T12:00:00.${String(index % 1000).padStart(3, '0')}Z`, kind: 'decision',
  leaf: index.toString(16).padStart(64, '0'), record: { index, ...record }, withheld: ['about'], masked: ['identity'],
});
export const batch = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => shipped(from + i));
export const never = new AbortController().signal;
