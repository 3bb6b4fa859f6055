import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.ts';
import { useLoaded } from '../load.ts';
import type { ExperimentView, ForestRow, Report, Series, Tone } from '../../api/experiment-schemas.ts';
import { addressOf, percent } from '../parts/experiment.ts';
import { Controls, Downloads } from '../parts/experiment-controls.tsx';
import { ForecastPanel } from '../parts/experiment-forecast.tsx';
import { Conclusion } from '../parts/experiment-conclusion.tsx';
import { Arms, Differences, Exposures, Health, History, Novelty, Rates, Table4 } from '../parts/experiment-panels.tsx';
import { ForestPlot } from '../parts/forest-plot.tsx';
import { LineChart } from '../parts/line-chart.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { go, type Place, withQuery } from '../router.ts';
import { useTitle } from '../title.ts';

/** A page that is watched asks again this often; the intervals allow it. */
const REFRESH_MS = 30_000;

/** One experiment: the verdict first, then what it rests on, then where the effect lies, then how it came about. */
export function OneExperiment({ experimentKey, place }: { experimentKey: string; place: Place }) {
  useTitle(experimentKey);
  const [round, setRound] = useState(0);
  const interval = place.query.get('interval') === 'fixed-horizon' ? 'fixed-horizon' : 'always-valid';
  const address = `${addressOf(experimentKey)}?interval=${interval}`;
  const loaded = useLoaded(`${address}#${round}`, (signal) => call<ExperimentView>(address, { signal }));
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setRound((before) => before + 1), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  if (loaded.kind === 'failed') return <Failure error={loaded.error} retry={loaded.retry} />;
  const view = loaded.kind === 'there' ? loaded.value : loaded.previous;
  if (!view) return <Skeleton count={6} />;
  const { card, definition, report } = view;
  const arms = view.sequence.map(({ arm }) => arm);
  return (
    <div class="experiment">
      <p>
        <a href="/experiments">← all experiments</a>
      </p>
      <Heading view={view} onChange={() => setRound(round + 1)} />
      {card.state === 'draft' ? (
        <>
          <ForecastPanel experimentKey={card.key} />
          <DefinitionPanel view={view} />
        </>
      ) : (
        <>
          <VerdictPanel report={report} tone={card.tone} place={place}>
            <Conclusion view={view} onChange={() => setRound(round + 1)} />
          </VerdictPanel>
          <div class="two-panels">
            <Arms report={report} />
            <Health health={view.health} />
          </div>
          <Metrics rows={view.headline} arms={arms} interval={interval} />
          <Rates report={report} />
          <OverTime sequence={view.sequence} metric={card.metric} />
          <FirstDay report={report} metric={card.metric} />
          <Segments rows={view.segments} arms={arms} place={place} />
          <Novelty report={report} />
          <Differences definition={definition} />
          <Table4 report={report} />
          <Exposures report={report} />
          <DefinitionPanel view={view} />
        </>
      )}
      <History audit={view.audit} />
      {card.state !== 'draft' && <Downloads experimentKey={card.key} />}
    </div>
  );
}

function Heading({ view, onChange }: { view: ExperimentView; onChange: () => void }) {
  const { card, definition } = view;
  return (
    <header class="row wrap page-head">
      <div>
        <h1>{card.key}</h1>
        <p>{card.description}</p>
        <small class="hint">
          version {view.version}, unit {definition.unit}, layer {definition.layer.name}{' '}
          {definition.layer.slots.map((slot) => `${Number((100 * slot).toFixed(2))} %`).join(' to ')}, traffic{' '}
          {Number((100 * definition.traffic).toFixed(2))} %{definition.owner && `, owner ${definition.owner}`}
        </small>
        {definition.hypothesis && (
          <p>
            <b>Hypothesis</b>: {definition.hypothesis}
          </p>
        )}
        {definition.tags.length > 0 && (
          <p class="row wrap">
            {definition.tags.map((tag) => (
              <span class="badge" key={tag}>
                {tag}
              </span>
            ))}
          </p>
        )}
      </div>
      <Controls view={view} onChange={onChange} />
    </header>
  );
}

function VerdictPanel({ report, tone, place, children }: { report: Report; tone: Tone; place: Place; children: ComponentChildren }) {
  const always = report.interval === 'always-valid';
  return (
    <section class={`panel verdict-panel ${tone}`} aria-label="Verdict">
      <b class={`verdict ${tone}`}>{report.verdict}</b>
      <p>{report.reason}</p>
      {report.restsOn.length > 0 && (
        <ul>
          {report.restsOn.map((ground) => (
            <li key={ground}>{ground}</li>
          ))}
        </ul>
      )}
      <p class={always ? 'hint' : 'badge warn'}>
        {always
          ? 'Always-valid intervals: looking early or often does not fool them.'
          : 'Fixed-horizon intervals: right for one look at the planned end. Whoever looks again and again is fooled far more often than promised.'}{' '}
        {report.power.minimumDetectableLift !== null &&
          `With these users a lift of ${percent(report.power.minimumDetectableLift)} would be found four times in five.`}{' '}
        <a href={withQuery(place, { interval: always ? 'fixed-horizon' : null })}>
          {always ? 'show fixed-horizon intervals' : 'back to always-valid intervals'}
        </a>
      </p>
      {children}
    </section>
  );
}

function Metrics({ rows, arms, interval }: { rows: readonly ForestRow[]; arms: readonly string[]; interval: string }) {
  return (
    <section class="panel" aria-label="All metrics">
      <h2>All metrics</h2>
      <p class="hint">Lift over the control with {interval} intervals; coloured where the adjusted p is below 0.05.</p>
      {arms.map((arm) => (
        <div key={arm}>
          {arms.length > 1 && <h3>{arm}</h3>}
          <ForestPlot rows={rows.filter((row) => row.arm === arm)} label={`Metrics of ${arm}`} axisOver={rows} />
        </div>
      ))}
    </section>
  );
}

function OverTime({ sequence, metric }: { sequence: readonly Series[]; metric: string }) {
  if (!sequence.some((series) => series.days.length > 1)) return null;
  const series = sequence.map(({ arm, lift, low, high }) => ({ name: arm, values: lift, low, high }));
  return (
    <section class="panel" aria-label="Over time">
      <h2>{metric} over time</h2>
      <p class="hint">Everything counted up to the end of each day. The band is the interval; the dashed line is no difference.</p>
      <LineChart x={sequence[0].days} series={series} format={percent} zero />
    </section>
  );
}

/** While a day says nothing yet, hours do. */
function FirstDay({ report, metric }: { report: Report; metric: string }) {
  const hours = [...new Set(report.firstDay.map(({ hour }) => hour))];
  if (hours.length < 2) return null;
  const series = report.arms.slice(1).map(({ arm }) => {
    const points = hours.map((hour) => report.firstDay.find((point) => point.arm === arm && point.hour === hour));
    return {
      name: arm,
      values: points.map((point) => point?.lift ?? null),
      low: points.map((point) => point?.low ?? null),
      high: points.map((point) => point?.high ?? null),
    };
  });
  return (
    <section class="panel" aria-label="First day">
      <h2>{metric} in the first day</h2>
      <p class="hint">Everything counted up to the end of each hour since the start.</p>
      <LineChart x={hours} series={series} format={percent} zero heightPx={200} xName="hours" />
    </section>
  );
}

/** One arm at a time, largest lift first; segments that cannot be judged yet are named, not drawn. */
function Segments({ rows, arms, place }: { rows: readonly ForestRow[]; arms: readonly string[]; place: Place }) {
  const chosen = place.query.get('arm') ?? arms[0];
  const days = place.query.get('days') === 'shown';
  const shown = rows.filter((row) => row.arm === chosen && row.label.startsWith('day:') === days);
  const known = shown.filter(({ low }) => low !== null);
  const open = shown.filter(({ low }) => low === null);
  if (rows.length === 0) return null;
  return (
    <section class="panel" aria-label="Segments">
      <h2>Where it helps</h2>
      <div class="row wrap" role="group" aria-label="Arm and kind of segment">
        {arms.length > 1 &&
          arms.map((arm) => (
            <button
              type="button"
              key={arm}
              class={arm === chosen ? 'on' : ''}
              aria-pressed={arm === chosen}
              onClick={() => go(withQuery(place, { arm }), true)}
            >
              {arm}
            </button>
          ))}
        <button
          type="button"
          class={days ? 'on' : ''}
          aria-pressed={days}
          onClick={() => go(withQuery(place, { days: days ? null : 'shown' }), true)}
        >
          by day
        </button>
      </div>
      <p class="hint">
        Coloured only where the p-value adjusted for all rows (Benjamini-Hochberg) is below 0.05: among many segments some look good by
        chance.
      </p>
      <ForestPlot rows={known} label={`Segments of ${chosen}`} />
      {open.length > 0 && (
        <p class="hint">Not enough to say: {open.map(({ label, users }) => `${label} (${users.toLocaleString('en')})`).join(', ')}.</p>
      )}
    </section>
  );
}

function DefinitionPanel({ view: { definition, version } }: { view: ExperimentView }) {
  return (
    <details class="panel">
      <summary>Definition, version {version}</summary>
      <pre>{JSON.stringify(definition, null, 2)}</pre>
    </details>
  );
}
