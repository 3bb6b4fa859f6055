import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** Colours that differ in lightness as well as in hue (after Paul Tol's bright scheme), for light and dark pages. */
const SERIES_COLOURS = ['#4477aa', '#cc6633', '#228833', '#aa3377', '#66a5c4', '#b8a12c'];

interface BandSeries {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

/** Dashes tell lines apart without any colour. */
const DASHES: readonly number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 6], [4, 8]];

/** Lines over days (UTC dates) or over plain numbers, each with its interval as a band; a line at zero when `zero` says so. */
export function LineChart({
  x,
  series,
  format,
  zero = false,
  heightPx = 260,
  xName = 'days',
}: {
  x: readonly string[] | readonly number[];
  series: readonly BandSeries[];
  format: (value: number) => string;
  zero?: boolean;
  heightPx?: number;
  /** Of plain numbers. */
  xName?: string;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const key = JSON.stringify([x, series]);
  useEffect(() => {
    const element = frame.current;
    if (!element || x.length === 0) return;
    const ink = getComputedStyle(element).getPropertyValue('color');
    const line = getComputedStyle(document.documentElement).getPropertyValue('--line');
    const chart = new uPlot(
      optionsOf(series, { width: element.clientWidth, height: heightPx, ink, line, format, zero, time: typeof x[0] === 'string', xName }),
      dataOf(x, series, zero),
      element,
    );
    const observer = new ResizeObserver(([entry]) => chart.setSize({ width: entry.contentRect.width, height: heightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [key, heightPx, zero]);
  return <div class="chart" ref={frame} role="img" aria-label={`${series.map(({ name }) => name).join(', ')} over time`} />;
}

interface Look {
  readonly width: number;
  readonly height: number;
  readonly ink: string;
  readonly line: string;
  readonly format: (value: number) => string;
  readonly zero: boolean;
  /** x are days, not plain numbers. */
  readonly time: boolean;
  readonly xName: string;
}

function dataOf(given: readonly string[] | readonly number[], series: readonly BandSeries[], zero: boolean): uPlot.AlignedData {
  const x = given.map((at) => (typeof at === 'string' ? Date.parse(at) / 1000 : at));
  const columns = series.flatMap(({ values, low, high }) => (low && high ? [[...values], [...low], [...high]] : [[...values]]));
  return [x, ...columns, ...(zero ? [x.map(() => 0)] : [])] as uPlot.AlignedData;
}

function optionsOf(series: readonly BandSeries[], { width, height, ink, line, format, zero, time, xName }: Look): uPlot.Options {
  // The legend names the lines alone until a place is pointed at.
  const xText = (at: number): string => (time ? new Date(1000 * at).toISOString().slice(0, 10) : String(at));
  const lines: uPlot.Series[] = [{ label: time ? 'day' : xName, value: (_, at: number | null) => (at === null ? '' : xText(at)) }];
  const bands: uPlot.Band[] = [];
  series.forEach(({ name, low, high }, at) => {
    const colour = SERIES_COLOURS[at % SERIES_COLOURS.length];
    const said = (value: number | null | undefined): string => (value === null || value === undefined ? '–' : format(value));
    const value = (_: uPlot, own: number, __: number, index: number | null): string =>
      index === null ? '' : low && high ? `${said(own)} (${said(low[index])} to ${said(high[index])})` : said(own);
    lines.push({ label: name, stroke: colour, width: 2, dash: DASHES[at % DASHES.length], points: { size: 5 }, value });
    if (!low || !high) return;
    const edge = { stroke: `${colour}55`, width: 1, points: { show: false }, class: 'edge' };
    lines.push({ ...edge, label: `${name}, low` });
    lines.push({ ...edge, label: `${name}, high` });
    bands.push({ series: [lines.length - 1, lines.length - 2], fill: `${colour}22` });
  });
  if (zero) lines.push({ label: 'no difference', stroke: ink, width: 1, dash: [4, 4], points: { show: false }, class: 'edge' });
  const whole = time ? {} : { incrs: [1, 2, 5, 10, 20, 50] };
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return {
    width,
    height,
    series: lines,
    bands,
    scales: { x: { time } },
    tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), 'Etc/UTC'),
    axes: [
      { ...axis, ...whole },
      { ...axis, size: 64, values: (_, ticks) => ticks.map(format) },
    ],
    legend: { live: true },
  };
}
