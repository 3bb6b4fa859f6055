import { ApiProblem, call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { type ForestRow, ForestPlot, type Tone } from '../parts/forest-plot.tsx';
import { LineChart } from '../parts/line-chart.tsx';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';
import { useState } from 'preact/hooks';

interface Card {
  readonly key: string;
  readonly description: string;
  readonly state: string;
  readonly verdict: string;
  readonly tone: Tone;
  readonly users: number;
  readonly startedAt: number | null;
  readonly healthy: boolean;
}

interface Series {
  readonly arm: string;
  readonly days: readonly string[];
  readonly lift: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

interface Report {
  readonly key: string;
  readonly state: string;
  readonly verdict: string;
  readonly reason: string;
  readonly restsOn: readonly string[];
  readonly interval: string;
  readonly sampleRatio: { readonly p: number; readonly alarm: boolean };
  readonly arms: readonly {
    readonly arm: string;
    readonly weight: number;
    readonly users: number;
    readonly lists: number;
    readonly verdict?: string;
  }[];
  readonly table4: readonly {
    readonly features: string;
    readonly queries: string;
    readonly engagement: string;
    readonly interval: string;
    readonly users: number;
  }[];
  readonly exposuresPerDay: readonly { readonly day: string; readonly arm: string; readonly users: number }[];
  readonly power: { readonly minimumDetectableLift: number | null; readonly unitsNeeded: number | null };
  readonly novelty: readonly { readonly arm: string; readonly daysSinceFirst: number; readonly lift: number | null }[];
}

interface View {
  readonly card: Card;
  readonly report: Report;
  readonly headline: readonly ForestRow[];
  readonly segments: readonly ForestRow[];
  readonly sequence: readonly Series[];
  readonly health: readonly { readonly name: string; readonly text: string; readonly tone: Tone }[];
  readonly audit: readonly {
    readonly at: number;
    readonly who?: string;
    readonly author?: string;
    readonly action: string;
    readonly why?: string | null;
  }[];
}

const percent = (value: number): string => `${value > 0 ? '+' : ''}${(100 * value).toFixed(1)} %`;

/** The list of experiments with their state and health, or one of them. */
export function Experiments({ experimentKey }: { experimentKey: string }) {
  return experimentKey === '' ? <List /> : <One experimentKey={experimentKey} />;
}

function List() {
  const list = useLoaded('experiments', (signal) => call<{ experiments: readonly Card[] }>('/experiments', { signal }));
  if (list.kind === 'failed') return <Failure error={list.error} retry={list.retry} />;
  if (list.kind === 'loading') return <Skeleton count={4} />;
  if (list.value.experiments.length === 0) {
    return (
      <Empty title="No experiments yet">
        Define one with <code>related-pins define-experiment --file FILE</code>, then start it.
      </Empty>
    );
  }
  return (
    <main>
      <h1>Experiments</h1>
      <div class="experiment-cards">
        {list.value.experiments.map((card) => (
          <a
            key={card.key}
            class={`panel experiment-card ${card.tone}`}
            href={`/experiments/${encodeURIComponent(card.key)}`}
          >
            <header class="row">
              <h2>{card.key}</h2>
              <span class="badge">{card.state}</span>
              {!card.healthy && <span class="badge warn">unhealthy</span>}
            </header>
            <p>{card.description}</p>
            <p class="row">
              <Verdict word={card.verdict} tone={card.tone} />
              <small>{card.users.toLocaleString()} users</small>
              {card.startedAt !== null && <small>since {new Date(card.startedAt).toISOString().slice(0, 10)}</small>}
            </p>
          </a>
        ))}
      </div>
    </main>
  );
}

function Verdict({ word, tone }: { word: string; tone: Tone }) {
  return <b class={`verdict ${tone}`}>{word}</b>;
}

function One({ experimentKey }: { experimentKey: string }) {
  const address = `/experiments/${encodeURIComponent(experimentKey)}`;
  const [round, setRound] = useState(0);
  const view = useLoaded(`${address}#${round}`, (signal) => call<View>(address, { signal }));
  if (view.kind === 'failed') return <Failure error={view.error} retry={view.retry} />;
  const shown = view.kind === 'there' ? view.value : view.previous;
  if (!shown) return <Skeleton count={6} />;
  const { card, report } = shown;
  return (
    <main class="experiment">
      <p>
        <a href="/experiments">← all experiments</a>
      </p>
      <header class="row wrap page-head">
        <div>
          <h1>{card.key}</h1>
          <p>{card.description}</p>
        </div>
        <LifeCycle card={card} onChange={() => setRound(round + 1)} />
      </header>
      <section class={`panel verdict-panel ${card.tone}`} aria-label="Verdict">
        <Verdict word={report.verdict} tone={card.tone} />
        <p>{report.reason}</p>
        {report.restsOn.length > 0 && (
          <ul>
            {report.restsOn.map((ground) => (
              <li key={ground}>{ground}</li>
            ))}
          </ul>
        )}
        <small>
          Intervals are{' '}
          {report.interval === 'always-valid'
            ? 'always valid: looking early or often does not fool them'
            : 'for a fixed horizon: look once, at the end'}
          .
          {report.power.minimumDetectableLift !== null &&
            ` With these users a lift of ${percent(report.power.minimumDetectableLift)} would be found four times in five.`}
        </small>
      </section>
      <Arms report={report} health={shown.health} />
      <section class="panel" aria-label="All metrics">
        <h2>All metrics</h2>
        <ForestPlot rows={shown.headline} showArm={report.arms.length > 2} />
      </section>
      {shown.sequence.some((series) => series.days.length > 1) && (
        <section class="panel" aria-label="Over time">
          <h2>The deciding metric over time</h2>
          <LineChart
            days={shown.sequence[0].days}
            series={shown.sequence.map((series) => ({
              name: series.arm,
              values: series.lift,
              low: series.low,
              high: series.high,
            }))}
            format={percent}
            zero
          />
        </section>
      )}
      {shown.segments.length > 0 && (
        <section class="panel" aria-label="Segments">
          <h2>Where it helps</h2>
          <p>
            <small>Coloured only where the p-value adjusted for all rows (Benjamini-Hochberg) is below 0.05.</small>
          </p>
          <ForestPlot
            rows={shown.segments.filter((row) => !row.label.startsWith('day:'))}
            showArm={report.arms.length > 2}
          />
        </section>
      )}
      <Table4 report={report} />
      <Exposures report={report} />
      <section class="panel" aria-label="History">
        <h2>Who changed what</h2>
        <table>
          <tbody>
            {shown.audit.map((entry, at) => (
              <tr key={at}>
                <td>{new Date(entry.at).toISOString().slice(0, 16).replace('T', ' ')}</td>
                <td>{entry.who ?? entry.author}</td>
                <td>{entry.action}</td>
                <td>{entry.why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="row">
        <a href={`/v1${address}/report`} download={`${card.key}.json`}>
          Download as JSON
        </a>
        <a href={`/v1${address}/report?format=csv`} download={`${card.key}.csv`}>
          Download as CSV
        </a>
      </p>
    </main>
  );
}

function Arms({ report, health }: { report: Report; health: View['health'] }) {
  return (
    <div class="two-panels">
      <section class="panel" aria-label="Arms">
        <h2>Arms</h2>
        <table>
          <thead>
            <tr>
              <th>arm</th>
              <th class="number">weight</th>
              <th class="number">users</th>
              <th class="number">lists</th>
              <th>verdict</th>
            </tr>
          </thead>
          <tbody>
            {report.arms.map((arm) => (
              <tr key={arm.arm}>
                <td>{arm.arm}</td>
                <td class="number">{(100 * arm.weight).toFixed(0)} %</td>
                <td class="number">{arm.users.toLocaleString()}</td>
                <td class="number">{arm.lists.toLocaleString()}</td>
                <td>{arm.verdict ?? 'control'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section class="panel" aria-label="Health">
        <h2>Health</h2>
        <table>
          <tbody>
            {health.map((line) => (
              <tr key={line.name}>
                <td>
                  <span class={`lamp ${line.tone}`} aria-hidden="true" /> {line.name}
                </td>
                <td>{line.text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function Table4({ report }: { report: Report }) {
  if (report.table4.length === 0) return null;
  return (
    <section class="panel" aria-label="Table 4">
      <h2>As the paper's Table 4</h2>
      <table>
        <thead>
          <tr>
            <th>features</th>
            <th>queries</th>
            <th class="number">engagement</th>
            <th class="number">interval</th>
            <th class="number">users</th>
          </tr>
        </thead>
        <tbody>
          {report.table4.map((row, at) => (
            <tr key={at}>
              <td>{row.features}</td>
              <td>{row.queries}</td>
              <td class="number">{row.engagement}</td>
              <td class="number">{row.interval}</td>
              <td class="number">{row.users.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Exposures({ report }: { report: Report }) {
  const days = [...new Set(report.exposuresPerDay.map((row) => row.day))].sort();
  if (days.length < 2) return null;
  const series = report.arms.map(({ arm }) => ({
    name: arm,
    values: days.map((day) => report.exposuresPerDay.find((row) => row.day === day && row.arm === arm)?.users ?? 0),
  }));
  return (
    <section class="panel" aria-label="Exposures per day">
      <h2>Users first seen per day</h2>
      <LineChart days={days} series={series} format={(value) => Math.round(value).toLocaleString()} heightPx={180} />
    </section>
  );
}

function LifeCycle({ card, onChange }: { card: Card; onChange: () => void }) {
  const [problem, setProblem] = useState('');
  const steps: Readonly<Record<string, readonly string[]>> = {
    draft: ['start', 'archive'],
    running: ['stop'],
    stopped: ['archive'],
  };
  const act = (step: string): void => {
    if (!confirm(`${step} ${card.key}?`)) return;
    post(`/experiments/${encodeURIComponent(card.key)}/${step}`, {})
      .then(() => {
        setProblem('');
        onChange();
      })
      .catch((error: unknown) => setProblem(error instanceof ApiProblem ? error.message : String(error)));
  };
  return (
    <div class="row wrap">
      <span class="badge">{card.state}</span>
      {(steps[card.state] ?? []).map((step) => (
        <button type="button" key={step} onClick={() => act(step)}>
          {step}
        </button>
      ))}
      {problem && <span class="badge warn">{problem}</span>}
    </div>
  );
}
