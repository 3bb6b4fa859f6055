import { useState } from 'preact/hooks';
import { callText, post } from '../api.ts';
import type { ExperimentView } from '../../api/experiment-schemas.ts';
import { addressOf } from './experiment.ts';
import { Refusal, useAttempt } from './refusal.tsx';

const STEPS: Readonly<Record<string, readonly string[]>> = {
  draft: ['start', 'archive'],
  running: ['stop'],
  stopped: ['archive'],
};

/** Start, stop, archive, widen; each asks once more, and is written into the history. */
export function Controls({ view, onChange }: { view: ExperimentView; onChange: () => void }) {
  const { card, definition } = view;
  const [refused, attempt] = useAttempt();
  const [asked, setAsked] = useState('');
  const act = (step: string, body: unknown): void => {
    setAsked('');
    attempt(() => post(`${addressOf(card.key)}/${step}`, body).then(onChange));
  };
  return (
    <div class="controls">
      <div class="row wrap">
        <span class={`badge state-${card.state}`}>{card.state}</span>
        {(STEPS[card.state] ?? []).map((step) =>
          asked === step ? (
            <span key={step} class="row" role="alertdialog" aria-label={`${step} ${card.key}?`}>
              <button type="button" class="sure" ref={(button) => button?.focus()} onClick={() => act(step, {})}>
                yes, {step} it
              </button>
              <button type="button" onClick={() => setAsked('')}>
                no
              </button>
            </span>
          ) : (
            <button type="button" key={step} onClick={() => setAsked(step)}>
              {step}
            </button>
          ),
        )}
        <a class="button" href={`/experiments/define?from=${encodeURIComponent(card.key)}`}>
          {card.state === 'draft' ? 'edit' : 'copy'}
        </a>
      </div>
      {card.state === 'running' && definition.traffic < 1 && (
        <Widen traffic={definition.traffic} onWiden={(traffic) => act('ramp', { traffic })} />
      )}
      {refused && <Refusal {...refused} />}
    </div>
  );
}

/** A larger share of all traffic; a smaller one would take people out of the experiment. */
function Widen({ traffic, onWiden }: { traffic: number; onWiden: (traffic: number) => void }) {
  const now = Math.round(100 * traffic);
  const [share, setShare] = useState(now);
  const widens = share > now && share <= 100;
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (widens) onWiden(share / 100);
      }}
    >
      <label>
        traffic <input type="number" min={now} max={100} value={share} onInput={(event) => setShare(Number(event.currentTarget.value))} /> %
      </label>
      <button type="submit" disabled={!widens}>
        widen
      </button>
    </form>
  );
}

/** The report as a file, fetched with the visitor's key. */
export function Downloads({ experimentKey }: { experimentKey: string }) {
  const [refused, attempt] = useAttempt();
  const download = (format: 'json' | 'csv'): void => {
    const address = `${addressOf(experimentKey)}/report?format=${format}`;
    attempt(() => callText(address).then((text) => saveAs(`${experimentKey}.${format}`, text)));
  };
  return (
    <div class="row wrap">
      <button type="button" onClick={() => download('json')}>
        Download as JSON
      </button>
      <button type="button" onClick={() => download('csv')}>
        Download as CSV
      </button>
      {refused && <Refusal {...refused} />}
    </div>
  );
}

function saveAs(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text]));
  const link = Object.assign(document.createElement('a'), { href: address, download: name });
  link.click();
  URL.revokeObjectURL(address);
}
