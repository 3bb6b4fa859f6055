export type Tone = 'good' | 'bad' | 'open' | 'broken';

export interface ForestRow {
  readonly label: string;
  readonly arm: string;
  readonly metric: string;
  readonly users: number;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly text: string;
  readonly tone: Tone;
}

const MARKS: Readonly<Record<Tone, string>> = { good: '▲', bad: '▼', open: '○', broken: '✕' };

/** Lifts with their intervals on one axis through zero; sign and tone are told by shape as well as by colour. */
export function ForestPlot({ rows, showArm }: { rows: readonly ForestRow[]; showArm: boolean }) {
  const ends = rows.flatMap(({ low, high }) => [low, high]).filter((value): value is number => value !== null);
  const reach = Math.max(0.01, ...quartileReach(ends));
  const place = (value: number): number => 50 + 50 * Math.max(-1, Math.min(1, value / reach));
  const percent = (value: number): string => `${value > 0 ? '+' : ''}${(100 * value).toFixed(1)} %`;
  return (
    <div class="forest" role="table" aria-label="Lifts with intervals">
      {rows.map((row) => (
        <div class="forest-row" role="row" key={`${row.arm}|${row.metric}|${row.label}`}>
          <span role="cell" class="forest-label" title={row.label}>
            {row.label}
            {showArm && <small> {row.arm}</small>}
          </span>
          <span role="cell" class="forest-track">
            <span class="forest-zero" />
            {row.low !== null && row.high !== null && row.lift !== null && (
              <>
                <span
                  class={`forest-interval ${row.tone}`}
                  style={{ left: `${place(row.low)}%`, width: `${Math.max(0.5, place(row.high) - place(row.low))}%` }}
                />
                <span class={`forest-point ${row.tone}`} style={{ left: `${place(row.lift)}%` }} />
              </>
            )}
          </span>
          <span role="cell" class={`forest-text ${row.tone}`}>
            <i aria-hidden="true">{MARKS[row.tone]}</i> {row.text}
          </span>
          <span role="cell" class="number">
            <small>{row.users.toLocaleString()}</small>
          </span>
        </div>
      ))}
      <div class="forest-row axis" aria-hidden="true">
        <span />
        <span class="forest-axis">
          <small>{percent(-reach)}</small>
          <small>0</small>
          <small>{percent(reach)}</small>
        </span>
        <span />
        <small>users</small>
      </div>
    </div>
  );
}

/** The axis reaches to the ends of most intervals; a few very wide ones run out of it instead of squeezing all others. */
function quartileReach(ends: readonly number[]): number[] {
  const sorted = ends.map(Math.abs).sort((a, b) => a - b);
  return sorted.length === 0 ? [] : [sorted[Math.floor(0.85 * (sorted.length - 1))]];
}
