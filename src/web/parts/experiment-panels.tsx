import { call } from '../api.ts';
import { useLoaded } from '../load.ts';
import type { Definition, DifferenceList, ExperimentView, Report } from '../../api/experiment-schemas.ts';
import { addressOf, dayOf, percent } from './experiment.ts';
import { LineChart } from './line-chart.tsx';
import { PinImage } from './pin-image.tsx';

const count = (value: number): string => Math.round(value).toLocaleString('en');

export function Arms({ report }: { report: Report }) {
  return (
    <section class="panel" aria-label="Arms">
      <h2>Arms</h2>
      <table>
        <thead>
          <tr>
            <th>arm</th>
            <th class="number spare">weight</th>
            <th class="number">users</th>
            <th class="number spare">lists</th>
            <th>verdict</th>
          </tr>
        </thead>
        <tbody>
          {report.arms.map((arm, at) => (
            <tr key={arm.arm}>
              <td>{arm.arm}</td>
              <td class="number spare">{Number((100 * arm.weight).toFixed(2))} %</td>
              <td class="number">{count(arm.users)}</td>
              <td class="number spare">{count(arm.lists)}</td>
              <td>
                {arm.verdict ?? (at === 0 ? 'control' : 'not compared')}
                {arm.weight === 0 && <small class="block">only people put here by hand</small>}
                {arm.reason && <small class="block">{arm.reason}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What each metric came to in each arm: the value, and what was divided by what. */
export function Rates({ report }: { report: Report }) {
  const { arms } = report;
  const metrics = arms[0]?.rates ?? [];
  if (metrics.length === 0) return null;
  return (
    <section class="panel" aria-label="Rates">
      <h2>Rates</h2>
      <table class="rates">
        <thead>
          <tr>
            <th>metric</th>
            {arms.map(({ arm }) => (
              <th class="number" key={arm}>
                {arm}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {metrics.map(({ metric, label }, at) => (
            <tr key={metric}>
              <th scope="row">{label}</th>
              {arms.map(({ arm, rates }) => (
                <td class="number" key={arm}>
                  {rateText(rates[at])}
                  {rates[at].denominator !== null && (
                    <small class="block">
                      {amount(rates[at].numerator ?? 0)} / {count(rates[at].denominator ?? 0)}
                    </small>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">Totals of users above a cap count as the cap.</p>
    </section>
  );
}

type Rate = Report['arms'][number]['rates'][number];

/** A share of users, or of what they saw, as a percentage; anything else as it is. */
function rateText({ metric, kind, value }: Rate): string {
  if (value === null) return '–';
  const isShare = kind === 'proportion' || /-(rate|lists)$/.test(metric);
  return isShare ? `${(100 * value).toFixed(2)} %` : amount(value);
}

const amount = (value: number): string => (Math.abs(value) >= 100 ? count(value) : String(Number(value.toPrecision(3))));

export function Health({ health }: { health: ExperimentView['health'] }) {
  const words = { good: 'fine', bad: 'bad', open: 'look', broken: 'broken' } as const;
  return (
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
              <td class="number">
                <small>{words[line.tone]}</small>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">
        The sequential test of the sample ratio may be looked at as often as one likes, and pays for that with larger p-values than a
        classical test at one look: 890 against 1,010 users is p = 0.6 here and 0.006 there. It alarms below 0.001.
      </p>
    </section>
  );
}

export function Table4({ report }: { report: Report }) {
  if (report.table4.length === 0) return null;
  return (
    <details class="panel" aria-label="Table 4">
      <summary>In the shape of the paper's Table 4</summary>
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
          {report.table4.map((row) => (
            <tr key={row.features}>
              <td>{row.features}</td>
              <td>{row.queries}</td>
              <td class="number">{row.engagement}</td>
              <td class="number">{row.interval}</td>
              <td class="number">{count(row.users)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

export function Exposures({ report }: { report: Report }) {
  const days = [...new Set(report.exposuresPerDay.map((row) => row.day))].sort();
  if (days.length < 2) return null;
  const series = report.arms.map(({ arm }) => ({
    name: arm,
    values: days.map((day) => report.exposuresPerDay.find((row) => row.day === day && row.arm === arm)?.users ?? 0),
  }));
  return (
    <section class="panel" aria-label="Exposures per day">
      <h2>Users first seen per day</h2>
      <LineChart x={days} series={series} format={count} heightPx={180} />
    </section>
  );
}

/** Each age has its own people and its own interval: read the drift, not a single point. */
export function Novelty({ report }: { report: Report }) {
  const known = report.novelty.filter((row) => row.lift !== null);
  const ages = [...new Set(known.map((row) => row.daysSinceFirst))].sort((a, b) => a - b);
  if (ages.length < 2) return null;
  const arms = [...new Set(report.novelty.map((row) => row.arm))];
  const series = arms.map((arm) => {
    const rows = ages.map((age) => report.novelty.find((row) => row.arm === arm && row.daysSinceFirst === age));
    return {
      name: arm,
      values: rows.map((row) => row?.lift ?? null),
      low: rows.map((row) => row?.low ?? null),
      high: rows.map((row) => row?.high ?? null),
    };
  });
  return (
    <section class="panel" aria-label="Novelty">
      <h2>By days since a user's first list</h2>
      <p class="hint">A lift that fades with age was novelty. Fixed-horizon intervals, one per age.</p>
      <LineChart x={ages} series={series} format={percent} zero heightPx={200} />
    </section>
  );
}

export function History({ audit }: { audit: ExperimentView['audit'] }) {
  return (
    <section class="panel" aria-label="History">
      <h2>Who changed what</h2>
      <table>
        <tbody>
          {audit.map((entry, at) => (
            <tr key={at}>
              <td>{new Date(entry.at).toISOString().slice(0, 16).replace('T', ' ')}</td>
              <td>{entry.by}</td>
              <td>{entry.action}</td>
              <td class="wrap-anywhere">{entry.detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Examples to look at with one's own eyes: the arms' lists for the same pin, side by side. */
export function Differences({ definition }: { definition: Definition }) {
  const { key, arms, counterfactualShare } = definition;
  const found = useLoaded(`${key} differences`, (signal) => call<DifferenceList>(`${addressOf(key)}/differences`, { signal }));
  const differences = found.kind === 'there' ? found.value.differences : [];
  const queries = [...new Map(differences.map((each) => [each.queryPinId, each])).values()];
  return (
    <section class="panel" aria-label="Lists that differ">
      <h2>Lists that differ</h2>
      {queries.length === 0 && (
        <p class="hint">
          {counterfactualShare > 0
            ? 'No list was found yet on which the arms differ.'
            : 'No lists were compared: set counterfactualShare in the definition.'}
        </p>
      )}
      <div class="strip">
        {queries.map(({ queryPinId, at }) => (
          <figure key={queryPinId} class="difference">
            <PinImage pinId={queryPinId} widthPx={200} alt={`pin ${queryPinId}`} />
            <figcaption>
              <small class="block">{dayOf(at)}, the control beside</small>
              {arms.slice(1).map((arm) => (
                <a key={arm.key} href={besides(queryPinId, arms[0].treatment, arm.treatment)}>
                  {arm.key}
                </a>
              ))}
            </figcaption>
          </figure>
        ))}
      </div>
    </section>
  );
}

function besides(pinId: string, left: unknown, right: unknown): string {
  const query = new URLSearchParams({ treatment: JSON.stringify(left), against: JSON.stringify(right) });
  return `/pin/${encodeURIComponent(pinId)}?${query}`;
}
