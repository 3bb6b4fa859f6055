import type { Metric, Registry } from 'prom-client';

interface HistogramShape {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** By bucket, the one without a bound last. */
  readonly counts: number[];
  sum: number;
}

/**
 * A histogram that every request observes: the same as prom-client's, counted in plain numbers and put into its form when
 * Prometheus asks. That one makes the text of a bound to find its bucket, and puts labels in order each time.
 */
export class CountedHistogram {
  readonly name: string;
  private readonly shape: HistogramShape;
  private readonly series = new Map<string, Series>();

  constructor(registry: Registry, shape: HistogramShape) {
    this.name = shape.name;
    this.shape = shape;
    registry.registerMetric(this as unknown as Metric);
  }

  /** `labels`: a value for each of the names. */
  observe(value: number, ...labels: readonly string[]): void {
    const key = labels.length === 1 ? labels[0] : labels.join('\n');
    let series = this.series.get(key);
    if (!series) this.series.set(key, (series = this.newSeries(labels)));
    const { buckets } = this.shape;
    let bucket = 0;
    while (bucket < buckets.length && value > buckets[bucket]) bucket++;
    series.counts[bucket]++;
    series.sum += value;
  }

  private newSeries(labels: readonly string[]): Series {
    const { labelNames, buckets } = this.shape;
    const named = labelNames.map((label, at) => [label, labels[at]]);
    return { labels: Object.fromEntries(named) as Record<string, string>, counts: new Array<number>(buckets.length + 1).fill(0), sum: 0 };
  }

  /** What prom-client writes as text, and adds up over threads. */
  get(): object {
    const { name, help } = this.shape;
    const values = [...this.series.values()].flatMap((series) => this.valuesOf(series));
    return { name, help, type: 'histogram', values, aggregator: 'sum' };
  }

  private valuesOf({ labels, counts, sum }: Series): readonly object[] {
    const { name, buckets } = this.shape;
    let count = 0;
    const ofBuckets = counts.map((more, bucket) => {
      count += more;
      return { labels: { le: buckets[bucket] ?? '+Inf', ...labels }, value: count, metricName: `${name}_bucket` };
    });
    return [...ofBuckets, { labels, value: sum, metricName: `${name}_sum` }, { labels, value: count, metricName: `${name}_count` }];
  }
}
