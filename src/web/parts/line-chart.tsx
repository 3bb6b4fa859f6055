import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** Colours that differ in lightness as well as in hue (after Paul Tol's bright scheme), for light and dark pages. */
export const SERIES_COLOURS = ['#4477aa', '#cc6633', '#228833', '#aa3377', '#66a5c4', '#b8a12c'];

export interface BandSeries {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

/** Lines over days, each with its interval as a band; a line at zero when `zero` says so. */
export function LineChart({
  days,
  series,
  format,
  zero = false,
  heightPx = 260,
}: {
  days: readonly string[];
  series: readonly BandSeries[];
  format: (value: number) => string;
  zero?: boolean;
  heightPx?: number;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const key = JSON.stringify([days, series]);
  useEffect(() => {
    const element = frame.current;
    if (!element || days.length === 0) return;
    const ink = getComputedStyle(element).getPropertyValue('color');
    const line = getComputedStyle(document.documentElement).getPropertyValue('--line');
    const chart = new uPlot(
      optionsOf(series, { width: element.clientWidth, height: heightPx, ink, line, format, zero }),
      dataOf(days, series, zero),
      element,
    );
    const observer = new ResizeObserver(([entry]) =>
      chart.setSize({ width: entry.contentRect.width, height: heightPx }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [key, heightPx, zero]);
  return (
    <div class="chart" ref={frame} role="img" aria-label={`${series.map(({ name }) => name).join(', ')} by day`} />
  );
}

interface Look {
  readonly width: number;
  readonly height: number;
  readonly ink: string;
  readonly line: string;
  readonly format: (value: number) => string;
  readonly zero: boolean;
}

function dataOf(days: readonly string[], series: readonly BandSeries[], zero: boolean): uPlot.AlignedData {
  const x = days.map((day) => Date.parse(day) / 1000);
  const columns = series.flatMap(({ values, low, high }) =>
    low && high ? [[...values], [...low], [...high]] : [[...values]],
  );
  return [x, ...columns, ...(zero ? [x.map(() => 0)] : [])] as uPlot.AlignedData;
}

function optionsOf(series: readonly BandSeries[], { width, height, ink, line, format, zero }: Look): uPlot.Options {
  const lines: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  series.forEach(({ name, low, high }, at) => {
    const colour = SERIES_COLOURS[at % SERIES_COLOURS.length];
    lines.push({ label: name, stroke: colour, width: 2, value: (_, value) => (value === null ? '–' : format(value)) });
    if (!low || !high) return;
    const edge = { stroke: `${colour}55`, width: 1, points: { show: false } };
    lines.push({ ...edge, label: `${name}, low`, value: (_, value) => (value === null ? '–' : format(value)) });
    lines.push({ ...edge, label: `${name}, high`, value: (_, value) => (value === null ? '–' : format(value)) });
    bands.push({ series: [lines.length - 1, lines.length - 2], fill: `${colour}22` });
  });
  if (zero) lines.push({ label: 'no difference', stroke: ink, width: 1, dash: [4, 4], points: { show: false } });
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return {
    width,
    height,
    series: lines,
    bands,
    axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map(format) }],
    legend: { live: true },
  };
}
