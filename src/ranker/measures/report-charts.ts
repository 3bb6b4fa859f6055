/** Small drawings of a report as inline SVG: no script, nothing to load, readable on light and dark ground. */

const number = (value: number): string => String(Number(value.toPrecision(3)));
const fixed = (value: number): string => value.toFixed(1);

/** A value with an interval, drawn on a scale that all rows of a plot share. */
export interface Whisker {
  readonly mean: number;
  /** NaN, as `high`: there is no interval. */
  readonly low: number;
  readonly high: number;
}

/** The scale of a plot: the range of all intervals, with `mark` (the value that changes nothing) inside. */
export function whiskerScale(rows: readonly Whisker[], mark: number): (value: number) => number {
  const low = Math.min(mark, ...rows.map(({ low, mean }) => (Number.isNaN(low) ? mean : low)));
  const high = Math.max(mark, ...rows.map(({ high, mean }) => (Number.isNaN(high) ? mean : high)));
  const span = high - low || 1;
  return (value) => 4 + (192 * (value - low)) / span;
}

/** One row: the interval as a line, the mean as a dot, the mark as a thin rule; green right of it, red left of it. */
export function whisker(row: Whisker, mark: number, scale: (value: number) => number): string {
  const tone = row.low > mark ? 'up' : row.high < mark ? 'down' : 'even';
  const line = Number.isNaN(row.low)
    ? ''
    : `<line class="${tone}" x1="${fixed(scale(row.low))}" x2="${fixed(scale(row.high))}" y1="9" y2="9"/>`;
  const rule = `<line class="rule" x1="${fixed(scale(mark))}" x2="${fixed(scale(mark))}" y1="0" y2="18"/>`;
  return `<svg class="whisker" viewBox="0 0 200 18" width="200" height="18">${rule}${line}<circle class="${tone}" cx="${fixed(scale(row.mean))}" cy="9" r="4"/></svg>`;
}

/** A bar that grows from the middle: right for what raises, left for what lowers. */
export function balance(value: number, most: number): string {
  const width = most > 0 ? (98 * Math.abs(value)) / most : 0;
  const x = value < 0 ? 100 - width : 100;
  return `<svg class="whisker" viewBox="0 0 200 14" width="200" height="14"><line class="rule" x1="100" x2="100" y1="0" y2="14"/><rect class="${value < 0 ? 'down' : 'up'}" x="${fixed(x)}" y="2" width="${fixed(width)}" height="10" rx="2"/></svg>`;
}

/** What a line chart draws; points in order of x. */
interface Curve {
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Lower and upper bound per point. */
  readonly band?: readonly (readonly [low: number, high: number])[];
  /** A second line to compare with, in the same order of x. */
  readonly other?: readonly number[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** x of a point to mark. */
  readonly marked?: number;
}

const PLOT = { left: 62, right: 14, top: 26, bottom: 34, width: 620, height: 250 };

/** A line through points, with axes that say what they are; of fewer than two points a note. Labels are not escaped. */
export function lineChart({ points, band, other, xLabel, yLabel, marked }: Curve): string {
  if (points.length < 2) return '<p class="note">one point only</p>';
  const ys = [...points.map(([, y]) => y), ...(band ?? []).flat(), ...(other ?? [])];
  const xs = points.map(([x]) => x);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const { left, right, top, bottom, width, height } = PLOT;
  const px = (x: number): number => left + ((width - left - right) * (x - x0)) / (x1 - x0 || 1);
  const py = (y: number): number => height - bottom - ((height - top - bottom) * (y - y0)) / (y1 - y0 || 1);
  const at = (x: number, y: number): string => `${fixed(px(x))},${fixed(py(y))}`;
  const area =
    band &&
    `<polygon class="band" points="${[...band.map(([low], i) => at(xs[i], low)), ...band.map(([, high], i) => at(xs[i], high)).reverse()].join(' ')}"/>`;
  const second = other && `<polyline class="other" points="${other.map((y, i) => at(xs[i], y)).join(' ')}"/>`;
  const dots =
    points.length > 40
      ? ''
      : points
          .map(
            ([x, y]) =>
              `<circle class="up${x === marked ? ' marked' : ''}" cx="${fixed(px(x))}" cy="${fixed(py(y))}" r="${x === marked ? 6 : 3}"/>`,
          )
          .join('');
  const grid = [0, 0.5, 1].map((share) => {
    const y = y0 + share * (y1 - y0);
    return `<line class="rule" x1="${left}" x2="${width - right}" y1="${fixed(py(y))}" y2="${fixed(py(y))}"/><text x="${left - 6}" y="${fixed(py(y) + 4)}" text-anchor="end">${number(y)}</text>`;
  });
  const ticks = xs
    .filter((_, i) => points.length <= 12 || i % Math.ceil(points.length / 10) === 0)
    .map((x) => `<text x="${fixed(px(x))}" y="${height - bottom + 16}" text-anchor="middle">${number(x)}</text>`);
  const labels = `<text x="${width - right}" y="${height - 2}" text-anchor="end">${xLabel}</text><text x="${left}" y="${top - 12}">${yLabel}</text>`;
  return `<svg class="chart" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${yLabel} by ${xLabel}">${grid.join('')}${area ?? ''}${second ?? ''}<polyline class="line" points="${points.map(([x, y]) => at(x, y)).join(' ')}"/>${dots}${ticks.join('')}${labels}</svg>`;
}

/** Two histograms over the same bins: training filled, later outlined. Shares are drawn by their roots, so that rare bins are seen. */
export function histograms(before: readonly number[], after: readonly number[]): string {
  const most = Math.max(...before, ...after, 1e-12);
  const step = 200 / before.length;
  const tall = (share: number): number => 30 * Math.sqrt(share / most);
  const bars = before.map(
    (share, bin) =>
      `<rect class="before" x="${fixed(bin * step + 1)}" y="${fixed(32 - tall(share))}" width="${fixed(step - 2)}" height="${fixed(tall(share))}"/>`,
  );
  const lines = after.map(
    (share, bin) =>
      `<rect class="after" x="${fixed(bin * step + 1)}" y="${fixed(32 - tall(share))}" width="${fixed(step - 2)}" height="${fixed(tall(share))}"/>`,
  );
  return `<svg class="whisker" viewBox="0 0 200 34" width="200" height="34">${bars.join('')}${lines.join('')}</svg>`;
}
