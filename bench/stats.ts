export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length % 2 === 1 ? sorted[(sorted.length - 1) / 2]! : (sorted[sorted.length / 2 - 1]! + sorted[sorted.length / 2]!) / 2;
}

const format = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** Median, and in brackets the least and the greatest. */
export const withSpread = (values: readonly number[]): string => `${format(median(values))} (${format(Math.min(...values))}–${format(Math.max(...values))})`;

/** Round by round, since what disturbs the machine disturbs a whole round. */
export const ratios = (over: readonly number[], under: readonly number[]): readonly number[] => over.map((value, round) => value / under[round]!);
