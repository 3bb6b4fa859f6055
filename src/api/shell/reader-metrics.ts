/** What reading threads have counted, those that are gone among them, added up. */
import { AggregatorRegistry } from 'prom-client';

/** A metric as another thread tells it: what prom-client aggregates. */
interface ToldMetric {
  readonly name: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly { readonly value: number }[];
}

export class ReaderMetrics {
  private readonly readers = new Map<number, object>();
  /** What readers that are gone had counted: a sum must not fall because one of them ended. */
  private ended: Promise<object | null> = Promise.resolve(null);
  /** Readers report every second and start again each time: the longest is kept until it is read. */
  private longestTakeUpSeconds = 0;

  /** Keeps what a reading thread has counted. */
  hear(reader: number, metrics: object): void {
    this.readers.set(reader, metrics);
    const takeUp = (metrics as readonly ToldMetric[]).find((metric) => metric.name === 'related_pins_take_up_seconds');
    this.longestTakeUpSeconds = Math.max(this.longestTakeUpSeconds, ...(takeUp?.values ?? []).map(({ value }) => value));
  }

  /** A reading thread is gone: what it had counted stays, what it was doing does not. */
  forget(reader: number): void {
    const last = this.readers.get(reader) as readonly ToldMetric[] | undefined;
    this.readers.delete(reader);
    if (!last) return;
    const counted = last.filter(({ type }) => type === 'counter' || type === 'histogram');
    this.ended = this.ended.then((before): Promise<object> | object =>
      before === null ? counted : AggregatorRegistry.aggregate([before, counted]).getMetricsAsJSON(),
    );
  }

  /** The text of `own` and of all reading threads; null when there are none, and never were. */
  async textWith(own: () => Promise<object>): Promise<string | null> {
    // Both at once: a reader that ends meanwhile is counted in one of them.
    const [readers, ending] = [[...this.readers.values()], this.ended];
    const ended = await ending;
    if (readers.length === 0 && ended === null) return null;
    return AggregatorRegistry.aggregate([await own(), ...readers, ...(ended === null ? [] : [ended])]).metrics();
  }

  takeLongestTakeUp(): number {
    const longest = this.longestTakeUpSeconds;
    this.longestTakeUpSeconds = 0;
    return longest;
  }
}
