import { useEffect, useState } from 'preact/hooks';
import type { Forecast } from '../../api/experiment-schemas.ts';
import { asError, post } from '../api.ts';
import { counted } from '../words.ts';
import { percent } from './experiment.ts';
import type { Draft } from './experiment-draft.ts';

/** Milliseconds without a change after which the forecast is asked for. */
const CALM_MS = 500;

/** What the definition in the form could find in its planned days, by the log of as many days; the error where it has one. */
export function LiveForecast({ draft }: { draft: Draft }) {
  const [forecast, setForecast] = useState<Forecast | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const text = JSON.stringify(draft);
  useEffect(() => {
    const stop = new AbortController();
    const ask = (): void => {
      post<Forecast>('/experiments/forecast', JSON.parse(text), stop.signal).then(
        (value) => {
          setForecast(value);
          setError(null);
        },
        (failure: unknown) => stop.signal.aborted || setError(asError(failure)),
      );
    };
    const timer = setTimeout(ask, CALM_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  return (
    <section class="panel" aria-label="Forecast" aria-live="polite">
      <h2>What it could find</h2>
      {error && <p class="badge warn">{error.message}</p>}
      {!error && !forecast && <p class="hint">Reading the log…</p>}
      {!error && forecast && <Told forecast={forecast} minimumLift={draft.minimumLift ?? 0} />}
    </section>
  );
}

function Told({ forecast, minimumLift }: { forecast: Forecast; minimumLift: number }) {
  const { days, unitsSeen, unitsEnrolled, metrics } = forecast;
  const [deciding] = metrics;
  if (unitsEnrolled < 2 || !deciding || deciding.detectableLift === null)
    return (
      <p>
        In the last {counted(days, 'day')} {counted(unitsSeen, 'user')} met lists like these, and {unitsEnrolled.toLocaleString('en')} would
        be in the control and the first arm: not enough to say what it could find.
      </p>
    );
  const { unitsNeeded, detectableLift, detectableLiftWatching, value } = deciding;
  const daysNeeded = unitsNeeded === null ? null : Math.ceil((unitsNeeded / unitsEnrolled) * days);
  return (
    <>
      <p>
        In {counted(days, 'day')} about <b>{counted(unitsEnrolled, 'user')}</b> would be in the control and the first arm.
      </p>
      <p>
        {deciding.metric} is {value?.toPrecision(3)} now. A lift of <b>{percent(detectableLift)}</b> would be found four times in five
        {detectableLiftWatching !== null && `, ${percent(detectableLiftWatching)} when it is watched all the time`}.
      </p>
      {unitsNeeded !== null && daysNeeded !== null && (
        <p>
          A lift of {percent(minimumLift)} needs <b>{counted(unitsNeeded, 'user')}</b>, about <b>{counted(daysNeeded, 'day')}</b>
          {daysNeeded > days && ': longer than planned. More traffic, or a larger smallest lift, would shorten it'}.
        </p>
      )}
      {!forecast.complete && <p class="hint">More lists were not read.</p>}
    </>
  );
}
