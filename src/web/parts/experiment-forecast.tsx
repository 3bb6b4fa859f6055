import { useState } from 'preact/hooks';
import type { Forecast } from '../../api/experiment-schemas.ts';
import { call } from '../api.ts';
import { useLoaded } from '../load.ts';
import { addressOf, percent } from './experiment.ts';
import { Failure } from './states.tsx';

const LENGTHS = [7, 14, 28];

/** Before the start: what the experiment could find, by as many days of the log as it is to run. */
export function ForecastPanel({ experimentKey }: { experimentKey: string }) {
  const [days, setDays] = useState(14);
  const address = `${addressOf(experimentKey)}/forecast?days=${days}`;
  const found = useLoaded(address, (signal) => call<Forecast>(address, { signal }));
  const forecast = found.kind === 'there' ? found.value : found.kind === 'loading' ? found.previous : null;
  const cell = (value: number | null): string => (value === null ? '–' : percent(value));
  return (
    <section class="panel" aria-label="Forecast">
      <h2>What it could find</h2>
      <div class="row wrap" role="group" aria-label="Days it is to run">
        {LENGTHS.map((length) => (
          <button
            type="button"
            key={length}
            class={length === days ? 'on' : ''}
            aria-pressed={length === days}
            onClick={() => setDays(length)}
          >
            {length} days
          </button>
        ))}
      </div>
      {found.kind === 'failed' && <Failure error={found.error} retry={found.retry} />}
      {forecast && (
        <>
          <p class="hint">
            In the last {forecast.days} days {forecast.unitsSeen.toLocaleString('en')} units met {forecast.lists.toLocaleString('en')}{' '}
            eligible lists{forecast.complete ? '' : ' (more were not read)'}; {forecast.unitsEnrolled.toLocaleString('en')} of them would be
            in the control and the first arm.
          </p>
          <table>
            <thead>
              <tr>
                <th>metric</th>
                <th class="number">now</th>
                <th class="number">found, looking once</th>
                <th class="number">found, watching</th>
                <th class="number">units needed</th>
                <th class="number">cap</th>
              </tr>
            </thead>
            <tbody>
              {forecast.metrics.map((row) => (
                <tr key={row.metric}>
                  <td>{row.metric}</td>
                  <td class="number">{row.value === null ? '–' : row.value.toPrecision(3)}</td>
                  <td class="number">{cell(row.detectableLift)}</td>
                  <td class="number">{cell(row.detectableLiftWatching)}</td>
                  <td class="number">{row.unitsNeeded?.toLocaleString('en') ?? '–'}</td>
                  <td class="number">{row.suggestedCap ?? '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="hint">The smallest lift that is found four times in five; the cap is what one unit in a thousand exceeds.</p>
        </>
      )}
    </section>
  );
}
