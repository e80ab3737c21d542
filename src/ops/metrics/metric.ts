import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import type { Histogram } from '../../telemetry/histogram.js';

type Labelled = Iterable<readonly [label: string | number, value: number]>;

/** Adds a gauge that is read when it is asked for. */
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

/** Adds a counter whose number is kept elsewhere. */
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

/** Adds a counter with one label, whose numbers are kept elsewhere. */
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

/** Adds a histogram kept elsewhere: prom-client's own takes observations only, so this hands it finished samples. */
export function histogram(
  registry: Registry,
  name: string,
  help: string,
  read: () => Iterable<readonly [labels: Readonly<Record<string, string>>, distribution: Histogram]>,
): void {
  const get = async (): Promise<object> => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: [...read()].flatMap(([labels, distribution]) => samples(name, labels, distribution)),
  });
  registry.registerMetric({ name, get, reset: () => undefined } as unknown as Metric);
}

function samples(name: string, labels: Readonly<Record<string, string>>, { bounds, counts, sum }: Histogram): object[] {
  let total = 0;
  const buckets = counts.map((count, at) => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[at] ?? '+Inf' }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
