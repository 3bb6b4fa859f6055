/** A training run as one self-contained HTML file: no script, no address, nothing to load. */
import { counted } from '../../counted.ts';
import type { Interval } from '../../math/bootstrap.ts';
import type { LadderStep } from './ablation-ladder.ts';
import { featureDrift } from './feature-drift.ts';
import type { SegmentLift } from './holdout-report.ts';
import { listScorer } from '../training/linear-trainer.ts';
import type { HeldTraining, LogTraining } from '../training/log-training.ts';
import type { Judgement } from '../judging/judgement.ts';
import type { ModelArtifact } from '../registry/model-artifact.ts';
import type { ExaminationCurve } from '../training/position-bias.ts';
import { balance, histograms, lineChart, type Whisker, whisker, whiskerScale } from './report-charts.ts';

/** How positions are looked at, and what became of the weights made from it. */
interface ReportedExamination {
  readonly curve: ExaminationCurve;
  readonly clip: number;
  readonly clipped: number;
}

/** Null parts have no section. */
interface ReportInput {
  readonly model: ModelArtifact;
  readonly training: HeldTraining;
  readonly judgement: Judgement;
  readonly ladder: readonly LadderStep[] | null;
  readonly examination: ReportedExamination | null;
  /** Small pictures of pins as data addresses, for the worst queries; without it they are named by number. */
  readonly thumbnailOf?: (pinIndex: number) => string | null;
  /** A pin's name for people. */
  readonly nameOf?: (pinIndex: number) => string;
}

const STYLE = `:root{color-scheme:light dark;--up:#23754d;--down:#b3402e;--soft:#7a736b;--line:#8884}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem}h1{margin-bottom:.2rem}h2{margin:2.2rem 0 .4rem}
table{border-collapse:collapse;margin:.5rem 0 1rem}td,th{padding:.2rem .9rem .2rem 0;text-align:right;font-variant-numeric:tabular-nums;border-bottom:1px solid var(--line);vertical-align:middle}
th{font-weight:500;color:var(--soft);font-size:.85rem}td:first-child,th:first-child{text-align:left}.note{color:var(--soft);max-width:48rem}
.verdict{padding:.6rem 1rem;border-left:4px solid var(--up);background:#23754d18}.verdict.no{border-color:var(--down);background:#b3402e18}
svg{vertical-align:middle;max-width:100%}svg text{font-size:11px;fill:currentColor;opacity:.75}.rule{stroke:currentColor;opacity:.25}
line.up,line.down,line.even{stroke-width:3;stroke-linecap:round}.up{stroke:var(--up);fill:var(--up)}.down{stroke:var(--down);fill:var(--down)}.even{stroke:var(--soft);fill:var(--soft)}rect.up,rect.down{stroke:none}
.line{fill:none;stroke:var(--up);stroke-width:2}.other{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4}.band{fill:var(--up);opacity:.15}.marked{stroke:currentColor;stroke-width:2}
.before{fill:var(--soft);opacity:.45}.after{fill:none;stroke:var(--up);stroke-width:1.5}
details{margin:.5rem 0}summary{cursor:pointer;color:var(--soft)}.worst{display:grid;grid-template-columns:96px 1fr;gap:.3rem 1rem;padding:.7rem 0;border-bottom:1px solid var(--line)}.worst img{height:72px;max-width:110px;object-fit:cover;margin:2px;border-radius:4px;vertical-align:middle}.worst figure{margin:0}.wanted img{outline:3px solid var(--up)}.pin{display:inline-block;padding:.1rem .4rem;margin:2px;border:1px solid var(--line);border-radius:4px;font-size:.85rem}.wanted .pin,.pin.wanted,img.wanted{outline:2px solid var(--up)}`;

/** The page as HTML text; nothing is written. */
export function trainingReport(input: ReportInput): string {
  const { model, training, judgement, ladder, examination } = input;
  const parts = [
    `<h1>${text(model.name)}</h1><p class="note">${text(summary(model))}</p>${verdict(input)}`,
    section(
      'NDCG@10 on the later lists',
      intervalTable(training.ndcg10, training.ndcg10.asServed?.mean ?? 0),
      'The rule marks the order as served. Who stood higher was looked at more, so the log favours the order it was served in.',
    ),
    section(
      `Beside ${judgement.against}, which serves`,
      evidenceTable(judgement),
      'The most believed evidence that can tell decides about promotion.',
    ),
    ladder &&
      section('Ladder', ladderTable(ladder), 'Each step learns from the same lists with the same C; lifts are paired, list by list.'),
    section('Lift over the control set by category', liftTable(training.liftByCategory)),
    section('Lift by dominant object', liftTable(training.liftByObject)),
    section('NDCG@10 among the items of each source', intervalTable(training.ndcg10BySource, 0)),
    section(
      'Weights',
      weightTable(model),
      'Weight of the normalized value. What a feature does on the usual list is its weight times one deviation of its values.',
    ),
    section(
      'Convergence',
      convergence(training),
      'Objective by Newton iteration, as the base-10 logarithm of what is left above the last one.',
    ),
    training.choice &&
      training.choice.curve.length > 1 &&
      section(
        'Choice of C',
        cCurve(training),
        'NDCG@10 on the blocks that follow, mean over the folds; the band runs from the worst fold to the best.',
      ),
    examination && section('Examination by position', examinationChart(examination), examinationNote(examination)),
    section(
      'Drift',
      driftTable(training),
      'Rows of the training lists (filled) against those of the later lists (outlined): the share of zeros, then tenths of what was not zero. A stability index under 0.1 is steady, over 0.25 has moved.',
    ),
    section(
      'Worst queries of the later lists',
      worstQueries(input),
      'The first items as this model orders them, and what people acted on (outlined in green).',
    ),
  ];
  const body = parts.filter((part) => part !== null && part !== false && part !== '').join('\n');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(model.name)}</title><style>${STYLE}</style><body>${body}</body></html>\n`;
}

function summary({ createdAt, lineage, counts, training }: ModelArtifact): string {
  const { window, c, seed, previous } = lineage;
  const span = window ? `${minute(window.from)} to ${minute(window.to)} UTC` : 'no window';
  const grew = previous ? `; ${previous} served` : '';
  return `Trained ${createdAt.slice(0, 16).replace('T', ' ')} on ${counted(counts.lists, 'list')}, ${counted(counts.rows, 'row')}, ${counted(counts.pairs, 'pair')} (${span}${grew}). C ${c}, seed ${seed}; objective ${Number(training.objective).toPrecision(8)} after ${counted(Number(training.iterations), 'iteration')}.`;
}

const minute = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');

/** The first thing to know: how much better, and whether it may be promoted. */
function verdict({ training: { ndcg10 }, judgement: { word, reason } }: ReportInput): string {
  const { trained, control } = ndcg10;
  if (!trained) return '';
  const over = control ? `, ${percent(trained.mean / control.mean - 1)} over the control set` : '';
  const may =
    word === 'better' || word === 'as good' ? 'Promotion takes it' : word === 'worse' ? 'Promotion refuses it' : 'Promotion waits';
  const no = word === 'worse' || word === 'cannot tell' ? ' no' : '';
  return `<p class="verdict${no}">${text(`${may}, ${word}: ${reason}.`)} NDCG@10 <b>${trained.mean.toFixed(4)}</b> on ${trained.queries} later lists${over}.</p>`;
}

function weightTable({ features, distributions }: ModelArtifact): string {
  const effect = ({ name, weight, normalization }: ModelArtifact['features'][number]): number =>
    normalization.kind === 'standard' ? weight : weight * (distributions[name]?.deviation ?? 1);
  const sorted = [...features].sort((a, b) => Math.abs(effect(b)) - Math.abs(effect(a)));
  const most = Math.max(...features.map(({ weight }) => Math.abs(weight)), 1e-12);
  const rows = sorted
    .filter(({ weight }) => weight !== 0)
    .map((feature) => {
      const { name, weight, normalization } = feature;
      const direction = weight > 0 ? 'raises' : weight < 0 ? 'lowers' : '';
      return [text(name), weight.toFixed(5), direction, balance(weight, most), effect(feature).toFixed(5), normalization.kind];
    });
  const unused = sorted.filter(({ weight }) => weight === 0).map(({ name }) => name);
  const names =
    unused.length === 0 ? '' : folded(`${unused.length} features have no weight`, `<p class="note">${text(unused.join(', '))}</p>`);
  return foldedTable(['feature', 'weight', 'direction', '', 'per deviation', 'normalization'], rows, 'features of less weight') + names;
}

function intervalTable(intervals: Readonly<Record<string, Interval>>, mark: number): string {
  const scale = whiskerScale(Object.values(intervals), mark);
  const rows = Object.entries(intervals)
    .sort(([, a], [, b]) => b.mean - a.mean)
    .map(([name, row]) => [text(wordsOf(name)), ...numbers(row.mean, row.low, row.high), whisker(row, mark, scale), String(row.queries)]);
  return table(['', 'mean', 'low', 'high', '95 %', 'lists'], rows);
}

const wordsOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function evidenceTable({ evidence }: Judgement): string {
  const percentOf = (value: number | null): string => (value === null ? '' : percent(value));
  const rows = evidence.map(({ kind, word, lift, low, high, count }) => [
    text(kind),
    text(word),
    ...[lift, low, high].map(percentOf),
    String(count),
  ]);
  return table(['evidence', 'says', 'lift', 'low', 'high', 'lists, users or closeups'], rows);
}

function liftTable(lifts: readonly SegmentLift[]): string {
  const whiskers = lifts.map(({ lift, low, high }): Whisker => ({ mean: lift, low, high }));
  const scale = whiskerScale(whiskers, 0);
  const rows = lifts.map(({ segment, lift, low, high, queries }, at) => [
    text(segment),
    ...percents(lift, low, high),
    whisker(whiskers[at], 0, scale),
    String(queries),
  ]);
  return table(['', 'lift', 'low', 'high', '95 %', 'lists'], rows);
}

function ladderTable(steps: readonly LadderStep[]): string {
  const scale = whiskerScale(
    steps.slice(1).map(({ lift }) => lift),
    0,
  );
  const rows = steps.map(({ step, columns, ndcg10, lift }, at) => [
    text(step),
    String(columns),
    ...numbers(ndcg10.mean, ndcg10.low, ndcg10.high),
    ...(at === 0 ? ['', '', '', ''] : [...percents(lift.mean, lift.low, lift.high), whisker(lift, 0, scale)]),
  ]);
  const heads = ['step', 'columns', 'NDCG@10', 'low', 'high', 'over the step before', 'low', 'high', '95 %'];
  return table(heads, rows);
}

function convergence({ model: { trace } }: LogTraining): string {
  const last = trace[trace.length - 1]?.objective ?? 0;
  const above = trace
    .slice(0, -1)
    .map(({ objective }, at) => [at, Math.log10(Math.max(objective - last, 1e-12 * Math.abs(last)))] as const);
  return lineChart({ points: above, xLabel: 'iteration', yLabel: 'log10 of the objective above the last' });
}

function cCurve({ choice, c }: LogTraining): string {
  const points = (choice?.curve ?? []).map((point) => [Math.log10(point.c), point.ndcg10] as const);
  const band = (choice?.curve ?? []).map(({ folds }) => [Math.min(...folds), Math.max(...folds)] as const);
  return lineChart({
    points,
    band,
    marked: Math.log10(c),
    xLabel: 'log10 C (the chosen one is marked)',
    yLabel: 'NDCG@10',
  });
}

function examinationChart({ curve: { curve, low, high } }: ReportedExamination): string {
  const points = curve.map((value, at) => [at + 1, value] as const);
  return lineChart({
    points,
    band: curve.map((_, at) => [Math.max(0, low[at]), high[at]] as const),
    xLabel: 'position',
    yLabel: 'looked at, relative to the first position',
  });
}

function examinationNote({ curve: { method, impressions }, clip, clipped }: ReportedExamination): string {
  const from =
    method === 'randomized' ? 'From lists that were served shuffled' : 'From items that stood at several positions for the same query';
  const shown = impressions.reduce((sum, count) => sum + count, 0);
  return `${from}, ${Math.round(shown)} impressions. Pairs were weighted by 1 / examination of the better item, ${clip} at most; ${clipped} rows were cut to that.`;
}

function driftTable({ training, holdout }: HeldTraining): string {
  const rows = featureDrift(training, holdout).map(({ name, mean, nonZeroShare, stability, training: before, later }) => [
    text(name),
    ...numbers(mean.training, mean.later),
    ...percents(nonZeroShare.training, nonZeroShare.later),
    `<span${stability > 0.25 ? ' class="down"' : ''}>${stability.toFixed(3)}</span>`,
    histograms(before, later),
  ]);
  const heads = ['feature', 'mean in training', 'mean later', 'not zero in training', 'not zero later', 'stability', ''];
  return foldedTable(heads, rows, 'features that moved less');
}

const WORST = 12;
const SHOWN = 8;

/** A list on which the model did badly: its first items as the model orders them, and what people acted on. */
interface WorstList {
  readonly list: number;
  readonly first: readonly number[];
  readonly wanted: readonly number[];
}

function worstLists({ holdout, perList, model }: LogTraining): readonly WorstList[] {
  const scores = listScorer(holdout, model.features);
  const lists = Array.from(perList.trained, (_, list) => list).filter((list) => !Number.isNaN(perList.trained[list]));
  lists.sort((a, b) => perList.trained[a] - perList.trained[b] || a - b);
  return lists.slice(0, WORST).map((list) => {
    const [from, to] = [holdout.listStart[list], holdout.listStart[list + 1]];
    const rows = Array.from({ length: to - from }, (_, at) => at);
    const found = scores(list);
    const first = [...rows].sort((a, b) => found[b] - found[a]).slice(0, SHOWN);
    const wanted = rows
      .filter((row) => holdout.grades[from + row] > 0)
      .sort((a, b) => holdout.grades[from + b] - holdout.grades[from + a])
      .slice(0, SHOWN);
    const pinOf = (row: number): number => holdout.pinIndexes[from + row];
    return { list, first: first.map(pinOf), wanted: wanted.map(pinOf) };
  });
}

/** The pins whose pictures the report shows. */
export function picturedPins(training: LogTraining): readonly number[] {
  const pins = worstLists(training).flatMap(({ list, first, wanted }) => [training.holdout.lists[list].queryPinIndex, ...first, ...wanted]);
  return [...new Set(pins)].filter((pin) => pin >= 0);
}

function worstQueries(input: ReportInput): string {
  const { holdout, perList } = input.training;
  const items = worstLists(input.training).map(({ list, first, wanted }) => {
    const { queryPinIndex, recommendationId, surface } = holdout.lists[list];
    const query = queryPinIndex < 0 ? `<span class="pin">${text(surface)}</span>` : pictureOf(input, queryPinIndex, false);
    const row = (label: string, pins: readonly number[]): string =>
      `<div><span class="note">${label}</span><br>${pins.map((pin) => pictureOf(input, pin, wanted.includes(pin))).join('')}</div>`;
    const figures = `NDCG@10 ${perList.trained[list].toFixed(3)}, control set ${perList.control[list].toFixed(3)}; ${text(recommendationId)}`;
    return `<div class="worst"><div>${query}</div><div><span class="note">${figures}</span>${row('ordered first', first)}${row('wanted', wanted)}</div></div>`;
  });
  return items.length === 0 ? '' : folded(counted(items.length, 'list'), items.join(''));
}

function pictureOf({ thumbnailOf, nameOf = String }: ReportInput, pinIndex: number, wanted: boolean): string {
  const address = thumbnailOf?.(pinIndex) ?? null;
  const name = text(nameOf(pinIndex));
  const mark = wanted ? ' wanted' : '';
  if (address === null) return `<span class="pin${mark}">${name}</span>`;
  return `<img class="${mark.trim()}" alt="${name}" title="${name}" src="${text(address)}">`;
}

/** How many rows of a long table stand open. */
const OPEN_ROWS = 15;

/** The first rows; the others behind a line that says what they are. */
function foldedTable(heads: readonly string[], rows: readonly (readonly string[])[], others: string): string {
  const rest = rows.slice(OPEN_ROWS);
  return table(heads, rows.slice(0, OPEN_ROWS)) + (rest.length === 0 ? '' : folded(`${rest.length} ${others}`, table(heads, rest)));
}

function folded(line: string, content: string): string {
  return `<details><summary>${text(line)}</summary>${content}</details>`;
}

/** Nothing where there is no content. */
function section(title: string, content: string, note = ''): string {
  if (content === '') return '';
  return `<h2>${text(title)}</h2>${note === '' ? '' : `<p class="note">${text(note)}</p>`}${content}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[], tag: string): string => `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>${line(heads, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`;
}

const numbers = (...values: readonly number[]): string[] => values.map((value) => (Number.isNaN(value) ? 'none' : value.toFixed(4)));
const percent = (value: number): string => `${value >= 0 ? '+' : ''}${(100 * value).toFixed(1)} %`;
const percents = (...values: readonly number[]): string[] =>
  values.map((value) => (Number.isNaN(value) ? 'none' : `${(100 * value).toFixed(1)} %`));

function text(given: string): string {
  const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return given.replace(/[&<>"]/g, (character) => escapes[character]);
}
