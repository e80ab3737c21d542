import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import type { Histogram } from '../../telemetry/histogram.js';

type Labelled = Iterable<readonly [label: string | number, value: number]>;

/** Adds a zero for each known key, because `increase()` misses the first event of a counter that begins with it. */
export function withZeros<Key>(keys: readonly Key[], counts: ReadonlyMap<Key, number>): ReadonlyMap<Key, number> {
  return new Map([...keys.map((key) => [key, 0] as const), ...counts]);
}

/** Registers a gauge whose value is read when metrics are requested. */
export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    }),
  );
}

/** Registers a counter whose value is read when metrics are requested. */
export function counter(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      registers: [],
      collect() {
        this.reset();
        this.inc(read());
      },
    }),
  );
}

/** Registers a counter with one label whose values are read when metrics are requested. */
export function counterBy(registry: Registry, name: string, help: string, label: string, read: () => Labelled): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [],
      collect() {
        this.reset();
        for (const [key, value] of read()) this.inc({ [label]: String(key) }, value);
      },
    }),
  );
}

/**
 * Registers histograms that are read when metrics are requested. The class of prom-client accepts single values only.
 */
export function histogram(
  registry: Registry,
  name: string,
  help: string,
  read: () => Iterable<readonly [labels: Readonly<Record<string, string>>, histogram: Histogram]>,
): void {
  const get = async (): Promise<object> => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: [...read()].flatMap(([labels, each]) => samples(name, labels, each)),
  });
  registry.registerMetric({ name, get, reset: () => undefined } as unknown as Metric);
}

function samples(name: string, labels: Readonly<Record<string, string>>, { bounds, counts, sum }: Histogram): object[] {
  let total = 0;
  const buckets = counts.map((count, index) => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[index] ?? '+Inf' }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
