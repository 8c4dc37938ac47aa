import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Bounds, Buckets } from "./buckets.ts";
import type { Family, Labelled } from "./family.ts";

/** A metric's name, and its description in `/metrics`. */
export interface Named {
  readonly name: string;
  readonly help: string;
}

/** A value and its labels. */
export type MetricSample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Registers a counter that is read when it is asked for; `read` gives totals. */
export function counter(
  registry: Registry,
  { name, help }: Named,
  labelNames: readonly string[],
  read: () => Iterable<MetricSample>,
): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, total] of read()) this.inc(labels, total);
    },
  });
}

/** Registers a gauge that is read when it is asked for; it has no sample for what is not known. */
export function gauge(
  registry: Registry,
  { name, help }: Named,
  labelNames: readonly string[],
  read: () => Iterable<MetricSample>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      if (labelNames.length === 0) this.remove(); // reset alone leaves a zero
      for (const [labels, value] of read()) this.set(labels, value);
    },
  });
}

/** Registers a gauge of one value; undefined: it is not known. */
export function value(registry: Registry, named: Named, read: () => number | undefined): void {
  gauge(registry, named, [], function* () {
    const known = read();
    if (known !== undefined) yield [{}, known];
  });
}

/** Registers a histogram over counts that are kept elsewhere. */
export function histogram(registry: Registry, named: Named, bounds: Bounds, family: Family<Buckets>): void {
  registry.registerMetric(new CountedHistogram(named, bounds, family));
}

/** To the registry a metric is what its `get` gives; a Histogram of prom-client would give its own counts instead. */
class CountedHistogram extends Gauge {
  readonly #empty: Histogram;

  constructor(named: Named, bounds: Bounds, private readonly family: Family<Buckets>) {
    const { labelNames } = family;
    super({ ...named, labelNames, registers: [] });
    this.#empty = new Histogram({ ...named, labelNames, buckets: [...bounds], registers: [] });
  }

  override async get(): ReturnType<Histogram["get"]> {
    const empty = await this.#empty.get();
    return { ...empty, values: [...this.family].flatMap((labelled) => [...samples(empty.name, labelled)]) };
  }
}

function* samples(name: string, { labels, cell }: Labelled<Buckets>) {
  let below = 0;
  for (const [at, bound] of cell.bounds.entries()) {
    below += cell.counts[at]!;
    yield { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: below };
  }
  yield { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: cell.count };
  yield { metricName: `${name}_sum`, labels, value: cell.sum };
  yield { metricName: `${name}_count`, labels, value: cell.count };
}
