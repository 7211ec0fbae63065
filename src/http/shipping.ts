import { Gauge, type Registry } from 'prom-client';

/** How the log reaches one sink. */
interface Shipped {
  readonly sink: string;
  readonly lagRecords: number;
  readonly waitingSinceMs: number | null;
  readonly shipped: number;
  readonly failures: number;
  readonly held?: string;
}

/** @param now wall time in milliseconds since the Unix epoch. */
export function observeShipping(registry: Registry, status: () => readonly Shipped[], now: () => number): void {
  const each = (name: string, help: string, read: (sink: Shipped) => number) => {
    const gauge: Gauge = new Gauge({
      name, help, labelNames: ['sink'], registers: [registry],
      collect() {
        for (const sink of status()) gauge.set({ sink: sink.sink }, read(sink));
      },
    });
  };
  each('sluice_ship_lag_records', 'Durable records that the sink has not confirmed', ({ lagRecords }) => lagRecords);
  each('sluice_ship_lag_seconds', 'How long the oldest record has waited that is due to the sink', ({ waitingSinceMs }) => (waitingSinceMs === null ? 0 : Math.max(0, now() - waitingSinceMs) / 1000));
  each('sluice_ship_records', 'Records that the sink has confirmed since the start', ({ shipped }) => shipped);
  each('sluice_ship_failures', 'Attempts that failed since the last that did not', ({ failures }) => failures);
  each('sluice_ship_held', '1 while the policy does not let the next record leave for the sink', ({ held }) => Number(held !== undefined));
}
