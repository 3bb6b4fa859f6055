import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Context } from '../context.ts';
import type { Admission, Lane } from './admission.ts';
import type { RequestLog } from './request-log.ts';
import { stateMetrics } from './state-metrics.ts';
import type { RankedList, StageTimings } from '../serving/ranked-list.ts';

const SECONDS = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2.5, 5, 10];

/** What Prometheus reads. A registry per server, so that tests may run several. */
export class Metrics {
  readonly registry = new Registry();
  private readonly readers = new Map<number, object>();
  readonly requests: Histogram<'route' | 'status'>;
  readonly stages: Histogram<'stage'>;
  readonly candidates: Histogram<'surface'>;
  readonly degraded: Counter<'code'>;
  readonly lists: Counter<'surface'>;
  readonly lostLists: Counter;
  readonly events: Counter<'outcome'>;

  constructor(context: Context, admission: Admission, log: RequestLog) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    const name = (text: string): string => `related_pins_${text}`;
    this.requests = new Histogram({
      name: name('request_seconds'),
      help: 'Time from the request to the end of its reply.',
      labelNames: ['route', 'status'],
      buckets: SECONDS,
      registers,
    });
    this.stages = new Histogram({
      name: name('stage_seconds'),
      help: 'Time per stage of a list: candidates, rows, scores, order.',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    });
    this.candidates = new Histogram({
      name: name('candidates'),
      help: 'Candidates ranked per list.',
      labelNames: ['surface'],
      buckets: [0, 1, 10, 50, 100, 200, 500, 1000],
      registers,
    });
    this.degraded = new Counter({
      name: name('degraded_total'),
      help: 'Replies that said degraded, by code.',
      labelNames: ['code'],
      registers,
    });
    this.lists = new Counter({ name: name('lists_total'), help: 'Lists served.', labelNames: ['surface'], registers });
    this.lostLists = new Counter({ name: name('lists_not_logged_total'), help: 'Served lists that could not be logged.', registers });
    this.events = new Counter({
      name: name('events_total'),
      help: 'Events by what became of them: written, unchanged, keptApart, rejected.',
      labelNames: ['outcome'],
      registers,
    });
    this.gauge(name('pins'), 'Pins of the catalogue.', () => context.pins.count);
    this.gauge(name('events_kept_apart'), 'Events whose list is unknown.', () => context.log.events.strays);
    const droppedLines: Counter = new Counter({
      name: name('log_lines_dropped_total'),
      help: 'Log lines dropped because nobody took them.',
      registers,
      collect: () => {
        droppedLines.reset();
        droppedLines.inc(log.dropped);
      },
    });
    stateMetrics(context, this.registry);
    this.countLanes(admission, name);
    const model = new Gauge({
      name: name('model_info'),
      help: 'The serving model (value 1).',
      labelNames: ['model'],
      registers,
      collect: () => {
        model.reset();
        model.set({ model: context.models.current().name }, 1);
      },
    });
    this.gauge(name('model_refused'), '1 while a promoted model cannot be used and the one before serves.', () =>
      context.models.problem === null ? 0 : 1,
    );
    const dark: Counter<'outcome'> = new Counter({
      name: name('dark_reads_total'),
      help: 'Lists for the model in the dark, by what became of them: read, leftOut (too many waited), failed.',
      labelNames: ['outcome'],
      registers,
      collect: () => {
        dark.reset();
        for (const [outcome, count] of Object.entries(context.darkReading.counts)) dark.inc({ outcome }, count);
      },
    });
    const jobs: Gauge<'job' | 'state'> = new Gauge({
      name: name('job_runs'),
      help: 'Runs of jobs that the service started, by how they ended; of those the history keeps.',
      labelNames: ['job', 'state'],
      registers,
      collect: () => {
        jobs.reset();
        for (const { job, state, count } of context.jobs.counts()) jobs.set({ job, state }, count);
      },
    });
  }

  /** What Prometheus reads of this process, for another one that answers for both. */
  told(): Promise<object> {
    return this.registry.getMetricsAsJSON();
  }

  /** Keeps what a reading process has counted. */
  hear(reader: number, metrics: object): void {
    this.readers.set(reader, metrics);
  }

  forget(reader: number): void {
    this.readers.delete(reader);
  }

  /** The text of this process and of all reading ones, added up. */
  async text(): Promise<string> {
    if (this.readers.size === 0) return this.registry.metrics();
    return AggregatorRegistry.aggregate([await this.told(), ...this.readers.values()]).metrics();
  }

  private countLanes(admission: Admission, name: (text: string) => string): void {
    const registers = [this.registry];
    const lanes = Object.keys(admission.inFlight) as Lane[];
    const inFlight: Gauge<'lane'> = new Gauge({
      name: name('in_flight'),
      help: 'Requests being answered, by lane: read, write, heavy.',
      labelNames: ['lane'],
      registers,
      collect: () => {
        for (const lane of lanes) inFlight.set({ lane }, admission.inFlight[lane]);
      },
    });
    const waiting: Gauge<'lane'> = new Gauge({
      name: name('waiting'),
      help: 'Requests waiting for their turn, by lane.',
      labelNames: ['lane'],
      registers,
      collect: () => {
        for (const lane of lanes) waiting.set({ lane }, admission.waiting(lane));
      },
    });
    const refused: Counter<'lane'> = new Counter({
      name: name('refused_total'),
      help: 'Requests refused because their lane was full or their turn came too late.',
      labelNames: ['lane'],
      registers,
      collect: () => {
        refused.reset();
        for (const lane of lanes) refused.inc({ lane }, admission.refused[lane]);
      },
    });
    this.gauge(name('bodies_bytes'), 'Bytes of bodies being received, by what they declare.', () => admission.bodyBytes);
  }

  private gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) });
  }

  /** Counts a list that was sent. */
  served(list: RankedList): void {
    this.lists.inc({ surface: list.surface });
    this.candidates.observe({ surface: list.surface }, list.candidates.count);
    for (const stage of Object.keys(list.timings) as (keyof StageTimings)[]) {
      this.stages.observe({ stage: stage.slice(0, -2) }, list.timings[stage] / 1000);
    }
    for (const { code } of list.degraded) this.degraded.inc({ code });
  }
}
