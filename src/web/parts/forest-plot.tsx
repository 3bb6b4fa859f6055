import type { ForestRow, Tone } from '../../api/experiment-schemas.ts';

type KnownRow = ForestRow & { readonly lift: number; readonly low: number; readonly high: number };

const MARKS: Readonly<Record<Tone, string>> = { good: '▲', bad: '▼', open: '○', broken: '✕' };
/** An interval this many times as wide as the middle one may run out of the axis instead of squeezing all others. */
const WIDE = 4;

/** Lifts with their intervals on one axis with zero on it; shape shows sign and tone as well as color does. */
export function ForestPlot({
  rows,
  label,
  axisOver = rows,
}: {
  rows: readonly ForestRow[];
  label: string;
  /** Rows that the axis is made for, where several plots shall be read against each other. */
  axisOver?: readonly ForestRow[];
}) {
  const axis = axisOf(axisOver.filter(isKnown));
  return (
    <div class="forest" role="table" aria-label={label}>
      {rows.map((row) => (
        <div class="forest-row" role="row" key={`${row.arm}|${row.metric}|${row.label}`}>
          <span role="cell" class="forest-label" title={row.label}>
            {row.label}
          </span>
          <span role="cell" class="forest-track">
            {axis.ticks.map((tick) => (
              <span key={tick} class={tick === 0 ? 'forest-zero' : 'forest-tick'} style={{ left: `${axis.place(tick)}%` }} />
            ))}
            {isKnown(row) && <Interval row={row} axis={axis} />}
          </span>
          <span role="cell" class={`forest-text ${row.tone}`}>
            <i aria-hidden="true">{MARKS[row.tone]}</i> {row.text}
            {row.adjusted && <small class="adjusted">with pre-period {row.adjusted}</small>}
          </span>
          <span role="cell" class="forest-users number">
            {row.users.toLocaleString('en')}
          </span>
        </div>
      ))}
      <div class="forest-row axis" aria-hidden="true">
        <span />
        <span class="forest-track">
          {axis.ticks.map((tick) => (
            <small key={tick} class="forest-tick-name" style={{ left: `${axis.place(tick)}%` }}>
              {axis.name(tick)}
            </small>
          ))}
        </span>
        <span />
        <small class="forest-users number">users</small>
      </div>
    </div>
  );
}

function Interval({ row, axis }: { row: KnownRow; axis: Axis }) {
  const [from, to] = [axis.place(row.low), axis.place(row.high)];
  const beyond = (row.low < axis.low ? 'before ' : '') + (row.high > axis.high ? 'after' : '');
  return (
    <>
      <span class={`forest-interval ${row.tone} ${beyond}`} style={{ left: `${from}%`, width: `${Math.max(0.5, to - from)}%` }} />
      {row.lift >= axis.low && row.lift <= axis.high && (
        <span class={`forest-point ${row.tone}`} style={{ left: `${axis.place(row.lift)}%` }} />
      )}
    </>
  );
}

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  place(value: number): number;
  name(tick: number): string;
}

/** Reaches over zero and every interval but the very wide ones; ticks at round figures. */
function axisOf(rows: readonly KnownRow[]): Axis {
  const widths = rows.map(({ low, high }) => high - low).sort((a, b) => a - b);
  const widest = WIDE * (widths[Math.floor(widths.length / 2)] ?? 0.01);
  const within = rows.filter(({ low, high }) => high - low <= widest);
  const least = Math.min(-0.005, ...within.map(({ low }) => low), ...rows.map(({ lift }) => lift));
  const most = Math.max(0.005, ...within.map(({ high }) => high), ...rows.map(({ lift }) => lift));
  const room = 0.06 * (most - least);
  const [low, high] = [least - room, most + room];
  const step = roundStep((high - low) / 5);
  const ticks: number[] = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) ticks.push(n * step);
  const digits = step < 0.01 ? 1 : 0;
  return {
    low,
    high,
    ticks,
    place: (value) => (100 * (Math.min(high, Math.max(low, value)) - low)) / (high - low),
    name: (tick) => (tick === 0 ? '0' : `${tick > 0 ? '+' : '-'}${(100 * Math.abs(tick)).toFixed(digits)} %`),
  };
}

/** The round number (1, 2 or 5 times a power of ten) at or above a step. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= step * 0.999) ?? 10);
}

function isKnown(row: ForestRow): row is KnownRow {
  return row.low !== null && row.high !== null && row.lift !== null;
}
