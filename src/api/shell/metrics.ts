import { isMainThread } from 'node:worker_threads';
import { type Aggregator, collectDefaultMetrics, Counter, Registry } from 'prom-client';
import type { Context } from '../../service/context.ts';
import type { Admission, Lane } from './admission.ts';
import { collect, Counts, name, single } from './collected-metric.ts';
import { CountedHistogram } from './counted-histogram.ts';
import { ReaderMetrics } from './reader-metrics.ts';
import type { RequestLog } from './request-log.ts';
import { stateMetrics } from './state-metrics.ts';
import type { CandidateList } from '../../candidates/candidate.ts';
import type { Surface } from '../../catalog/log/served-list.ts';
import type { RankedList, StageTimings } from '../../lists/ranked-list.ts';
import type { Degradation } from '../../lists/serving-parts.ts';

const SECONDS = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2.5, 5, 10];

/** By the name that Prometheus has for a stage. */
const STAGES: readonly (readonly [name: string, timing: keyof StageTimings])[] = [
  ['candidates', 'candidatesMs'],
  ['rows', 'rowsMs'],
  ['scores', 'scoresMs'],
  ['order', 'orderMs'],
];

/** A list that was sent, as far as every kind of list is counted alike. */
interface CountedList {
  readonly surface: Surface;
  readonly degraded: readonly Degradation[];
}

/** What the main thread tells of the whole process must not be added once per thread. */
function forgetOfProcess(registry: Registry): void {
  for (const { name: metric } of registry.getMetricsAsArray()) if (metric.startsWith('process_')) registry.removeSingleMetric(metric);
}

/** What Prometheus reads. A registry per server, so that tests may run several. */
export class Metrics {
  readonly registry = new Registry();
  /** What reading threads of this one have counted. */
  readonly readers = new ReaderMetrics();
  /** By route and status. */
  readonly requests: CountedHistogram;
  /** By stage. */
  private readonly stages: CountedHistogram;
  /** By surface. */
  private readonly candidates: CountedHistogram;
  /** By source. */
  private readonly proposed = new Counts();
  /** By code. */
  private readonly degraded = new Counts();
  /** By surface. */
  readonly lists = new Counts();
  readonly lostLists: Counter;
  readonly events: Counter<'outcome'>;

  constructor(context: Context, admission: Admission, log: RequestLog) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    if (!isMainThread) forgetOfProcess(this.registry);
    this.requests = new CountedHistogram(this.registry, {
      name: name('request_seconds'),
      help: 'Time from the request to the end of its reply.',
      labelNames: ['route', 'status'],
      buckets: SECONDS,
    });
    this.stages = new CountedHistogram(this.registry, {
      name: name('stage_seconds'),
      help: 'Time per stage of a list: candidates, rows, scores, order.',
      labelNames: ['stage'],
      buckets: SECONDS,
    });
    this.candidates = new CountedHistogram(this.registry, {
      name: name('candidates'),
      help: 'Candidates ranked per list.',
      labelNames: ['surface'],
      buckets: [0, 1, 10, 50, 100, 200, 500, 1000],
    });
    const proposed = 'Candidates ranked, by the source that proposed them; one that several proposed counts for each.';
    this.proposed.register(this.registry, { name: name('candidates_total'), help: proposed, label: 'source' });
    this.degraded.register(this.registry, { name: name('degraded_total'), help: 'Replies that said degraded, by code.', label: 'code' });
    this.lists.register(this.registry, { name: name('lists_total'), help: 'Lists served.', label: 'surface' });
    this.lostLists = new Counter({ name: name('lists_not_logged_total'), help: 'Served lists that could not be logged.', registers });
    this.events = new Counter({
      name: name('events_total'),
      help: 'Events by what became of them: written, unchanged, keptApart, rejected.',
      labelNames: ['outcome'],
      registers,
    });
    stateMetrics(context, this.registry, () => this.readers.takeLongestTakeUp());
    this.countLanes(admission);
    this.countState(context, log);
  }

  private countState(context: Context, log: RequestLog): void {
    this.gauge(name('pins'), 'Pins of the catalogue.', () => context.pins.count, 'max');
    // The first to be added up is the thread that writes: it alone counts them as they come and go.
    this.gauge(name('events_kept_apart'), 'Events whose list is unknown.', () => context.log.events.strays, 'first');
    const dropped = 'Log lines dropped because nobody took them.';
    collect(this.registry, 'counter', { name: name('log_lines_dropped_total'), help: dropped }, () => single(log.dropped));
    const model = { name: name('model_info'), help: 'The serving model (value 1).', labelNames: ['model'], aggregator: 'max' } as const;
    collect(this.registry, 'gauge', model, () => [[{ model: context.models.current().name }, 1]]);
    const refused = '1 while a promoted model cannot be used and the one before serves.';
    this.gauge(name('model_refused'), refused, () => (context.models.problem === null ? 0 : 1), 'max');
    const dark = 'Lists for the model in the dark, by what became of them: read, leftOut (too many waited), failed.';
    collect(this.registry, 'counter', { name: name('dark_reads_total'), help: dark, labelNames: ['outcome'] }, () =>
      Object.entries(context.darkReading.counts).map(([outcome, count]) => [{ outcome }, count]),
    );
    const runs = 'Runs of jobs that the service started, by how they ended; of those the history keeps.';
    // All read the same history, the one that writes it as it is now.
    collect(this.registry, 'gauge', { name: name('job_runs'), help: runs, labelNames: ['job', 'state'], aggregator: 'first' }, () =>
      context.jobs.counts().map(({ job, state, count }) => [{ job, state }, count]),
    );
  }

  /** What Prometheus reads of this thread, for another one that answers for both. */
  told(): Promise<object> {
    return this.registry.getMetricsAsJSON();
  }

  /** The text of this thread and of all reading ones, also those that are gone, added up. */
  async text(): Promise<string> {
    return (await this.readers.textWith(() => this.told())) ?? this.registry.metrics();
  }

  private countLanes(admission: Admission): void {
    const lanes = Object.keys(admission.inFlight) as Lane[];
    const byLane = (kind: 'gauge' | 'counter', metric: string, help: string, read: (lane: Lane) => number): void =>
      collect(this.registry, kind, { name: metric, help, labelNames: ['lane'] }, () => lanes.map((lane) => [{ lane }, read(lane)]));
    byLane('gauge', name('in_flight'), 'Requests being answered, by lane: read, write, heavy.', (lane) => admission.inFlight[lane]);
    byLane('gauge', name('waiting'), 'Requests waiting for their turn, by lane.', (lane) => admission.waiting(lane));
    const refused = 'Requests refused because their lane was full or their turn came too late.';
    byLane('counter', name('refused_total'), refused, (lane) => admission.refused[lane]);
    const cut = 'Slow senders and unread replies that were cut off for the sake of others.';
    collect(this.registry, 'counter', { name: name('cut_total'), help: cut }, () => single(admission.cut));
    this.gauge(name('bodies_bytes'), 'Bytes of bodies being received or answered, by what they declare.', () => admission.bodyBytes);
  }

  /** `aggregator`: how the numbers of several processes become one. */
  private gauge(metric: string, help: string, read: () => number, aggregator: Aggregator = 'sum'): void {
    collect(this.registry, 'gauge', { name: metric, help, aggregator }, () => single(read()));
  }

  /** Counts a list that was sent. */
  served(list: RankedList): void {
    this.sent(list);
    this.candidates.observe(list.candidates.count, list.surface);
    this.countProposed(list.candidates);
    for (const [stage, timing] of STAGES) this.stages.observe(list.timings[timing] / 1000, stage);
  }

  private countProposed({ count, sourceNames, sourceScores }: CandidateList): void {
    const sources = sourceNames.length;
    for (let s = 0; s < sources; s++) {
      let proposed = 0;
      // NaN, which is not itself, stands where a source did not propose.
      for (let at = s, end = count * sources; at < end; at += sources) if (sourceScores[at] === sourceScores[at]) proposed++;
      this.proposed.add(sourceNames[s], proposed);
    }
  }

  /** The same for a list that no ranker made: a visual search. */
  sent({ surface, degraded }: CountedList): void {
    this.lists.add(surface);
    for (const { code } of degraded) this.degraded.add(code);
  }
}
