/** A training run as one self-contained HTML file: no script, no address, nothing to load. */
import type { LadderStep } from './ablation-ladder.ts';
import type { SegmentLift } from './holdout-report.ts';
import { listMatrix } from './ranking-data.ts';
import type { LogTraining } from './log-training.ts';
import type { Interval, ModelArtifact } from './model-artifact.ts';
import type { ExaminationCurve } from './position-bias.ts';

export interface ReportInput {
  readonly model: ModelArtifact;
  readonly training: LogTraining;
  readonly ladder: readonly LadderStep[] | null;
  readonly examination: ExaminationCurve | null;
  /** Small pictures of pins as data addresses, for the worst queries; without it they are named by number. */
  readonly thumbnailOf?: (pinIndex: number) => string | null;
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.15rem .7rem .15rem 0;text-align:right;font-variant-numeric:tabular-nums}
td:first-child,th:first-child{text-align:left}.bar{display:inline-block;height:.7em;background:#2a7;vertical-align:baseline}.neg{background:#c44}
svg{max-width:100%;height:auto}img{height:64px;margin:2px;border-radius:4px}figcaption,.note{opacity:.7}`;

export function trainingReport(input: ReportInput): string {
  const { model, training, ladder, examination } = input;
  const parts = [
    `<h1>${text(model.name)}</h1>`,
    `<p class="note">${text(summary(model))}</p>`,
    section('NDCG@10 on the held-out lists', intervalTable(training.ndcg10)),
    section('Weights', weightTable(model)),
    ladder && section('Ladder', ladderTable(ladder)),
    section('Lift over the control set by category', liftTable(training.liftByCategory)),
    section('Lift by dominant object', liftTable(training.liftByObject)),
    section('NDCG@10 among the items of each source', intervalTable(training.ndcg10BySource)),
    section(
      'Learning curve: objective by iteration',
      curve(training.model.trace.map(({ objective }, at) => [at, objective])),
    ),
    training.choice &&
      section(
        'Choice of C (NDCG@10 by log10 C)',
        curve(training.choice.curve.map(({ c, ndcg10 }) => [Math.log10(c), ndcg10])),
      ),
    examination &&
      section(
        `Examination by position (${examination.method})`,
        curve(examination.curve.map((value, at) => [at + 1, value])),
      ),
    section('Feature distributions: training against the later lists', driftTable(input)),
    section('Worst held-out queries', worstQueries(input)),
  ];
  const body = parts.filter((part) => part !== null).join('\n');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(model.name)}</title><style>${STYLE}</style><body>${body}</body></html>\n`;
}

function summary({ createdAt, lineage, counts, training }: ModelArtifact): string {
  const { window, c, seed } = lineage;
  const span = window ? `${new Date(window.from).toISOString()} to ${new Date(window.to).toISOString()}` : 'no window';
  return `Trained ${createdAt} on ${counts.lists} lists, ${counts.rows} rows, ${counts.pairs} pairs (${span}); C ${c}, seed ${seed}, objective ${String(training.objective)} after ${String(training.iterations)} iterations.`;
}

function weightTable({ features }: ModelArtifact): string {
  const most = Math.max(...features.map(({ weight }) => Math.abs(weight)), 1e-12);
  const sorted = [...features].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const rows = sorted.map(({ name, weight, normalization }) => {
    const width = ((10 * Math.abs(weight)) / most).toFixed(2);
    const bar = `<span class="bar${weight < 0 ? ' neg' : ''}" style="width:${width}em"></span>`;
    return [text(name), weight.toFixed(5), weight > 0 ? 'raises' : weight < 0 ? 'lowers' : '', bar, normalization.kind];
  });
  return table(['feature', 'weight', 'direction', '', 'normalization'], rows);
}

function intervalTable(intervals: Readonly<Record<string, Interval>>): string {
  const rows = Object.entries(intervals).map(([name, { mean, low, high, queries }]) => [
    text(name),
    ...numbers(mean, low, high),
    String(queries),
  ]);
  return table(['', 'mean', 'low', 'high', 'lists'], rows);
}

function liftTable(lifts: readonly SegmentLift[]): string {
  const rows = lifts.map(({ segment, lift, low, high, queries }) => [
    text(segment),
    ...percents(lift, low, high),
    String(queries),
  ]);
  return table(['', 'lift', 'low', 'high', 'lists'], rows);
}

function ladderTable(steps: readonly LadderStep[]): string {
  const rows = steps.map(({ step, columns, ndcg10, lift }) => [
    text(step),
    String(columns),
    ...numbers(ndcg10.mean, ndcg10.low, ndcg10.high),
    ...percents(lift.mean, lift.low, lift.high),
  ]);
  const heads = ['step', 'columns', 'NDCG@10', 'low', 'high', 'lift over the step before', 'low', 'high'];
  const byCategory = liftTable(steps.at(-1)?.liftByCategory ?? []);
  return `${table(heads, rows)}<p class="note">Last step over the first, by category:</p>${byCategory}`;
}

/** How far the later lists have moved: difference of means in training deviations, the greatest first. */
function driftTable({ model, training: { holdout } }: ReportInput): string {
  const later = new Float64Array(holdout.names.length);
  for (let list = 0; list < holdout.lists.length; list++) {
    const { data, columns } = listMatrix(holdout, list);
    for (let at = 0; at < data.length; at++) later[at % columns] += data[at] / holdout.grades.length;
  }
  const rows = Object.entries(model.distributions).map(([name, { mean, deviation, nonZeroShare }]) => {
    const now = later[holdout.names.indexOf(name)] ?? 0;
    return { name, mean, now, nonZeroShare, drift: deviation > 0 ? (now - mean) / deviation : 0 };
  });
  rows.sort((a, b) => Math.abs(b.drift) - Math.abs(a.drift));
  const cells = rows.map(({ name, mean, now, drift, nonZeroShare }) => [
    text(name),
    ...numbers(mean, now, drift),
    ...percents(nonZeroShare),
  ]);
  return table(['feature', 'mean in training', 'mean later', 'drift in deviations', 'not zero'], cells);
}

const WORST = 12;

function worstQueries({ training: { holdout, perList }, thumbnailOf }: ReportInput): string {
  const lists = Array.from(perList.trained, (_, list) => list).filter((list) => !Number.isNaN(perList.trained[list]));
  lists.sort((a, b) => perList.trained[a] - perList.trained[b] || a - b);
  const picture = (pinIndex: number): string => {
    const address = pinIndex < 0 ? null : (thumbnailOf?.(pinIndex) ?? null);
    return address === null ? `pin ${pinIndex}` : `<img alt="pin ${pinIndex}" src="${text(address)}">`;
  };
  const rows = lists.slice(0, WORST).map((list) => {
    const wanted: string[] = [];
    for (let row = holdout.listStart[list]; row < holdout.listStart[list + 1]; row++)
      if (holdout.grades[row] > 0) wanted.push(picture(holdout.pinIndexes[row]));
    const { queryPinIndex, recommendationId } = holdout.lists[list];
    return [
      picture(queryPinIndex),
      wanted.join(' '),
      ...numbers(perList.trained[list], perList.control[list]),
      text(recommendationId),
    ];
  });
  return table(['query', 'what people wanted', 'NDCG@10', 'control', 'recommendation'], rows);
}

/** A line through points, with its range written at the axes. */
function curve(points: readonly (readonly [number, number])[]): string {
  if (points.length < 2) return '<p class="note">one point only</p>';
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const place = ([x, y]: readonly [number, number]): string =>
    `${(60 + (520 * (x - x0)) / (x1 - x0 || 1)).toFixed(1)},${(150 - (130 * (y - y0)) / (y1 - y0 || 1)).toFixed(1)}`;
  const label = (x: number, y: number, value: number): string =>
    `<text x="${x}" y="${y}" font-size="11" fill="currentColor">${short(value)}</text>`;
  return `<svg viewBox="0 0 600 175" width="600" role="img"><polyline fill="none" stroke="#2a7" stroke-width="2" points="${points.map(place).join(' ')}"/>${label(2, 24, y1)}${label(2, 152, y0)}${label(58, 170, x0)}${label(560, 170, x1)}</svg>`;
}

function section(title: string, content: string): string {
  return `<h2>${text(title)}</h2>${content}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>${line(heads, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`;
}

const numbers = (...values: readonly number[]): string[] => values.map((value) => value.toFixed(4));
const percents = (...values: readonly number[]): string[] => values.map((value) => `${(100 * value).toFixed(1)} %`);
const short = (value: number): string => String(Number(value.toPrecision(4)));

function text(given: string): string {
  const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return given.replace(/[&<>"]/g, (character) => escapes[character]);
}
