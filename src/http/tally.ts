import type { Metric, Registry } from 'prom-client';

// prom-client validates and hashes the labels at every count, 0.5 µs each even on a child of `labels()`, four times a
// question. These keep plain numbers and meet prom-client only when scraped.

/** One series of a counter. */
export interface Count { n: number }

/** One series of a histogram. */
export interface Spread {
  /** In each bucket alone, not cumulated; the last is above every bound. */
  readonly counts: number[];
  sum: number;
}

/** A metric whose labels are all given, in order. Keep labels bounded: a series is never forgotten. */
export interface CounterTally { child(...labels: readonly string[]): Count }
export interface HistogramTally { observe(seconds: number, ...labels: readonly string[]): void }

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

export function createCounter(registry: Registry, { name, help, labels }: Described): CounterTally {
  const series = createSeries<Count>(() => ({ n: 0 }));
  register(registry, { name, help, type: 'counter', reset: series.clear, values: () => series.all().map(([key, { n }]) => ({ labels: named(labels, key), value: n })) });
  return { child: series.child };
}

/** @param bounds upper bounds in seconds, rising. */
export function createHistogram(registry: Registry, { name, help, labels }: Described, bounds: readonly number[]): HistogramTally {
  const series = createSeries<Spread>(() => ({ counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }));
  register(registry, { name, help, type: 'histogram', reset: series.clear, values: () => series.all().flatMap(([key, spread]) => valuesOf(name, bounds, named(labels, key), spread)) });
  return {
    observe(seconds, ...key) {
      const spread = series.child(...key);
      let at = 0;
      while (at < bounds.length && seconds > bounds[at]!) at += 1;
      spread.counts[at]! += 1;
      spread.sum += seconds;
    },
  };
}

function valuesOf(name: string, bounds: readonly number[], labels: Readonly<Record<string, string>>, { counts, sum }: Spread): readonly Value[] {
  let cumulated = 0;
  const buckets = counts.map((count, at) => {
    cumulated += count;
    return { labels: { ...labels, le: bounds[at] ?? '+Inf' }, value: cumulated, metricName: `${name}_bucket` };
  });
  return [...buckets, { labels, value: sum, metricName: `${name}_sum` }, { labels, value: cumulated, metricName: `${name}_count` }];
}

/** Values by a list of labels: maps in maps, since joining the labels to one key would cost more than looking them up. */
function createSeries<T>(create: () => T) {
  let root: Map<string, unknown> = new Map();
  let found: (readonly [readonly string[], T])[] = [];
  return {
    child(...labels: readonly string[]): T {
      let level = root;
      const last = labels.at(-1) ?? '';
      for (let at = 0; at < labels.length - 1; at += 1) {
        let next = level.get(labels[at]!);
        if (next === undefined) level.set(labels[at]!, next = new Map());
        level = next as Map<string, unknown>;
      }
      let value = level.get(last) as T | undefined;
      if (value === undefined) {
        level.set(last, value = create());
        found.push([labels, value]);
      }
      return value;
    },
    all: () => found,
    clear() {
      root = new Map();
      found = [];
    },
  };
}

const named = (labels: readonly string[], values: readonly string[]) => Object.fromEntries(labels.map((label, at) => [label, values[at]!]));

function register(registry: Registry, { values, ...metric }: {
  readonly name: string; readonly help: string; readonly type: string; readonly reset: () => void; readonly values: () => readonly Value[];
}): void {
  // What the registry asks of a metric; its types want prom-client's own classes.
  const collected = { ...metric, get: async () => ({ ...metric, aggregator: 'sum', values: values() }) };
  registry.registerMetric(collected as unknown as Metric);
}
