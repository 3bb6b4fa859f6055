import { useState } from 'preact/hooks';
import type { ExperimentView } from '../../api/experiment-schemas.ts';
import { ApiProblem, post } from '../api.ts';
import { addressOf } from './experiment.ts';
import { ReasonButton } from './reason-button.tsx';
import { Refusal, useAttempt } from './refusal.tsx';

/** What is done with the verdict: an arm serves, or the control stays. Written down with its reason, once. */
export function Conclusion({ view: { card, definition, report }, onChange }: { view: ExperimentView; onChange: () => void }) {
  const [refused, attempt] = useAttempt();
  const [last, setLast] = useState<{ readonly arm: string; readonly why: string } | null>(null);
  if (card.conclusion !== null)
    return (
      <p class="conclusion">
        <b>Concluded</b>: {card.conclusion}
      </p>
    );
  if (card.state !== 'running' && card.state !== 'stopped') return null;
  const conclude = (body: unknown): void => attempt(() => post(`${addressOf(card.key)}/conclude`, body).then(onChange));
  const serve = (arm: string, why: string, force = false): void => {
    setLast({ arm, why });
    conclude({ decision: 'serve', arm, why, force });
  };
  const canServe = definition.arms.slice(1).filter(({ treatment }) => Object.keys(treatment).length === 1 && treatment.model);
  const winner = report.arms.find(({ verdict }) => verdict === 'ship')?.arm;
  const judged = refused?.error instanceof ApiProblem && ['RANKER_GUARDRAIL', 'RANKER_UNJUDGED'].includes(refused.error.code);
  return (
    <div class="conclusion">
      <div class="row wrap">
        {canServe.map(({ key }) => (
          <ReasonButton
            key={key}
            text={key === winner ? `Serve the winner, ${key}` : `Serve ${key}`}
            asks={`Its model serves everybody${card.state === 'running' ? ', and the experiment ends' : ''}. Why?`}
            primary={key === winner}
            required
            onDecide={(why) => serve(key, why)}
          />
        ))}
        <ReasonButton
          text="Keep the control"
          asks={card.state === 'running' ? 'The experiment ends. Why?' : 'Why?'}
          required
          onDecide={(why) => conclude({ decision: 'keep-control', why })}
        />
      </div>
      {canServe.length === 0 && (
        <p class="hint">No arm is a model alone, so none can be made to serve from here: what it changes is set in the configuration.</p>
      )}
      {refused && <Refusal {...refused} />}
      {judged && last && (
        <button type="button" onClick={() => serve(last.arm, last.why, true)}>
          Serve {last.arm} all the same
        </button>
      )}
    </div>
  );
}
