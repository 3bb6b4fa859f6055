import { type Aggregator, Counter, Gauge, type Registry } from 'prom-client';

/** A value for each set of labels. */
type Values = Iterable<readonly [labels: Readonly<Record<string, string | number>>, value: number]>;

interface CollectedMetric {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** How the numbers of several processes become one; absent: their sum. */
  readonly aggregator?: Aggregator;
}

/** The name of a metric of this service. */
export const name = (text: string): string => `related_pins_${text}`;

/** A gauge or a counter whose values are looked up when Prometheus asks; what `read` leaves out is absent. */
export function collect(
  registry: Registry,
  kind: 'gauge' | 'counter',
  { name: metric, help, labelNames = [], aggregator }: CollectedMetric,
  read: () => Values | Promise<Values>,
): void {
  const options = { name: metric, help, labelNames: [...labelNames], registers: [registry], ...(aggregator ? { aggregator } : {}) };
  const put = async (): Promise<void> => {
    const values = await read();
    made.reset();
    // Without a value it would stand at 0.
    if (made instanceof Gauge && labelNames.length === 0) made.remove();
    for (const [labels, value] of values) made.inc({ ...labels }, value);
  };
  const made: Gauge | Counter = kind === 'gauge' ? new Gauge({ ...options, collect: put }) : new Counter({ ...options, collect: put });
}

/** One value without labels; null: absent. */
export const single = (value: number | null): Values => (value === null ? [] : [[{}, value]]);

/** A counter by the values of one label, which every request counts: plain numbers until Prometheus asks. */
export class Counts {
  private readonly counts = new Map<string, number>();

  add(value: string, more = 1): void {
    this.counts.set(value, (this.counts.get(value) ?? 0) + more);
  }

  register(registry: Registry, { name: metric, help, label }: Pick<CollectedMetric, 'name' | 'help'> & { readonly label: string }): void {
    collect(registry, 'counter', { name: metric, help, labelNames: [label] }, () =>
      Array.from(this.counts, ([value, count]) => [{ [label]: value }, count]),
    );
  }
}
