import { Counter, Gauge, type Registry } from 'prom-client';

/** One sample: the values of the labels, in the order of their names, and the value. */
export type Sample = readonly [labels: readonly string[], value: number | null];

/**
 * A gauge that is read from the gateway when it is scraped. What is not reported any more (a device that was removed) is
 * gone from the next scrape; null values are left out.
 */
export function gauge(registry: Registry, name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample>): void {
  const metric = new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      metric.reset();
      if (labelNames.length > 0) for (const [labels, value] of read()) if (value !== null) metric.set(labelled(labelNames, labels), value);
      if (labelNames.length === 0) for (const [, value] of read()) metric.set(value ?? Number.NaN);
    },
  });
}

/** As `gauge`, for totals that only grow. They are kept by the parts themselves, so they are taken over, not counted here. */
export function counter(registry: Registry, name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample>): void {
  const metric = new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      metric.reset();
      for (const [labels, value] of read()) if (value !== null && value >= 0) metric.inc(labelled(labelNames, labels), value);
    },
  });
}

/** A sample without labels. */
export function plain(value: number | null): Sample[] {
  return [[[], value]];
}

function labelled(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}
